use super::*;

#[test]
fn the_page_holds_every_rule_as_it_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scanner.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let (_, held) = page.split_once("<!-- rules -->\n\n").expect("the page has a place for the rules");
    assert!(
        held == rules_page(),
        "docs/scanner.md is not up to date: replace what follows its mark with the output of `cargo run -p roost-scan --example rules`"
    );
}
