//! What can be typed about skills.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ClientArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Skills {
    Search(SearchSkills),
    /// Show a skill: what it is for, its files, what a scan found
    #[command(
        after_help = "Examples:\n  roost skills show csv-insights\n  roost skills show gifgrep --from clawhub"
    )]
    Show {
        /// The skill
        #[arg(value_name = "SKILL")]
        skill: String,
        /// Where it is looked for [default: the server's catalog, then your own]
        #[arg(long, value_name = "SOURCE", value_enum)]
        from: Option<SkillSource>,
        #[command(flatten)]
        client: ClientArgs,
    },
    Install(InstallSkill),
    /// List the skills of an agent
    #[command(after_help = "Example:\n  roost skills list robin")]
    List {
        /// The agent, by name or id [default: the one of `roost up`, else the only one]
        #[arg(value_name = "AGENT")]
        agent: Option<String>,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Take the latest version of a skill for an agent
    #[command(after_help = "Example:\n  roost skills update csv-insights --agent robin")]
    Update(SkillOf),
    /// Let an agent have a skill again that was turned off
    Enable(SkillOf),
    /// Turn a skill of an agent off and keep it there
    Disable(SkillOf),
    /// Take a skill off an agent
    #[command(after_help = "Example:\n  roost skills remove csv-insights --agent robin")]
    Remove(SkillOf),
    Upload(UploadSkill),
    /// Delete a skill of your own; agents that have it keep it
    Delete {
        /// The skill
        #[arg(value_name = "SKILL")]
        skill: String,
        #[command(flatten)]
        client: ClientArgs,
    },
}

/// Where skills come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SkillSource {
    /// The server's own catalog
    Verified,
    /// The public registry
    Clawhub,
    /// Your account's own
    Custom,
}

impl SkillSource {
    /// Returns its name on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Clawhub => "clawhub",
            Self::Custom => "custom",
        }
    }
}

/// Search skills
///
/// In the server's catalog and among your own, unless `--from` says otherwise.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost skills search\n  roost skills search csv --category data\n  roost skills search \
                  gif --from clawhub"
)]
pub(crate) struct SearchSkills {
    /// Words that name and description must have
    #[arg(value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    /// Only those of this category
    #[arg(long, value_name = "NAME")]
    pub(crate) category: Option<String>,
    /// Where to search
    #[arg(long, value_name = "SOURCE", value_enum)]
    pub(crate) from: Option<SkillSource>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Put a skill on an agent
///
/// It has the skill from its next step on. A skill in which a scan finds too much waits for an approval first.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost skills install csv-insights --agent robin\n  roost skills install gifgrep --from \
                  clawhub"
)]
pub(crate) struct InstallSkill {
    #[command(flatten)]
    pub(crate) of: SkillOf,
    /// Where it comes from
    #[arg(long, value_name = "SOURCE", value_enum, default_value_t = SkillSource::Verified)]
    pub(crate) from: SkillSource,
}

/// A skill, the agent, and the server that is asked.
#[derive(Debug, Args)]
pub(crate) struct SkillOf {
    /// The skill
    #[arg(value_name = "SKILL")]
    pub(crate) skill: String,
    /// The agent, by name or id [default: the one of `roost up`, else the only one]
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Make a skill of your own, or a new version of it
///
/// Sends a folder with a `SKILL.md`, or a zip archive of one. Agents keep the version that they have until they are
/// updated.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  roost skills upload ./release-notes\n  roost skills upload release-notes.zip"
)]
pub(crate) struct UploadSkill {
    /// The folder or the archive
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
