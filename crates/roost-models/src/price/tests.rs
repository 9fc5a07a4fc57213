use super::*;

fn known(name: &str, extra: &[PriceEntry]) -> Description {
    describe(&name.parse().unwrap(), extra)
}

#[test]
fn every_listed_price_makes_sense() {
    for entry in LISTED.iter() {
        let Price { input, cached, cache_written, output } = entry.price;
        assert!(MicroUsd::ZERO < input && input < output, "{}", entry.model);
        assert!(cached <= input && input <= cache_written, "{}", entry.model);
        assert!(entry.max_output < entry.context, "{}", entry.model);
        assert!(entry.model.parse::<ModelName>().is_ok(), "{}", entry.model);
        assert_eq!(LISTED.iter().filter(|other| other.model == entry.model).count(), 1, "{}", entry.model);
    }
}

#[test]
fn the_longest_beginning_wins_and_ends_where_a_part_of_the_name_ends() {
    let input = |name: &str| known(name, &[]).price.input;
    assert_eq!(input("openai/gpt-4o-2024-08-06"), MicroUsd(2_500_000));
    assert_eq!(input("openai/gpt-4o-mini-2024-07-18"), MicroUsd(150_000));
    assert_eq!(input("anthropic/claude-opus-5-5"), MicroUsd(4_000_000));
    assert!(!known("openai/gpt-4ox", &[]).priced);
    assert!(!known("openai/gpt-5.55", &[]).priced);
}

#[test]
fn models_that_no_list_knows_are_unpriced() {
    let unknown = known("openrouter/some/model", &[]);
    assert_eq!((unknown.priced, unknown.price), (false, Price::FREE));
}

#[test]
fn prices_of_the_options_go_before_the_list() {
    let mine = PriceEntry {
        model: "openai/gpt-4o".into(),
        price: Price { input: MicroUsd(7), ..Price::FREE },
        context: Tokens(10),
        max_output: Tokens(5),
    };
    let found = known("openai/gpt-4o-mini", &[mine]);
    assert_eq!((found.price.input, found.context, found.priced), (MicroUsd(7), Tokens(10), true));
}
