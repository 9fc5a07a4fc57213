//! Skills: folders of instructions and scripts that an agent reads when it needs them.
//!
//! **Source:** Agent Skills, "Specification" (agentskills.io): a folder with a `SKILL.md`, whose frontmatter says what
//! the skill is for.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::approval;
use crate::id::{AccountId, AgentId, ApprovalId, InstalledSkillId};
use crate::scan::TrustScore;

mod about;
mod manifest;
mod version;

pub use about::{About, InvalidAbout};
pub use manifest::{InvalidManifest, InvalidSkillPath, Manifest, SkillFile, SkillPath};
pub use version::{InvalidVersion, SkillVersion};

/// The file that makes a folder a skill.
pub const SKILL_FILE: &str = "SKILL.md";

/// How many files a skill may have.
pub const MOST_FILES: usize = 200;

/// How large all files of a skill may be together, in bytes.
pub const MOST_BYTES: u64 = 5 * 1024 * 1024;

/// How large its `SKILL.md` may be, in bytes.
pub const MOST_SKILL_FILE_BYTES: u64 = 100 * 1024;

/// Names a skill, as its folder is called: 1 to 64 lower-case letters, digits and single hyphens between them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkillId(String);

impl SkillId {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes an id of what people call a skill; `None` where nothing of the name can stand in an id.
    pub fn from_title(title: &str) -> Option<Self> {
        let mut text = String::new();
        for word in title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
            if !text.is_empty() {
                text.push('-');
            }
            text.push_str(&word.to_ascii_lowercase());
        }
        text.truncate(64);
        text.trim_end_matches('-').parse().ok()
    }

    /// Returns what people would call it: `csv-insights` is "Csv Insights".
    pub fn title(&self) -> String {
        let word = |word: &str| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>())
        };
        self.0.split('-').filter_map(word).collect::<Vec<_>>().join(" ")
    }
}

impl FromStr for SkillId {
    type Err = InvalidSkillId;

    fn from_str(text: &str) -> Result<Self, InvalidSkillId> {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let ok = text.len() <= 64 && text.split('-').all(|word| !word.is_empty() && word.bytes().all(letter));
        if ok { Ok(Self(text.to_owned())) } else { Err(InvalidSkillId(text.chars().take(80).collect())) }
    }
}

impl fmt::Display for SkillId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that can name no skill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of a skill: it must have 1 to 64 lower-case letters, digits and single hyphens between them"
)]
pub struct InvalidSkillId(pub String);

/// Where a skill comes from, and so who looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrustLevel {
    /// From the server's own catalog, which its owner chose.
    Verified,
    /// From the public registry, where anybody can put one.
    Community,
    /// Made by the account itself.
    Custom,
}

impl TrustLevel {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Verified, Self::Community, Self::Custom];

    /// Returns its name on the wire and in records, which is Agento's for the first two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Community => "clawhub",
            Self::Custom => "custom",
        }
    }
}

impl FromStr for TrustLevel {
    type Err = UnknownTrustLevel;

    fn from_str(text: &str) -> Result<Self, UnknownTrustLevel> {
        Self::ALL.into_iter().find(|level| level.name() == text).ok_or(UnknownTrustLevel)
    }
}

/// A trust level that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be verified, clawhub or custom")]
pub struct UnknownTrustLevel;

/// Names the exact content of a skill: change any file and it is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageHash(pub [u8; 32]);

impl fmt::Display for PackageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Tells whether a person has to approve before a skill of this score is used.
pub const fn needs_approval(score: TrustScore, limit: u8) -> bool {
    score.get() < limit
}

/// A skill on an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledSkill {
    /// Its id.
    pub id: InstalledSkillId,
    /// The agent's account.
    pub account: AccountId,
    /// The agent.
    pub agent: AgentId,
    /// Which skill.
    pub skill: SkillId,
    /// Where it came from.
    pub trust: TrustLevel,
    /// What people call it.
    pub title: String,
    /// What it is for, as its author says.
    pub description: String,
    /// Which version of it.
    pub version: SkillVersion,
    /// Its exact content.
    pub package: PackageHash,
    /// What a scan of it came to.
    pub score: TrustScore,
    /// Whether its people want it to be used.
    pub enabled: bool,
    /// The approval that it needs, with how that stands.
    pub approval: Option<(ApprovalId, approval::Status)>,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// When its version was last changed.
    pub updated_at: Timestamp,
}

/// How an installed skill stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The agent has it.
    Active,
    /// Its people have turned it off.
    Disabled,
    /// It waits for an approval.
    Pending,
    /// Nobody approved it.
    Refused,
}

impl Standing {
    /// Returns its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Pending => "pending_approval",
            Self::Refused => "refused",
        }
    }
}

impl InstalledSkill {
    /// Returns how it stands.
    pub const fn standing(&self) -> Standing {
        match &self.approval {
            Some((_, approval::Status::Pending)) => Standing::Pending,
            Some((_, approval::Status::Denied | approval::Status::Expired | approval::Status::Withdrawn)) => {
                Standing::Refused
            }
            Some((_, approval::Status::Approved)) | None if self.enabled => Standing::Active,
            Some((_, approval::Status::Approved)) | None => Standing::Disabled,
        }
    }

    /// Tells whether the agent has it.
    pub const fn is_active(&self) -> bool {
        matches!(self.standing(), Standing::Active)
    }
}

/// Where the files of an agent's skills are in its workspace.
pub const FOLDER: &str = ".skills";

/// What an agent's machine is to hold of its skills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement(pub [u8; 32]);

impl Placement {
    /// Stands for whatever somebody else may have left there.
    pub const UNKNOWN: Self = Self([0; 32]);

    /// Names what these skills come to: the same skills in the same versions give the same.
    pub fn of<'s>(skills: impl IntoIterator<Item = &'s InstalledSkill>) -> Self {
        let mut all: Vec<_> = skills.into_iter().map(|one| (one.skill.as_str(), one.package)).collect();
        all.sort_unstable();
        let mut hasher = Sha256::new();
        hasher.update(b"roost skills 1");
        for (skill, package) in all {
            hasher.update((skill.len() as u64).to_be_bytes());
            hasher.update(skill.as_bytes());
            hasher.update(package.0);
        }
        Self(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests;
