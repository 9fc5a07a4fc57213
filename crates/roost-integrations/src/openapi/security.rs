//! How a service wants to be shown a credential, as its document says.

use roost_domain::integration::Placement;
use serde_json::{Map, Value};

use super::document::{Document, Version};

pub(super) struct Security {
    pub(super) placement: Option<Placement>,
    /// Where leave is asked for, where tokens are had, which scopes there are.
    pub(super) oauth: Option<(String, String, Vec<String>)>,
}

pub(super) fn read(document: &Document<'_>) -> Security {
    let schemes = schemes(document);
    let oauth = schemes.iter().find_map(|scheme| oauth(scheme));
    let bearer =
        schemes.iter().any(|scheme| is(scheme, "http", Some("bearer")) || is(scheme, "oauth2", None));
    let key = schemes.iter().find_map(|scheme| key(scheme));
    let basic = schemes.iter().any(|scheme| is(scheme, "http", Some("basic")) || is(scheme, "basic", None));
    let placement = match (bearer, key) {
        (true, _) => Some(Placement::bearer()),
        (false, Some(key)) => Some(key),
        (false, None) => basic.then_some(Placement::Basic),
    };
    Security { placement, oauth }
}

fn schemes<'a>(document: &Document<'a>) -> Vec<&'a Value> {
    let at = match document.version {
        Version::Two => "/securityDefinitions",
        Version::ThreeZero | Version::ThreeOne => "/components/securitySchemes",
    };
    let schemes = document.at(at).and_then(Value::as_object);
    schemes.into_iter().flat_map(Map::values).filter_map(|one| document.resolve(one).ok()).collect()
}

/// Tells whether a security scheme is a key of this name in this place.
pub(super) fn names(document: &Document<'_>, name: &str, place: &str) -> bool {
    let is = |scheme: &&Value| {
        is(scheme, "apiKey", None) && text(scheme, "name") == name && text(scheme, "in") == place
    };
    schemes(document).iter().any(is)
}

fn text<'a>(scheme: &'a Value, field: &str) -> &'a str {
    scheme.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn is(scheme: &Value, kind: &str, how: Option<&str>) -> bool {
    text(scheme, "type").eq_ignore_ascii_case(kind)
        && how.is_none_or(|how| text(scheme, "scheme").eq_ignore_ascii_case(how))
}

fn key(scheme: &Value) -> Option<Placement> {
    if !is(scheme, "apiKey", None) {
        return None;
    }
    let name = text(scheme, "name");
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    match text(scheme, "in") {
        "header" if plain => Some(Placement::Header { name: name.to_owned(), prefix: String::new() }),
        "query" if plain => Some(Placement::Query { name: name.to_owned() }),
        _ => None,
    }
}

fn oauth(scheme: &Value) -> Option<(String, String, Vec<String>)> {
    if !is(scheme, "oauth2", None) {
        return None;
    }
    let flow = match scheme.get("flows") {
        Some(flows) => flows.get("authorizationCode")?,
        None if text(scheme, "flow") == "accessCode" => scheme,
        None => return None,
    };
    let (authorize, token) = (text(flow, "authorizationUrl"), text(flow, "tokenUrl"));
    if authorize.is_empty() || token.is_empty() {
        return None;
    }
    let scopes = flow.get("scopes").and_then(Value::as_object);
    let scopes = scopes.into_iter().flat_map(Map::keys).take(100).cloned().collect();
    Some((authorize.to_owned(), token.to_owned(), scopes))
}
