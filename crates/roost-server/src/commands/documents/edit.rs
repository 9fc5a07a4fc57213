//! `roost documents edit`

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::{Found, draft};
use crate::cli::OneDocument;
use crate::client::Client;
use crate::output;

/// Opens the document in the person's editor and writes what became of it.
pub(super) async fn run(client: &Client, of: &OneDocument, editor: &str) -> anyhow::Result<()> {
    if !output::is_dialogue() {
        bail!("there is nobody to edit here; write a file with: roost documents put {} FILE", of.document);
    }
    let found = Found::find(client, of).await?;
    let before = match found.latest {
        0 => String::new(),
        latest => found.version(client, latest).await?["content"].as_str().unwrap_or_default().to_owned(),
    };
    let path = draft(&found.name)?;
    fs::write(&path, &before).with_context(|| format!("{} cannot be written", path.display()))?;
    let text = edited(editor, &path)?;
    if text == before {
        output::note("Nothing was changed.");
    } else {
        let written = found.write(client, &text, found.latest).await;
        let answer = written.with_context(|| format!("your text is kept in {}", path.display()))?;
        found.written(&answer, of.client.output.json)?;
    }
    if let Some(directory) = path.parent() {
        fs::remove_dir_all(directory)
            .with_context(|| format!("{} cannot be removed", directory.display()))?;
    }
    Ok(())
}

/// Runs the editor as a shell would, since what names it may have arguments, and reads what it left.
fn edited(editor: &str, path: &Path) -> anyhow::Result<String> {
    let kept = || format!("your text is kept in {}", path.display());
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path);
    let status = command.status().context("no shell can be run for the editor")?;
    if !status.success() {
        bail!("the editor {editor:?} ended with {status}, so nothing was written; {}", kept());
    }
    fs::read_to_string(path).with_context(kept)
}
