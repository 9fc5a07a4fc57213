//! What ClawHub answers. Only what is used is read; what it adds one day does not matter.

use roost_domain::skill::SkillId;
use roost_ports::skills::RegistrySkill;
use serde::Deserialize;

/// `GET /api/v1/search`
#[derive(Deserialize)]
pub(super) struct Results {
    pub(super) results: Vec<Found>,
}

/// `GET /api/v1/skills`
#[derive(Deserialize)]
pub(super) struct Items {
    pub(super) items: Vec<Found>,
}

/// `GET /api/v1/skills/{slug}`
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail {
    skill: Option<Found>,
    latest_version: Option<Version>,
    owner: Option<Owner>,
    moderation: Option<Moderation>,
}

/// A skill in a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    slug: Option<String>,
    display_name: Option<String>,
    summary: Option<String>,
    /// In the answer to a search.
    version: Option<String>,
    /// In a list.
    latest_version: Option<Version>,
    stats: Option<Stats>,
}

#[derive(Deserialize)]
struct Version {
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    installs_all_time: Option<u64>,
    downloads: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    handle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Moderation {
    #[serde(default)]
    is_suspicious: bool,
    #[serde(default)]
    is_malware_blocked: bool,
    verdict: Option<String>,
    summary: Option<String>,
}

impl Found {
    /// Returns the skill, unless its name cannot be one here.
    pub(super) fn skill(self) -> Option<RegistrySkill> {
        let id: SkillId = self.slug?.parse().ok()?;
        let version = self.version.or_else(|| self.latest_version.and_then(|latest| latest.version));
        let short = |text: String, most: usize| text.trim().chars().take(most).collect::<String>();
        Some(RegistrySkill {
            title: self.display_name.map(|name| short(name, 100)).unwrap_or_else(|| id.title()),
            summary: short(self.summary.unwrap_or_default(), 1_024),
            owner: None,
            latest: version.and_then(|version| version.parse().ok()),
            installs: self.stats.and_then(|stats| stats.installs_all_time.or(stats.downloads)),
            warning: None,
            id,
        })
    }
}

impl Detail {
    /// Returns the skill, if it is the one that was asked about. Old names lead to the new skill, under its new name,
    /// which is another one here.
    pub(super) fn skill(self, asked: &SkillId) -> Option<RegistrySkill> {
        let found = self.skill?.skill()?;
        let latest = self.latest_version.and_then(|latest| latest.version);
        let warns = |moderation: &Moderation| moderation.is_suspicious || moderation.is_malware_blocked;
        let warning = self.moderation.filter(warns).map(|moderation| {
            let words = moderation.summary.or(moderation.verdict);
            words.unwrap_or_else(|| "it is suspicious".to_owned()).chars().take(300).collect()
        });
        let latest = latest.and_then(|version| version.parse().ok()).or(found.latest.clone());
        let owner = self.owner.and_then(|owner| owner.handle);
        (found.id == *asked).then_some(RegistrySkill { latest, owner, warning, ..found })
    }
}
