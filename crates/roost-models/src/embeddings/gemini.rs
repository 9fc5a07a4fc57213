use reqwest::header::HeaderName;
use roost_ports::embedder::{Description, Purpose};
use serde_json::{Value, json};

use super::EmbeddingOptions;
use super::remote::{Api, numbers};
use crate::gemini::decode::error_body;
use crate::options::InvalidOptions;
use crate::providers::base_url;

const MODEL: &str = "gemini-embedding-001";
const DIMENSIONS: usize = 768;

pub(super) fn api(options: &EmbeddingOptions) -> Result<Api, InvalidOptions> {
    let model = options.model.clone().unwrap_or_else(|| MODEL.to_owned());
    let mut url = base_url("models.google.base_url", &options.google.base_url)?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["v1beta", "models"]).push(&format!("{model}:batchEmbedContents"));
    }
    Ok(Api {
        description: Description {
            provider: "gemini",
            model,
            dimensions: options.dimensions.unwrap_or(DIMENSIONS),
            batch: 100,
            related: 0.55,
            about: "Every text is sent to this provider.",
        },
        url,
        header: (HeaderName::from_static("x-goog-api-key"), ""),
        key: options.google.key.clone(),
        encode,
        decode,
        error_body,
    })
}

fn encode(description: &Description, texts: &[String], purpose: Purpose) -> Value {
    let task = match purpose {
        Purpose::Document => "RETRIEVAL_DOCUMENT",
        Purpose::Query => "RETRIEVAL_QUERY",
    };
    let request = |text: &String| {
        json!({
            "model": format!("models/{}", description.model),
            "content": {"parts": [{"text": text}]},
            "taskType": task,
            "outputDimensionality": description.dimensions,
        })
    };
    json!({"requests": texts.iter().map(request).collect::<Vec<_>>()})
}

fn decode(answer: &Value, _: usize) -> Option<Vec<Vec<f32>>> {
    answer["embeddings"].as_array()?.iter().map(|one| numbers(&one["values"])).collect()
}
