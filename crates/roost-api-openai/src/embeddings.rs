//! **Source:** <https://developers.openai.com/api/reference/resources/embeddings>

use axum::Json as Answer;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roost_core::{Core, Embed, Embeddings};
use roost_domain::knowledge::Vector;
use roost_http::{Caller, Failure, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `user` is taken and changes nothing: what a text means does not depend on who asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "fields that are known, so that unknown ones can be named")]
pub(crate) struct EmbeddingsBody {
    model: String,
    input: Value,
    encoding_format: Option<String>,
    dimensions: Option<u64>,
    user: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct EmbeddingList {
    object: &'static str,
    data: Vec<Embedding>,
    model: String,
    usage: Usage,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Numbers,
}

/// A vector's numbers, as a list or as the Base64 of little-endian `f32`.
#[derive(Serialize)]
#[serde(untagged)]
enum Numbers {
    List(Vec<f32>),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

#[derive(Debug, Clone, Copy)]
enum Format {
    List,
    Base64,
}

pub(crate) async fn create(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Json(body): Json<EmbeddingsBody>,
) -> Result<Answer<EmbeddingList>, Failure> {
    let format = format(body.encoding_format.as_deref())?;
    let embed = Embed { model: body.model, texts: texts(body.input)?, dimensions: body.dimensions };
    let Embeddings { model, vectors, tokens } = core.models().embed(&ctx, embed).await?;
    let embedding = |(index, vector): (usize, &Vector)| Embedding {
        object: "embedding",
        index,
        embedding: numbers(vector, format),
    };
    Ok(Answer(EmbeddingList {
        object: "list",
        data: vectors.iter().enumerate().map(embedding).collect(),
        model: model.to_string(),
        usage: Usage { prompt_tokens: tokens.0, total_tokens: tokens.0 },
    }))
}

fn format(given: Option<&str>) -> Result<Format, Failure> {
    match given {
        None | Some("float") => Ok(Format::List),
        Some("base64") => Ok(Format::Base64),
        Some(_) => Err(Failure::invalid("encoding_format", "must be float or base64")),
    }
}

fn texts(input: Value) -> Result<Vec<String>, Failure> {
    let wrong = || Failure::invalid("input", "must be a text or a list of texts");
    match input {
        Value::String(text) => Ok(vec![text]),
        Value::Array(list) if list.iter().any(|item| item.is_number() || item.is_array()) => {
            let problem =
                "holds tokens, whose meaning depends on the model that made them; send the texts themselves";
            Err(Failure::invalid("input", problem))
        }
        Value::Array(list) => list
            .into_iter()
            .map(|item| if let Value::String(text) = item { Ok(text) } else { Err(wrong()) })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(wrong()),
    }
}

fn numbers(vector: &Vector, format: Format) -> Numbers {
    match format {
        Format::List => Numbers::List(vector.numbers().to_vec()),
        Format::Base64 => {
            let bytes: Vec<u8> = vector.numbers().iter().flat_map(|number| number.to_le_bytes()).collect();
            Numbers::Base64(STANDARD.encode(bytes))
        }
    }
}
