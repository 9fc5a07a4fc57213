//! Artifacts: pages and scripts that runs make for people, and files that people give to runs.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::id::{AccountId, AgentId, ArtifactId, FileId, FormId, RunId};
use crate::unit::Bytes;
use crate::workflow::ArtifactKind;

/// The most bytes of an artifact.
pub const MAX_BYTES: usize = 1 << 20;
/// The most characters of a title.
pub const MAX_TITLE: usize = 200;

/// One version of something that a run made for people. What it holds is kept apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Whose it is.
    pub agent: AgentId,
    /// The run that made it.
    pub run: RunId,
    /// The step that made it, as a run names it: `report`, `report[3]`.
    pub step: String,
    /// What it is called, 1 to 200 characters. Artifacts of one agent with the same title are versions of one thing.
    pub title: String,
    /// Which version of its title: 1, 2, 3, …
    pub version: u64,
    /// What it is.
    pub kind: ArtifactKind,
    /// How long it is.
    pub size: Bytes,
    /// SHA-256 of what it holds, in hexadecimal digits.
    pub sha256: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A file that somebody gave to a form of a run. What it holds is kept apart from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Whose run it was given to.
    pub agent: AgentId,
    /// The run.
    pub run: RunId,
    /// The form.
    pub form: FormId,
    /// The field of the form.
    pub field: String,
    /// What it was called where it came from, without directories.
    pub name: String,
    /// Its media type, as the sender named it.
    pub media_type: String,
    /// How long it is.
    pub size: Bytes,
    /// When it came.
    pub created_at: Timestamp,
}

/// What a model wrote that can be no artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// There is nothing in it.
    #[error("the model wrote nothing that could be shown")]
    Empty,
    /// It is too long.
    #[error("the model wrote {0} bytes; an artifact has at most 1,048,576")]
    TooLong(usize),
    /// A page was asked for and there is no tag in it.
    #[error("the model wrote no HTML")]
    NoHtml,
}

/// Returns what a model wrote for an artifact without what it wrote around it: models put code into fences and say
/// something before and after.
///
/// # Errors
///
/// [`Unusable`] if nothing of use is left.
pub fn content(kind: ArtifactKind, written: &str) -> Result<&str, Unusable> {
    let text = written.trim();
    let begins = |text: &str| kind == ArtifactKind::Html && text.starts_with('<');
    let content = match (begins(text), fenced(text), kind) {
        (false, Some(inside), _) => inside,
        (false, None, ArtifactKind::Html) => &text[page_begin(text)..],
        _ => text,
    };
    let content = content.trim();
    match kind {
        _ if content.is_empty() => Err(Unusable::Empty),
        _ if content.len() > MAX_BYTES => Err(Unusable::TooLong(content.len())),
        ArtifactKind::Html if !content.contains('<') => Err(Unusable::NoHtml),
        ArtifactKind::Html | ArtifactKind::JavaScript => Ok(content),
    }
}

/// Returns what stands in the longest fence: from three backticks or more at the beginning of a line to a line of as
/// many, or to the end, where the model was cut off. Within a fence, shorter ones are text.
fn fenced(text: &str) -> Option<&str> {
    let mut inside = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let ticks = line.trim_start().bytes().take_while(|byte| *byte == b'`').count();
        match open {
            None if ticks >= 3 => open = Some((ticks, at + line.len())),
            Some((opened, begin)) if ticks >= opened && line.trim().len() == ticks => {
                inside.push(&text[begin..at]);
                open = None;
            }
            None | Some(_) => {}
        }
        at += line.len();
    }
    inside.extend(open.map(|(_, begin)| &text[begin..]));
    inside.into_iter().max_by_key(|inside| inside.len())
}

/// Returns where a page begins after what was said before it; 0 if it does not say so.
fn page_begin(text: &str) -> usize {
    let lower = text.to_ascii_lowercase();
    lower.find("<!doctype").or_else(|| lower.find("<html")).unwrap_or(0)
}

/// Returns the SHA-256 of a text, in hexadecimal digits.
pub fn sha256(content: &str) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the page that shows an artifact: a page as it is, a script on an empty page with an element `root`.
pub fn page(title: &str, kind: ArtifactKind, content: &str) -> String {
    match kind {
        ArtifactKind::Html => content.to_owned(),
        ArtifactKind::JavaScript => {
            let title = title.replace('&', "&amp;").replace('<', "&lt;");
            // Within a script of HTML only its end tag has a meaning; in JavaScript the backslash has none here.
            let script = content.replace("</script", "<\\/script").replace("<!--", "<\\!--");
            format!(
                "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
                 <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
                 <body>\n<div id=\"root\"></div>\n<script>\n{script}\n</script>\n</body>\n</html>\n"
            )
        }
    }
}

#[cfg(test)]
mod tests;
