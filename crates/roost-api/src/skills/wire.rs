use roost_core::SkillView;
use roost_domain::scan;
use roost_domain::skill;
use roost_http::iso;
use serde::Serialize;
use utoipa::ToSchema;

/// A skill that can be installed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Skill {
    /// Its name, as agents and folders have it.
    #[schema(example = "csv-insights")]
    id: String,
    #[schema(example = "CSV Insights")]
    name: String,
    description: String,
    author: Option<String>,
    category: Option<String>,
    /// How often it was installed.
    install_count: u64,
    latest_version: Option<String>,
    /// What a scan of it came to, 0 to 100; null for a skill of the public registry, which is scanned when it is
    /// installed.
    security_score: Option<u8>,
    /// `verified`, `clawhub` or `custom`
    trust_level: &'static str,
}

/// A skill with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SkillDetails {
    #[serde(flatten)]
    skill: Skill,
    enhanced_description: Option<String>,
    tags: Vec<String>,
    use_cases: Vec<String>,
    /// How many scripts it has.
    tool_count: usize,
    license: Option<String>,
    /// What it needs of the machine.
    compatibility: Option<String>,
    /// The tools that its author would have it use. Roost grants nothing by them.
    allowed_tools: Vec<String>,
    /// Why its source warns of it.
    warning: Option<String>,
    files: Vec<SkillFile>,
    /// What the scan found, the worst first, at most 50.
    findings: Vec<SkillFinding>,
    /// The versions of a skill of the account's own, the latest first.
    versions: Vec<SkillVersion>,
}

/// A file of a skill.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SkillFile {
    #[schema(example = "scripts/insights.sh")]
    path: String,
    size_bytes: u64,
    /// In hexadecimal.
    sha256: String,
}

/// What a scan found in a skill.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SkillFinding {
    /// The rule that found it.
    rule: String,
    severity: &'static str,
    description: String,
    file: Option<String>,
    line: u32,
    fix: String,
}

/// A version of a skill.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SkillVersion {
    version: String,
    created_at: String,
}

/// A skill on an agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InstalledSkill {
    /// `as_…`
    id: String,
    skill_id: String,
    name: String,
    installed_version: String,
    /// `verified`, `clawhub` or `custom`
    trust_level: &'static str,
    /// Whether the agent has it: it is turned on, and whatever approval it needs was given.
    is_enabled: bool,
    /// `active`, `disabled`, `pending_approval` or `refused`
    status: &'static str,
    /// The approval that it needs; null where it needs none.
    approval_id: Option<String>,
    /// What a scan of this version came to, 0 to 100.
    security_score: u8,
    installed_at: String,
    updated_at: String,
}

/// A skill on an agent that has changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangedSkill {
    #[serde(flatten)]
    skill: InstalledSkill,
    /// Whether the agent has to be restarted for it. It never has: the change holds from its next model call on.
    needs_restart: bool,
}

/// A skill that is no longer on an agent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UninstalledSkill {
    pub(crate) skill_id: String,
    /// Always true.
    pub(crate) uninstalled: bool,
    /// Always false, as above.
    pub(crate) needs_restart: bool,
}

/// A skill of the account's own that is no more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedSkill {
    pub(crate) id: String,
    /// Always true.
    pub(crate) deleted: bool,
}

impl Skill {
    pub(crate) fn new(view: &SkillView) -> Self {
        Self {
            id: view.id.to_string(),
            name: view.listing.title.clone(),
            description: view.description.clone(),
            author: view.listing.author.clone(),
            category: view.listing.category.clone(),
            install_count: view.installs,
            latest_version: view.version.as_ref().map(ToString::to_string),
            security_score: view.report.as_ref().map(|report| report.score().get()),
            trust_level: view.trust.name(),
        }
    }
}

impl SkillDetails {
    pub(crate) fn new(view: SkillView) -> Self {
        const FINDINGS: usize = 50;
        let skill = Skill::new(&view);
        let findings = view.report.into_iter().flat_map(|report| report.findings).take(FINDINGS);
        let version = |version: roost_core::CustomVersion| SkillVersion {
            version: version.version.to_string(),
            created_at: iso(version.created_at),
        };
        let about = view.content.as_ref().map(|(about, _)| about);
        let manifest = view.content.as_ref().map(|(_, manifest)| manifest);
        Self {
            enhanced_description: view.listing.more,
            tags: view.listing.tags,
            use_cases: view.listing.use_cases,
            tool_count: manifest.map_or(0, skill::Manifest::scripts),
            license: about.and_then(|about| about.license.clone()),
            compatibility: about.and_then(|about| about.compatibility.clone()),
            allowed_tools: about.map(|about| about.allowed_tools.clone()).unwrap_or_default(),
            warning: view.warning,
            files: manifest.into_iter().flat_map(skill::Manifest::files).map(SkillFile::new).collect(),
            findings: findings.map(SkillFinding::new).collect(),
            versions: view.versions.into_iter().map(version).collect(),
            skill,
        }
    }
}

impl SkillFile {
    fn new(file: &skill::SkillFile) -> Self {
        Self {
            path: file.path.to_string(),
            size_bytes: file.size.0,
            sha256: file.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl SkillFinding {
    fn new(finding: scan::Finding) -> Self {
        Self {
            rule: finding.rule,
            severity: finding.severity.name(),
            description: finding.description,
            file: finding.file,
            line: finding.line,
            fix: finding.fix,
        }
    }
}

impl InstalledSkill {
    pub(crate) fn new(skill: skill::InstalledSkill) -> Self {
        Self {
            id: skill.id.to_string(),
            is_enabled: skill.is_active(),
            status: skill.standing().name(),
            approval_id: skill.approval.map(|(id, _)| id.to_string()),
            security_score: skill.score.get(),
            trust_level: skill.trust.name(),
            installed_version: skill.version.to_string(),
            installed_at: iso(skill.installed_at),
            updated_at: iso(skill.updated_at),
            name: skill.title,
            skill_id: skill.skill.to_string(),
        }
    }
}

impl ChangedSkill {
    pub(crate) fn new(skill: skill::InstalledSkill) -> Self {
        Self { skill: InstalledSkill::new(skill), needs_restart: false }
    }
}
