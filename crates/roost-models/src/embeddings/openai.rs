use reqwest::header::AUTHORIZATION;
use roost_ports::embedder::{Description, Purpose};
use serde_json::{Value, json};

use super::EmbeddingOptions;
use super::remote::{Api, numbers};
use crate::openai::decode::error_body;
use crate::options::InvalidOptions;
use crate::providers::base_url;

/// OpenAI's usual model; its vectors can be cut short, and are then worse only by little.
const MODEL: &str = "text-embedding-3-small";
const DIMENSIONS: usize = 512;

/// Models whose vectors cannot be cut short, with their dimensions.
const FIXED: [(&str, usize); 1] = [("text-embedding-ada-002", 1_536)];

pub(super) fn api(options: &EmbeddingOptions) -> Result<Api, InvalidOptions> {
    let model = options.model.clone().unwrap_or_else(|| MODEL.to_owned());
    let fixed = FIXED.iter().find(|(name, _)| *name == model).map(|(_, dimensions)| *dimensions);
    let usual = model.starts_with("text-embedding-3-").then_some(DIMENSIONS);
    let dimensions = fixed.or(options.dimensions).or(usual).ok_or_else(|| {
        InvalidOptions::Embeddings(format!(
            "embeddings.dimensions is needed: nobody knows how many numbers a vector of {model} has"
        ))
    })?;
    let mut url = base_url("embeddings.base_url", &options.openai.base_url)?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("embeddings");
    }
    Ok(Api {
        description: Description {
            provider: "openai",
            model,
            dimensions,
            batch: 100,
            related: 0.25,
            about: "Every text is sent to this provider.",
        },
        url,
        header: (AUTHORIZATION, "Bearer "),
        key: options.openai.key.clone(),
        encode,
        decode,
        error_body,
    })
}

fn encode(description: &Description, texts: &[String], _: Purpose) -> Value {
    let mut body = json!({"model": description.model, "input": texts, "encoding_format": "float"});
    // Other servers and older models refuse the field, even if it says what they do anyway.
    if description.model.starts_with("text-embedding-3-") {
        body["dimensions"] = json!(description.dimensions);
    }
    body
}

fn decode(answer: &Value, count: usize) -> Option<Vec<Vec<f32>>> {
    let mut vectors = vec![None; count];
    for (place, item) in answer["data"].as_array()?.iter().enumerate() {
        let index = item["index"].as_u64().map_or(Some(place), |index| usize::try_from(index).ok())?;
        *vectors.get_mut(index)? = Some(numbers(&item["embedding"])?);
    }
    vectors.into_iter().collect()
}
