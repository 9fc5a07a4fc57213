//! Parameters: what goes into path, query, headers and cookies.

use roost_domain::integration::{Parameter, Place, Style};
use serde_json::{Value, json};

use super::document::{Document, Version};
use super::schema::{Budget, Use, translate};
use super::{Fields, Named, cut, security};

/// The most parameters of one operation.
const MOST_PARAMETERS: usize = 300;

/// The longest name of a parameter.
const NAME_MAX: usize = 200;

/// What an operation takes, as it is gathered.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) parameters: Vec<Parameter>,
    pub(super) properties: Named,
    pub(super) required: Vec<String>,
    pub(super) budget: Budget,
}

impl Arguments {
    /// Returns a name that no other argument has and that every model's interface takes: `[A-Za-z0-9_.-]{1,64}`.
    pub(super) fn name(&self, wanted: &str, place: &str) -> String {
        let plain = |text: &str| -> String {
            let good = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
            text.chars().map(|letter| if good(letter) { letter } else { '_' }).take(60).collect()
        };
        let mut name = plain(wanted);
        if name.is_empty() || self.properties.contains_key(&name) {
            name = plain(&format!("{place}_{wanted}"));
        }
        let mut number = 2;
        while self.properties.contains_key(&name) {
            name = format!("{}_{number}", plain(wanted));
            number += 1;
        }
        name
    }
}

/// Returns the parameters of an operation with those of its path, of which it may replace some.
pub(super) fn collect<'a>(
    document: &Document<'a>,
    item: &'a Value,
    found: &'a Fields,
) -> Result<Vec<&'a Value>, String> {
    let of = |value: Option<&'a Value>| value.and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<&Value> = Vec::new();
    for given in of(item.get("parameters")).chain(of(found.get("parameters"))) {
        if all.len() >= MOST_PARAMETERS {
            return Err(format!("it has more than {MOST_PARAMETERS} parameters"));
        }
        let given = document.resolve(given)?;
        let key = |value: &'a Value| (value.get("name"), value.get("in"));
        all.retain(|known| key(known) != key(given));
        all.push(given);
    }
    Ok(all)
}

pub(super) fn read<'a>(document: &Document<'a>, given: &'a Value, arguments: &mut Arguments) {
    let text = |field: &str| given.get(field).and_then(Value::as_str).unwrap_or_default();
    let Some(place) = Place::ALL.into_iter().find(|place| place.name() == text("in")) else {
        // Bodies and forms of version 2 are read elsewhere.
        return;
    };
    let name = text("name");
    if name.is_empty() || name.len() > NAME_MAX {
        // Documents are not always careful; what has no name cannot be sent, and need not be.
        return;
    }
    if (place == Place::Header && is_reserved(name)) || is_credential(document, name, place) {
        return;
    }
    let (mut schema, style) = shape(document, given, place, &mut arguments.budget);
    let description = cut(text("description"), 300);
    if !description.is_empty() && schema.get("description").is_none() {
        schema["description"] = Value::from(description);
    }
    let argument = arguments.name(name, place.name());
    if place == Place::Path || given.get("required") == Some(&Value::Bool(true)) {
        arguments.required.push(argument.clone());
    }
    arguments.properties.insert(argument.clone(), schema);
    arguments.parameters.push(Parameter { name: name.to_owned(), argument, place, style });
}

/// Tells whether a parameter is the credential, which the server adds: some documents name it beside their security
/// schemes.
fn is_credential(document: &Document<'_>, name: &str, place: Place) -> bool {
    let usual = match place {
        Place::Header => ["token", "x-api-token", "x-auth-token"].as_slice(),
        Place::Query => ["access_token", "oauth_token"].as_slice(),
        Place::Path | Place::Cookie => return false,
    };
    usual.contains(&name.to_ascii_lowercase().as_str()) || security::names(document, name, place.name())
}

/// **Source:** OpenAPI 3, Parameter Object: these are ignored.
fn is_reserved(name: &str) -> bool {
    ["accept", "content-type", "authorization", "content-length", "host", "user-agent", "connection"]
        .contains(&name.to_ascii_lowercase().as_str())
}

fn shape<'a>(document: &Document<'a>, given: &'a Value, place: Place, budget: &mut Budget) -> (Value, Style) {
    if document.version == Version::Two {
        let style = match given.get("collectionFormat").and_then(Value::as_str) {
            Some("multi") => Style::Exploded,
            Some("ssv") => Style::Spaces,
            Some("pipes") => Style::Pipes,
            _ => Style::Commas,
        };
        return (translate(document, given, Use::Parameter, budget), style);
    }
    if let Some(content) = given.get("content").and_then(Value::as_object) {
        let schema = content.values().next().and_then(|media| media.get("schema"));
        let schema =
            schema.map_or_else(|| json!({}), |schema| translate(document, schema, Use::Request, budget));
        return (schema, Style::Json);
    }
    let schema = given.get("schema");
    let schema = schema.map_or_else(|| json!({}), |schema| translate(document, schema, Use::Request, budget));
    let explode = given.get("explode").and_then(Value::as_bool);
    let style = match given.get("style").and_then(Value::as_str) {
        Some("deepObject") => Style::Deep,
        Some("spaceDelimited") if explode != Some(true) => Style::Spaces,
        Some("pipeDelimited") if explode != Some(true) => Style::Pipes,
        Some("simple") => Style::Commas,
        Some("form") | None if matches!(place, Place::Query | Place::Cookie) && explode != Some(false) => {
            Style::Exploded
        }
        Some("spaceDelimited" | "pipeDelimited") => Style::Exploded,
        Some(_) | None => Style::Commas,
    };
    (schema, style)
}

/// Adds the blanks of the path that no parameter explains, as texts: the path cannot be sent without them.
pub(super) fn missing_in_path(path: &str, arguments: &mut Arguments) -> Result<(), String> {
    if path.matches('{').count() != path.matches('}').count() {
        return Err("its path has a brace without the other".to_owned());
    }
    for name in path.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name)) {
        let is_known =
            arguments.parameters.iter().any(|known| known.place == Place::Path && known.name == name);
        if !is_known {
            let argument = arguments.name(name, Place::Path.name());
            arguments.required.push(argument.clone());
            arguments.properties.insert(argument.clone(), json!({"type": "string"}));
            let place = Place::Path;
            arguments.parameters.push(Parameter {
                name: name.to_owned(),
                argument,
                place,
                style: Style::Commas,
            });
        }
    }
    Ok(())
}
