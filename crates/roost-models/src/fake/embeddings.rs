//! Embeddings, as both vendors serve them: vectors made from words alone, so that texts with the same words are near
//! each other and the same text always has the same vector.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roost_domain::knowledge::lexical_vector;
use roost_domain::unit::Tokens;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fake, gemini, openai};

/// How many numbers a vector has when nobody says.
const DIMENSIONS: usize = 1_536;

#[derive(Deserialize)]
struct OpenAiRequest {
    model: String,
    input: Input,
    dimensions: Option<usize>,
    encoding_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
}

pub(super) async fn openai(State(fake): State<Fake>, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if let Some(why) = fake.refuses(key) {
        return openai::error(401, why);
    }
    let request: OpenAiRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(problem) => return openai::error(400, &problem.to_string()),
    };
    let texts = match request.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
    };
    let dimensions = request.dimensions.unwrap_or(DIMENSIONS);
    if texts.is_empty() || !(1..=4_096).contains(&dimensions) {
        return openai::error(400, "input must have a text, and dimensions must be from 1 to 4096");
    }
    let packed = request.encoding_format.as_deref() == Some("base64");
    let item = |(index, text): (usize, &String)| {
        let vector = lexical_vector(text, dimensions);
        let embedding = if packed {
            let bytes: Vec<u8> = vector.numbers().iter().flat_map(|number| number.to_le_bytes()).collect();
            json!(STANDARD.encode(bytes))
        } else {
            json!(vector.numbers())
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let tokens: u64 = texts.iter().map(|text| Tokens::estimate(text).0).sum();
    Json(json!({
        "object": "list",
        "data": texts.iter().enumerate().map(item).collect::<Vec<_>>(),
        "model": request.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }))
    .into_response()
}

/// Answers `:batchEmbedContents`.
pub(super) fn gemini(body: &[u8]) -> Response {
    let request: Value = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(problem) => return gemini::error(400, &problem.to_string()),
    };
    let Some(requests) = request["requests"].as_array().filter(|requests| !requests.is_empty()) else {
        return gemini::error(400, "requests must have at least one");
    };
    let values = |request: &Value| {
        let text = request["content"]["parts"][0]["text"].as_str().unwrap_or_default();
        let wanted = request["outputDimensionality"].as_u64().and_then(|wanted| usize::try_from(wanted).ok());
        json!({"values": lexical_vector(text, wanted.unwrap_or(3_072).min(4_096)).numbers()})
    };
    Json(json!({"embeddings": requests.iter().map(values).collect::<Vec<_>>()})).into_response()
}
