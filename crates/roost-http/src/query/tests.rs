use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct List {
    limit: Option<u32>,
    agent_id: Option<String>,
    stream: Option<bool>,
}

fn problem(query: &str) -> String {
    parse::<List>(query).unwrap_err().message().to_owned()
}

#[test]
fn a_query_is_read_with_its_escapes() {
    let expected = List { limit: Some(7), agent_id: Some("a b&c".to_owned()), stream: None };
    assert_eq!(parse::<List>("limit=7&agentId=a+b%26c").unwrap(), expected);
    assert_eq!(parse::<List>("").unwrap(), List { limit: None, agent_id: None, stream: None });
}

#[test]
fn problems_name_the_parameter_and_what_would_be_right() {
    assert_eq!(problem("limit=many"), "limit must be a whole number");
    assert_eq!(problem("limit=-1"), "limit must be a whole number");
    assert_eq!(problem("limit=99999999999"), "limit must be a whole number");
    assert_eq!(problem("stream=maybe"), "stream must be true or false");
    assert_eq!(problem("limit=1&limit=2"), "limit is given twice");
    assert_eq!(problem("limt=1"), "limt is not a known query parameter; known are limit, agentId, stream");
}
