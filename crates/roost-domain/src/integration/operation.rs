//! What can be asked of a service, as its OpenAPI description says it.

use serde_json::Value;

use super::Placement;

/// A service's interface as it was read from its OpenAPI description.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The document's title.
    pub title: String,
    /// The document's own version.
    pub version: String,
    /// What the paths begin with, if the document says so with a whole URL.
    pub base: Option<String>,
    /// Where requests carry the credential, if the document says so.
    pub placement: Option<Placement>,
    /// The OAuth endpoints, if the document names them: authorize, token, scopes.
    pub oauth: Option<(String, String, Vec<String>)>,
    /// The operations, in the order of the document, with unique names.
    pub operations: Vec<Operation>,
    /// What could not be used, a sentence each; at most 100.
    pub problems: Vec<String>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// `[a-z0-9_]+`, unique in the description, the same as long as the document calls it the same.
    pub name: String,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Below the base, with blanks in braces: `/repos/{owner}/{repo}/issues`.
    pub path: String,
    /// What the path begins with, where it is not what all others begin with.
    pub base: Option<String>,
    /// One line.
    pub summary: String,
    /// What it does, cut to 1,000 characters.
    pub description: String,
    /// What the document groups it under.
    pub tags: Vec<String>,
    /// What goes anywhere but into the body.
    pub parameters: Vec<Parameter>,
    /// What goes into the body.
    pub body: Option<Body>,
    /// JSON Schema of the arguments, an object.
    pub schema: Value,
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// What the service calls it.
    pub name: String,
    /// What it is called among the arguments.
    pub argument: String,
    /// Where it goes.
    pub place: Place,
    /// How lists and objects are written.
    pub style: Style,
}

/// Where a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Into the path.
    Path,
    /// Into the query.
    Query,
    /// Into a header.
    Header,
    /// Into the header `Cookie`.
    Cookie,
}

impl Place {
    /// Every place.
    pub const ALL: [Self; 4] = [Self::Path, Self::Query, Self::Header, Self::Cookie];

    /// Returns its name in OpenAPI and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// How a list or an object is written into a parameter.
///
/// **Source:** OpenAPI 3.1, Style Values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `a=1&a=2`, `x=1&y=2`.
    Exploded,
    /// `a=1,2`.
    Commas,
    /// `a=1 2`.
    Spaces,
    /// `a=1|2`.
    Pipes,
    /// `a[x]=1&a[y]=2`.
    Deep,
    /// `a=%5B1%2C2%5D`: as JSON.
    Json,
}

impl Style {
    /// Every style.
    pub const ALL: [Self; 6] =
        [Self::Exploded, Self::Commas, Self::Spaces, Self::Pipes, Self::Deep, Self::Json];

    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exploded => "exploded",
            Self::Commas => "commas",
            Self::Spaces => "spaces",
            Self::Pipes => "pipes",
            Self::Deep => "deep",
            Self::Json => "json",
        }
    }
}

/// The body of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// What it is called among the arguments.
    pub argument: String,
    /// How it is written.
    pub media: Media,
    /// The media type as the document writes it.
    pub content_type: String,
    /// The fields of a form whose lists and objects are written in brackets: `a[0]=1&a[1]=2`.
    pub deep: Vec<String>,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// As JSON.
    Json,
    /// As a form, URL-encoded.
    Form,
    /// As a form in parts.
    Multipart,
    /// As the text that it is.
    Text,
}

impl Media {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Json, Self::Form, Self::Multipart, Self::Text];

    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Multipart => "multipart",
            Self::Text => "text",
        }
    }
}

impl Operation {
    /// Returns one line that says what it is: `issues_create (POST /repos/{owner}/{repo}/issues): Create an issue`.
    pub fn line(&self) -> String {
        format!("{} ({} {}): {}", self.name, self.method, self.path, self.summary)
    }

    /// Tells whether it only looks.
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }
}
