use roost_domain::document::DocumentName;
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::key::Scope;
use roost_domain::snapshot::{Change, Comparison, Snapshot, unified};
use roost_ports::store::{Reader, SavedDocument};

use super::{Snapshots, found};
use crate::{Ctx, Error};

/// What two snapshots of an agent differ in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotDiff {
    /// The first.
    pub before: Snapshot,
    /// The second.
    pub after: Snapshot,
    /// Their files.
    pub files: Comparison,
    /// Their documents.
    pub documents: Vec<DocumentChange>,
}

/// A document in which two snapshots differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentChange {
    /// Its name: `SOUL.md`.
    pub name: String,
    /// What is different.
    pub change: Change,
    /// The lines that changed.
    pub diff: Option<String>,
}

impl Snapshots<'_> {
    /// Compares two snapshots of an agent, in whichever order.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or a snapshot.
    pub async fn diff(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        before: SnapshotId,
        after: SnapshotId,
    ) -> Result<SnapshotDiff, Error> {
        ctx.require(Scope::AgentsRead)?;
        let caller = ctx.clone();
        let read = move |reader: &dyn Reader| {
            let (_, first) = found(reader, &caller, agent, before)?;
            let (_, second) = found(reader, &caller, agent, after)?;
            let documents = changes(&reader.snapshot_documents(before)?, &reader.snapshot_documents(after)?);
            Ok::<_, Error>((first, second, documents))
        };
        let (first, second, documents) = self.0.ports.store.read(read).await?;
        let files = self.0.ports.machines.compare(before, after).await?;
        Ok(SnapshotDiff { before: first, after: second, files, documents })
    }
}

fn changes(before: &[SavedDocument], after: &[SavedDocument]) -> Vec<DocumentChange> {
    let text = |documents: &[SavedDocument], name: &DocumentName| {
        documents.iter().find(|document| document.name == *name).map(|document| document.content.clone())
    };
    let mut names: Vec<_> = before.iter().chain(after).map(|document| &document.name).collect();
    names.sort_by_key(ToString::to_string);
    names.dedup();
    let change = |name: &DocumentName| {
        let (was, is) = (text(before, name), text(after, name));
        let change = match (&was, &is) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            (Some(was), Some(is)) if was == is => return None,
            (Some(_), Some(_)) => Change::Changed,
        };
        let diff = unified(was.as_deref().unwrap_or(""), is.as_deref().unwrap_or(""));
        Some(DocumentChange { name: name.to_string(), change, diff })
    };
    names.into_iter().filter_map(change).collect()
}
