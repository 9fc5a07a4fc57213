//! What a skill is made of: `{"v":1,"name":"csv-insights","description":"…","files":[{"path":"SKILL.md",…}]}`.

use std::collections::BTreeMap;

use roost_domain::skill::{About, Manifest, SkillFile};
use roost_domain::unit::Bytes;
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct DetailsV1 {
    v: u32,
    name: Option<String>,
    description: String,
    license: Option<String>,
    compatibility: Option<String>,
    metadata: BTreeMap<String, String>,
    allowed_tools: Vec<String>,
    files: Vec<FileV1>,
}

#[derive(Serialize, Deserialize)]
struct FileV1 {
    path: String,
    size_bytes: u64,
    /// In hexadecimal.
    sha256: String,
}

/// Writes what a skill is made of.
pub(crate) fn encode(about: &About, manifest: &Manifest) -> Result<String, serde_json::Error> {
    let file = |file: &SkillFile| FileV1 {
        path: file.path.to_string(),
        size_bytes: file.size.0,
        sha256: file.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    serde_json::to_string(&DetailsV1 {
        v: VERSION,
        name: about.name.as_ref().map(ToString::to_string),
        description: about.description.clone(),
        license: about.license.clone(),
        compatibility: about.compatibility.clone(),
        metadata: about.metadata.clone(),
        allowed_tools: about.allowed_tools.clone(),
        files: manifest.files().iter().map(file).collect(),
    })
}

/// Reads what a skill is made of, as any version wrote it.
pub(crate) fn decode(text: &str) -> Result<(About, Manifest), String> {
    let details: DetailsV1 = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if details.v != VERSION {
        return Err(format!("version {} of the record is not known, only {VERSION} is", details.v));
    }
    let file = |file: FileV1| {
        Ok(SkillFile {
            path: file.path.parse().map_err(|error| format!("files: {error}"))?,
            size: Bytes(file.size_bytes),
            sha256: sha256(&file.sha256).ok_or_else(|| format!("{:?} is no SHA-256", file.sha256))?,
        })
    };
    let files = details.files.into_iter().map(file).collect::<Result<_, String>>()?;
    let manifest = Manifest::new(files).map_err(|error| error.to_string())?;
    let about = About {
        name: details.name.map(|name| name.parse().map_err(|error| format!("{error}"))).transpose()?,
        description: details.description,
        license: details.license,
        compatibility: details.compatibility,
        metadata: details.metadata,
        allowed_tools: details.allowed_tools,
    };
    Ok((about, manifest))
}

fn sha256(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
