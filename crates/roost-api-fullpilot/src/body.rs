//! What comes in: configurations bare or wrapped, with tags beside them.

use roost_core::ConfigChange;
use roost_http::Failure;
use serde_json::{Map, Value};

/// A configuration with what stands beside it.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) config: Option<Map<String, Value>>,
    pub(crate) tags: Option<Vec<String>>,
    /// Whether the configuration stood in a wrapper of its own.
    wrapped: bool,
}

impl Configured {
    /// Reads `{config, tags}`, or a configuration that is the body itself.
    pub(crate) fn read(body: Value) -> Result<Self, Failure> {
        let Value::Object(mut body) = body else {
            return Err(Failure::invalid("the body", "must be an object"));
        };
        let own_tags = body.remove("tags").filter(|tags| !tags.is_null());
        let own_tags = own_tags.map(|tags| read_tags(&tags)).transpose()?;
        let Some(config) = body.remove("config") else {
            let config = (!body.is_empty()).then_some(body);
            return Ok(Self { config, tags: own_tags, wrapped: false });
        };
        if let Some(other) = body.keys().next() {
            let other: String = other.chars().take(80).collect();
            return Err(Failure::invalid(&other, "is not known beside config; that is only tags"));
        }
        let Value::Object(mut config) = config else {
            return Err(Failure::invalid("config", "must be an object"));
        };
        let tags = config.remove("tags").filter(|tags| !tags.is_null());
        let tags = tags.map(|tags| read_tags(&tags)).transpose()?;
        Ok(Self { config: Some(config), tags: own_tags.or(tags), wrapped: true })
    }

    /// Returns what becomes of an agent's configuration: one with steps takes its place, anything else changes parts.
    pub(crate) fn change(self) -> (ConfigChange, Option<Vec<String>>) {
        let change = match self.config {
            None => ConfigChange::Keep,
            Some(config) if self.wrapped && config.is_empty() => ConfigChange::Keep,
            Some(config) if config.contains_key("steps") => ConfigChange::Replace(Value::Object(config)),
            Some(parts) => ConfigChange::Merge(parts),
        };
        (change, self.tags)
    }
}

fn read_tags(tags: &Value) -> Result<Vec<String>, Failure> {
    let list = tags.as_array().ok_or_else(|| Failure::invalid("tags", "must be a list of texts"))?;
    let text = |tag: &Value| tag.as_str().map(str::to_owned);
    list.iter()
        .map(|tag| text(tag).ok_or_else(|| Failure::invalid("tags", "must be a list of texts")))
        .collect()
}

/// Reads an object that may be left out.
pub(crate) fn object(body: Value) -> Result<Map<String, Value>, Failure> {
    match body {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Failure::invalid("the body", "must be an object"))
        }
    }
}
