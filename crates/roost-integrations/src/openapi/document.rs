//! The document as a whole: which version it is of, where its references lead, where its service is.

use roost_ports::integrations::BadDescription;
use serde_json::Value;
use url::Url;

use super::Fields;

/// The longest URL of a server.
const URL_MAX: usize = 2_000;

/// How many references may lead to one another in a row.
const HOPS: usize = 32;

/// Which OpenAPI a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Swagger 2.0.
    Two,
    /// 3.0, whose schemas are not quite JSON Schema.
    ThreeZero,
    /// 3.1 or later, whose schemas are.
    ThreeOne,
}

pub(super) struct Document<'a> {
    root: &'a Value,
    pub(super) version: Version,
}

impl<'a> Document<'a> {
    pub(super) fn new(root: &'a Value) -> Result<Self, BadDescription> {
        let text = |field: &str| match root.get(field) {
            Some(Value::String(text)) => Some(text.clone()),
            // Without quotes, YAML takes 2.0 for a number.
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let version = match (text("openapi"), text("swagger")) {
            (Some(version), _) if version.starts_with("3.0") => Version::ThreeZero,
            (Some(version), _) if version.starts_with("3.") => Version::ThreeOne,
            (_, Some(version)) if version == "2" || version.starts_with("2.") => Version::Two,
            (Some(version), _) | (None, Some(version)) => {
                let problem = format!("OpenAPI {version} is not known here; 2.0, 3.0 and 3.1 are");
                return Err(BadDescription(problem));
            }
            (None, None) => {
                let problem = "it does not say openapi: 3.x or swagger: 2.0, so it is no OpenAPI document";
                return Err(BadDescription(problem.into()));
            }
        };
        Ok(Self { root, version })
    }

    pub(super) fn at(&self, pointer: &str) -> Option<&'a Value> {
        self.root.pointer(pointer)
    }

    /// Follows references until there is something else.
    pub(super) fn resolve(&self, value: &'a Value) -> Result<&'a Value, String> {
        let mut value = value;
        for _ in 0..HOPS {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Ok(value) };
            value = self.follow(reference)?;
        }
        Err("its references lead in a circle".to_owned())
    }

    /// Returns what a reference inside the document names.
    pub(super) fn follow(&self, reference: &str) -> Result<&'a Value, String> {
        let shown: String = reference.chars().take(120).collect();
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(format!("{shown} leads out of the document"));
        };
        let decoded = percent_decoded(pointer);
        self.root.pointer(&decoded).ok_or_else(|| format!("{shown} leads to nothing"))
    }

    /// Returns what paths begin with, if the document says so with a whole URL.
    pub(super) fn base(&self, of: &Fields) -> Option<String> {
        match self.version {
            Version::Two => {
                let host = of.get("host")?.as_str()?;
                let schemes = of.get("schemes").and_then(Value::as_array);
                let plain =
                    schemes.is_some_and(|all| !all.is_empty() && !all.contains(&Value::from("https")));
                let scheme = if plain { "http" } else { "https" };
                let path = of.get("basePath").and_then(Value::as_str).unwrap_or_default();
                whole(&format!("{scheme}://{host}{path}"))
            }
            Version::ThreeZero | Version::ThreeOne => of.get("servers")?.as_array()?.iter().find_map(server),
        }
    }
}

fn server(server: &Value) -> Option<String> {
    let mut url = server.get("url")?.as_str().filter(|url| url.len() <= URL_MAX)?.to_owned();
    let variables = server.get("variables").and_then(Value::as_object);
    for (name, variable) in variables.into_iter().flatten() {
        let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), default);
        // A default may name other variables, and that again: it could double without end.
        if url.len() > URL_MAX {
            return None;
        }
    }
    whole(&url)
}

fn whole(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let good = matches!(url.scheme(), "https" | "http")
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none();
    good.then(|| text.split(['?', '#']).next().unwrap_or(text).trim_end_matches('/').to_owned())
}

fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    // A plus stands for itself in a pointer.
    let form = format!("a={}", text.replace('+', "%2B").replace('&', "%26"));
    let decoded = url::form_urlencoded::parse(form.as_bytes()).next();
    decoded.map_or_else(|| text.to_owned(), |(_, value)| value.into_owned())
}
