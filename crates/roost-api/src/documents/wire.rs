use roost_core::{DocumentEntry, VersionEntry};
use roost_domain::document::{ContentHash, Document, DocumentName, Mark, Version};
use roost_http::iso;
use serde::Serialize;
use utoipa::ToSchema;

/// A document as answers show it; one that is not there is empty.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) hash: String,
    pub(super) updated_at: Option<String>,
}

impl Shown {
    pub(super) fn new(document: Option<Document>) -> Self {
        let updated_at = document.as_ref().map(|document| iso(document.updated_at));
        let text = document.map(|document| document.content).unwrap_or_default();
        Self { hash: ContentHash::of(&text).to_string(), text, updated_at }
    }
}

/// Who wrote something, when and why.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    /// `owner`, `agent`, or `key:` and the key's name.
    #[schema(example = "key:ci")]
    updated_by: String,
    updated_at: String,
    /// Why, where somebody said so.
    note: Option<String>,
}

impl Written {
    fn new(mark: Mark) -> Self {
        Self { updated_by: mark.author.to_string(), updated_at: iso(mark.at), note: mark.note }
    }
}

/// A document in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentSummary {
    /// `SOUL.md`, `IDENTITY.md`, `WORKFLOW.md` or `rules/NAME.md`.
    #[schema(example = "rules/refunds.md")]
    name: String,
    /// The same as one segment of a path: `rules:NAME.md` for a rule.
    #[schema(example = "rules:refunds.md")]
    id: String,
    /// The latest version.
    version: u64,
    /// In bytes; null if it was deleted.
    size: Option<u64>,
    /// Whether it was deleted; its versions are kept.
    deleted: bool,
    #[serde(flatten)]
    written: Written,
}

impl DocumentSummary {
    pub(super) fn new(entry: DocumentEntry) -> Self {
        Self {
            name: entry.name.to_string(),
            id: id(&entry.name),
            version: entry.version,
            size: entry.size,
            deleted: entry.size.is_none(),
            written: Written::new(entry.mark),
        }
    }
}

/// A version in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionSummary {
    version: u64,
    /// In bytes; null if this version is a deletion.
    size: Option<u64>,
    /// Whether this version is a deletion.
    deleted: bool,
    #[serde(flatten)]
    written: Written,
}

impl VersionSummary {
    pub(super) fn new(entry: VersionEntry) -> Self {
        Self {
            version: entry.number,
            size: entry.size,
            deleted: entry.size.is_none(),
            written: Written::new(entry.mark),
        }
    }
}

/// A version with its text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DocumentVersion {
    /// The document.
    name: String,
    version: u64,
    /// Null if this version is a deletion.
    content: Option<String>,
    /// The SHA-256 of the content, in hexadecimal digits.
    hash: Option<String>,
    #[serde(flatten)]
    written: Written,
}

impl DocumentVersion {
    pub(super) fn new(version: Version) -> Self {
        Self {
            name: version.name.to_string(),
            version: version.number,
            hash: version.content.as_deref().map(|content| ContentHash::of(content).to_string()),
            content: version.content,
            written: Written::new(version.mark),
        }
    }
}

/// Returns a document's name as one segment of a path.
pub(super) fn id(name: &DocumentName) -> String {
    name.to_string().replace('/', ":")
}
