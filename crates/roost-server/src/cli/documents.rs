//! What can be typed about the documents that shape an agent.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use roost_domain::document::DocumentName;

use super::{ClientArgs, OneAgent};

#[derive(Debug, Subcommand)]
pub(crate) enum Documents {
    /// List an agent's documents, deleted ones too
    List(OneAgent),
    /// Print a document as it is, or as it was
    #[command(
        after_help = "Examples:\n  roost documents show SOUL.md > SOUL.md\n  roost documents show rules/refunds.md \
                      --version 2"
    )]
    Show {
        #[command(flatten)]
        of: OneDocument,
        /// Another version [default: the latest]
        #[arg(long, value_name = "N")]
        version: Option<u64>,
    },
    /// Change a document in your editor (VISUAL, EDITOR, else vi)
    #[command(after_help = "Example:\n  EDITOR=nano roost documents edit SOUL.md --agent robin")]
    Edit(OneDocument),
    /// Write a document from a file
    ///
    /// What was there before is kept as a version. With `--base`, nothing is written if somebody has changed the document
    /// since that version.
    #[command(
        after_help = "Examples:\n  roost documents put WORKFLOW.md ./WORKFLOW.md --agent robin\n  roost documents put \
                      SOUL.md SOUL.md --base 3\n  roost documents put rules/refunds.md - < refunds.md"
    )]
    Put {
        #[command(flatten)]
        of: OneDocument,
        /// The file with its text; - is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The version that your text was made from; 0 if there was none [default: the latest]
        #[arg(long, value_name = "N")]
        base: Option<u64>,
    },
    /// List a document's versions: who wrote them, when and why
    Versions(OneDocument),
    /// Show what changed between two versions of a document
    #[command(
        after_help = "Examples:\n  roost documents diff SOUL.md\n  roost documents diff SOUL.md --from 1 --to 3"
    )]
    Diff {
        #[command(flatten)]
        of: OneDocument,
        /// The version before; 0 is the empty text [default: the one before the other]
        #[arg(long, value_name = "N")]
        from: Option<u64>,
        /// The version after [default: the latest]
        #[arg(long, value_name = "N")]
        to: Option<u64>,
    },
    /// Write what a version said as a new version
    #[command(after_help = "Example:\n  roost documents restore SOUL.md 2 --agent robin")]
    Restore {
        #[command(flatten)]
        of: OneDocument,
        /// The version's number, as `roost documents versions` shows it
        version: u64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OneDocument {
    /// SOUL.md, IDENTITY.md, WORKFLOW.md or rules/NAME.md
    pub(crate) document: DocumentName,
    /// The agent, by name or id [default: the one of `roost up`, else the only one]
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
