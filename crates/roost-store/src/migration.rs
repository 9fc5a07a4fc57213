//! Brings a database file to the schema that this version of the server knows.
//!
//! The version is SQLite's `user_version`, which changes in the same transaction as the schema. A migration is
//! never changed once released.

use rusqlite::{Connection, TransactionBehavior};

/// Marks a file as ours: `Rost` in ASCII.
pub(crate) const APPLICATION_ID: i32 = 0x526f_7374;

const MIGRATIONS: [&str; 18] = [
    include_str!("../migrations/sqlite/0001_initial.sql"),
    include_str!("../migrations/sqlite/0002_guard.sql"),
    include_str!("../migrations/sqlite/0003_sandboxes.sql"),
    include_str!("../migrations/sqlite/0004_webhooks.sql"),
    include_str!("../migrations/sqlite/0005_swarms.sql"),
    include_str!("../migrations/sqlite/0006_documents.sql"),
    include_str!("../migrations/sqlite/0007_skills.sql"),
    include_str!("../migrations/sqlite/0008_knowledge.sql"),
    include_str!("../migrations/sqlite/0009_snapshots.sql"),
    include_str!("../migrations/sqlite/0010_openai.sql"),
    include_str!("../migrations/sqlite/0011_runtimes.sql"),
    include_str!("../migrations/sqlite/0012_workflows.sql"),
    include_str!("../migrations/sqlite/0013_runs.sql"),
    include_str!("../migrations/sqlite/0014_artifacts.sql"),
    include_str!("../migrations/sqlite/0015_triggers.sql"),
    include_str!("../migrations/sqlite/0016_connections.sql"),
    include_str!("../migrations/sqlite/0017_model_calls.sql"),
    include_str!("../migrations/sqlite/0018_readiness.sql"),
];

/// The version of the schema that this server knows.
pub(crate) const KNOWN: usize = MIGRATIONS.len();

/// What a file says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) application_id: i32,
    /// Migrations that have run.
    pub(crate) version: usize,
    /// Whether there is any table in it.
    pub(crate) has_tables: bool,
}

impl Stamp {
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let integer = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        Ok(Self {
            application_id: connection.query_row("pragma application_id", [], |row| row.get(0))?,
            // A negative version is none that we wrote; it is treated like one that is too new.
            version: usize::try_from(integer("pragma user_version")?).unwrap_or(usize::MAX),
            has_tables: integer("select exists (select 1 from sqlite_schema)")? != 0,
        })
    }

    /// Tells whether the file is empty or ours.
    pub(crate) const fn is_ours(&self) -> bool {
        self.application_id == APPLICATION_ID || (self.application_id == 0 && !self.has_tables)
    }
}

/// Runs the migrations that are missing, all or none. Several processes may do this at once.
pub(crate) fn run(connection: &mut Connection) -> rusqlite::Result<()> {
    if Stamp::read(connection)?.version >= KNOWN {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again: another process may have been faster.
    let done = Stamp::read(&transaction)?.version;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    if done < KNOWN {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", KNOWN as i64)?;
    }
    transaction.commit()
}
