use roost_core::SnapshotDiff;
use roost_domain::snapshot::Transfer;
use roost_http::iso;
use serde::Serialize;
use utoipa::ToSchema;

/// A saved state of an agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Snapshot {
    /// `snap_…`
    id: String,
    agent_id: String,
    name: String,
    created_at: String,
    /// How many events the agent's conversations had.
    events: u64,
    /// How the files were saved.
    files: Copied,
}

/// How a workspace was copied.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Copied {
    /// `reflink`: both copies share their data on the disk until one changes it. `copy`: data was read and written
    /// again, since the filesystem cannot share it.
    method: &'static str,
    /// The size of all files.
    bytes: u64,
    /// How much was read and written again; 0 with `reflink`.
    copied_bytes: u64,
    /// How many files, directories and links there are.
    entries: u64,
    /// How many sockets, pipes and devices were left out.
    left_out: u64,
    /// Until it was safe on the disk.
    took_ms: f64,
}

/// What two snapshots differ in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diff {
    before: Snapshot,
    after: Snapshot,
    /// How many events the second has more than the first; negative where it has fewer.
    events: i64,
    /// Sorted by path; at most 1,000 of them.
    files: Vec<FileChange>,
    /// How many changed files there are in all.
    files_total: u64,
    documents: Vec<DocumentChange>,
}

/// A file, link or directory in which two snapshots differ.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileChange {
    /// Relative to the workspace.
    path: String,
    /// `added`, `removed`, `changed` or `mode` (only its mode is different)
    change: &'static str,
    /// A file's size; null where there was no file.
    bytes_before: Option<u64>,
    /// A file's size; null where there is no file.
    bytes_after: Option<u64>,
    /// The lines that changed, as `diff -u` shows them, where both sides are text of at most 64 KiB; cut to 16 KiB,
    /// and left out once all diffs together have 256 KiB.
    diff: Option<String>,
}

/// A document in which two snapshots differ.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentChange {
    #[schema(example = "SOUL.md")]
    name: String,
    /// `added`, `removed` or `changed`
    change: &'static str,
    /// The lines that changed.
    diff: Option<String>,
}

impl Snapshot {
    pub(super) fn new(snapshot: roost_domain::snapshot::Snapshot) -> Self {
        Self {
            id: snapshot.id.to_string(),
            agent_id: snapshot.agent.to_string(),
            name: snapshot.name,
            created_at: iso(snapshot.created_at),
            events: snapshot.mark.events,
            files: Copied::new(&snapshot.transfer),
        }
    }
}

impl Copied {
    pub(super) fn new(transfer: &Transfer) -> Self {
        Self {
            method: transfer.method.name(),
            bytes: transfer.size.0,
            copied_bytes: transfer.copied.0,
            entries: transfer.entries,
            left_out: transfer.left_out,
            took_ms: (transfer.took.as_secs_f64() * 1_000_000.0).round() / 1_000.0,
        }
    }
}

impl Diff {
    pub(super) fn new(diff: SnapshotDiff) -> Self {
        let file = |change: roost_domain::snapshot::FileChange| FileChange {
            path: change.path,
            change: change.change.name(),
            bytes_before: change.before.map(|size| size.0),
            bytes_after: change.after.map(|size| size.0),
            diff: change.diff,
        };
        let document = |change: roost_core::DocumentChange| DocumentChange {
            name: change.name,
            change: change.change.name(),
            diff: change.diff,
        };
        Self {
            events: diff
                .after
                .mark
                .events
                .cast_signed()
                .saturating_sub(diff.before.mark.events.cast_signed()),
            files: diff.files.changes.into_iter().map(file).collect(),
            files_total: diff.files.total,
            documents: diff.documents.into_iter().map(document).collect(),
            before: Snapshot::new(diff.before),
            after: Snapshot::new(diff.after),
        }
    }
}
