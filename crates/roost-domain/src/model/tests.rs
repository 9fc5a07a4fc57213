use super::*;

#[test]
fn names_split_at_the_first_slash() {
    let name: ModelName = "openrouter/meta/llama-4".parse().unwrap();
    assert_eq!((name.provider(), name.model()), ("openrouter", "meta/llama-4"));
}

#[test]
fn texts_that_name_no_model_are_refused() {
    for text in ["", "gpt-5", "/x", "OpenAI/x", "openai/", "openai/a b", "open ai/x"] {
        assert!(text.parse::<ModelName>().is_err(), "{text:?}");
    }
}

#[test]
fn cost_counts_cached_tokens_once_and_rounds_up() {
    let price = Price {
        input: MicroUsd(3_000_000),
        cached: MicroUsd(300_000),
        cache_written: MicroUsd(3_750_000),
        output: MicroUsd(15_000_000),
    };
    let usage =
        Usage { input: Tokens(1_000), cached: Tokens(600), cache_written: Tokens(100), output: Tokens(10) };
    // 300 × 3 + 600 × 0.3 + 100 × 3.75 + 10 × 15
    assert_eq!(price.cost(usage), MicroUsd(1_605));
    assert_eq!(price.cost(Usage { output: Tokens(1), ..Usage::default() }), MicroUsd(15));
    assert_eq!(price.cost(Usage { cached: Tokens(1), input: Tokens(1), ..Usage::default() }), MicroUsd(1));
}
