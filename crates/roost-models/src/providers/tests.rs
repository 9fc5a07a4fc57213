use roost_domain::conversation::Wishes;
use roost_domain::unit::MicroUsd;

use super::*;
use crate::options::Provider;
use crate::testing::{Counting, ask, hello, options, permit, permit_for, providers};

fn name(text: &str) -> ModelName {
    text.parse().unwrap()
}

#[test]
fn unknown_providers_list_the_known_ones() {
    let providers = providers(options("http://127.0.0.1:9"));
    assert_eq!(
        providers.describe(&name("mistral/large")).unwrap_err().to_string(),
        "no provider serves mistral/large; known providers are anthropic, openai, google, openrouter, ollama, scripted"
    );
}

#[test]
fn descriptions_say_whether_a_price_is_known() {
    let providers = providers(options("http://127.0.0.1:9"));
    let known = |text: &str| providers.describe(&name(text)).unwrap();
    assert_eq!(known("anthropic/claude-sonnet-5-5").price.input, MicroUsd(2_000_000));
    assert!(
        known("ollama/llama3").priced && !known("openrouter/x/y").priced && known("scripted/demo").priced
    );
}

#[test]
fn the_usual_model_of_a_provider_is_one_whose_price_is_known() {
    let providers = providers(options("http://127.0.0.1:9"));
    for provider in ["anthropic", "openai", "google"] {
        let model = providers.default_model(provider).unwrap();
        assert_eq!(model.provider(), provider);
        assert!(providers.describe(&model).unwrap().priced, "{model}");
    }
    assert_eq!(providers.default_model("ollama"), None);
}

#[test]
fn access_of_its_own_is_a_key_or_a_provider_that_needs_none() {
    let mut options = options("http://127.0.0.1:9");
    options.google.key = None;
    let providers = providers(options);
    let has = |text: &str| providers.has_own_access(&name(text));
    assert!(has("openai/x") && has("ollama/x") && has("scripted/demo"));
    assert!(!has("google/x") && !has("unknown/x"));
}

#[tokio::test]
async fn a_permit_for_something_else_is_refused() {
    let providers = providers(options("http://127.0.0.1:9"));
    let other_model = permit("scripted/other");
    let other_act = permit_for(Action::RunCommand { command: "ls".into() });
    for permit in [other_model, other_act] {
        let request = Request {
            model: name("scripted/demo"),
            conversation: hello(),
            wishes: Wishes::default(),
            key: None,
        };
        let Err(error) = providers.stream(&permit, request).await else { panic!("allowed by {permit:?}") };
        assert!(matches!(error, Error::Refused { status: 403, .. }), "{error}");
    }
    assert!(ask(&providers, "scripted/demo", hello()).await.1.is_ok());
}

#[test]
fn options_that_cannot_be_used_are_named() {
    let problem = |change: &dyn Fn(&mut Options)| {
        let mut options = options("http://127.0.0.1:9");
        change(&mut options);
        match Providers::new(options, Arc::new(Counting::default())) {
            Ok(_) => panic!("accepted"),
            Err(error) => error.to_string(),
        }
    };
    for url in
        ["", "api.openai.com", "ftp://x/v1", "https://user:secret-pw@x/v1", "https://x/v1?key=secret-pw"]
    {
        let said = problem(&|options| options.openai = Provider::at(url));
        assert!(said.contains("base URL of openai") && !said.contains("secret-pw"), "{url}: {said}");
    }
    for taken in ["openai", "scripted", "No", ""] {
        let said = problem(&|options| {
            let (name, base_url) = (taken.to_owned(), "http://127.0.0.1:9/v1".to_owned());
            options.compatible.push(Compatible { name, base_url, key: None });
        });
        assert!(said.contains(&format!("{taken:?} cannot name a provider")), "{said}");
    }
    assert!(problem(&|options| options.proxy = Some("::".into())).contains("HTTP client"));
}
