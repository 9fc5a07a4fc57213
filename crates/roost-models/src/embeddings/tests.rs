use std::sync::Arc;

use roost_domain::secret::Secret;
use roost_ports::embedder::{Embedder, Error, Purpose};
use roost_ports::random::Random;

use super::{Choice, EmbeddingOptions, embedder};
use crate::options::{Provider, Retries, Timeouts};
use crate::{fake, script};

struct Zeros;

impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn options(choice: Choice, address: &str, key: &str) -> EmbeddingOptions {
    let provider =
        |path: &str| Provider { base_url: format!("{address}{path}"), key: Some(Secret::new(key)) };
    EmbeddingOptions {
        choice,
        path: "/nowhere/at/all".into(),
        model: None,
        dimensions: None,
        openai: provider("/v1"),
        google: provider(""),
        timeouts: Timeouts::default(),
        retries: Retries { max_attempts: 1, ..Retries::default() },
        proxy: None,
    }
}

fn made(options: &EmbeddingOptions) -> Arc<dyn Embedder> {
    embedder(options, Arc::new(Zeros)).unwrap()
}

/// Serves the fake model, which takes one key only; returns its address.
async fn served() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = fake::Options { key: Some(Secret::new("right")) };
    let router = fake::router(script::Script::parse("turns:\n  - - text: hello\n").unwrap(), options);
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn texts() -> Vec<String> {
    ["Refunds are paid within two weeks.", "The cat is called Minka.", "A refund is paid in two weeks."]
        .map(str::to_owned)
        .to_vec()
}

#[tokio::test]
async fn both_vendors_give_one_vector_for_each_text_in_their_order() {
    let address = served().await;
    for (choice, key, dimensions) in [
        (Choice::OpenAi, "openai/text-embedding-3-small@512", 512),
        (Choice::Gemini, "gemini/gemini-embedding-001@768", 768),
    ] {
        let embedder = made(&options(choice, &address, "right"));
        assert_eq!(embedder.description().key(), key);
        let vectors = embedder.embed(&texts(), Purpose::Document).await.unwrap();
        assert_eq!(vectors.iter().map(|vector| vector.dimensions()).collect::<Vec<_>>(), [dimensions; 3]);
        assert!(vectors[0].cosine(&vectors[2]) > 0.6 && vectors[0].cosine(&vectors[1]) < 0.2);
        assert!(embedder.embed(&[], Purpose::Query).await.unwrap().is_empty());
        let too_many = vec!["text".to_owned(); embedder.description().batch + 1];
        assert!(embedder.embed(&too_many, Purpose::Query).await.is_err());
    }
}

#[tokio::test]
async fn a_wrong_key_lasts_and_a_server_that_is_not_there_may_come_back() {
    let address = served().await;
    for choice in [Choice::OpenAi, Choice::Gemini] {
        let wrong = made(&options(choice, &address, "sk-wrong-secret"));
        let error = wrong.embed(&texts(), Purpose::Query).await.unwrap_err();
        assert!(matches!(error, Error::Unusable { .. }), "{error}");
        assert!(!error.to_string().contains("sk-wrong-secret"), "{error}");
        let gone = made(&options(choice, "http://127.0.0.1:1", "right"));
        let error = gone.embed(&texts(), Purpose::Query).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    }
}

#[tokio::test]
async fn vectors_of_other_dimensions_than_configured_are_refused() {
    let address = served().await;
    let wrong = EmbeddingOptions {
        model: Some("other-model".to_owned()),
        dimensions: Some(100),
        ..options(Choice::OpenAi, &address, "right")
    };
    let error = made(&wrong).embed(&texts(), Purpose::Query).await.unwrap_err().to_string();
    assert!(
        error.contains("1536 dimensions and not 100") && error.contains("embeddings.dimensions"),
        "{error}"
    );
    let unknown = EmbeddingOptions {
        model: Some("other-model".to_owned()),
        ..options(Choice::OpenAi, &address, "right")
    };
    let error = embedder(&unknown, Arc::new(Zeros)).err().unwrap().to_string();
    assert!(error.contains("embeddings.dimensions is needed"), "{error}");
}

#[tokio::test]
async fn without_a_model_words_are_compared_and_it_says_so() {
    let embedder = made(&options(Choice::Auto, "http://127.0.0.1:1", "right"));
    assert_eq!(embedder.description().key(), "lexical/words-1@384");
    assert!(embedder.description().about.starts_with("No model"));
    let vectors = embedder.embed(&texts(), Purpose::Document).await.unwrap();
    assert!(vectors[0].cosine(&vectors[2]) > vectors[0].cosine(&vectors[1]));
    assert!(super::embedder(&options(Choice::Local, "", ""), Arc::new(Zeros)).is_err());
}
