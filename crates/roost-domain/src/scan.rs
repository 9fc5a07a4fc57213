//! What a scan of code finds, and what the findings are worth together.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// How bad a finding is, from the least to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing, costs nothing.
    Info,
    /// A weakness with little to gain from it.
    Low,
    /// A weakness that needs something else to go wrong.
    Medium,
    /// A weakness that can be used as it is.
    High,
    /// Harm, or an open door to it.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }

    /// Returns what one finding of it takes off the trust score.
    pub const fn penalty(self) -> u32 {
        match self {
            Self::Info => 0,
            Self::Low => 3,
            Self::Medium => 8,
            Self::High => 15,
            Self::Critical => 25,
        }
    }
}

/// What a trust score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RiskLevel {
    /// Nothing was found at all.
    Safe,
    /// 80 to 100.
    Low,
    /// 60 to 79.
    Moderate,
    /// 40 to 59.
    High,
    /// 0 to 39.
    Critical,
}

impl RiskLevel {
    /// Every level, the best first.
    pub const ALL: [Self; 5] = [Self::Safe, Self::Low, Self::Moderate, Self::High, Self::Critical];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "SAFE",
            Self::Low => "LOW",
            Self::Moderate => "MODERATE",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

/// How far code can be trusted, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustScore(u8);

impl TrustScore {
    /// The best there is.
    pub const MAX: Self = Self(100);

    /// Takes back a score from a record; what is above 100 is 100.
    pub const fn from_number(score: u8) -> Self {
        Self(if score > 100 { 100 } else { score })
    }

    /// Returns the score of these findings: 100 less the penalty of each, and never below 0.
    pub fn of(findings: &[Finding]) -> Self {
        let lost: u32 = findings.iter().fold(0, |sum, one| sum.saturating_add(one.severity.penalty()));
        Self(u8::try_from(100_u32.saturating_sub(lost)).unwrap_or(0))
    }

    /// Returns the score as a number, 0 to 100.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Returns what it means. Only code without any issue is safe.
    pub const fn risk(self, has_issues: bool) -> RiskLevel {
        match self.0 {
            0..=39 => RiskLevel::Critical,
            40..=59 => RiskLevel::High,
            60..=79 => RiskLevel::Moderate,
            _ if has_issues => RiskLevel::Low,
            _ => RiskLevel::Safe,
        }
    }
}

/// What a finding is about.
///
/// **Source:** OWASP Top 10 for Large Language Model Applications, version 1.1 (2023).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// What others wrote reaches the model's instructions.
    PromptInjection,
    /// What the model wrote is used without being looked at.
    InsecureOutput,
    /// What the model learns or remembers can be poisoned.
    DataPoisoning,
    /// It can be kept busy without end.
    DenialOfService,
    /// What it is made of can be exchanged.
    SupplyChain,
    /// It tells or keeps secrets.
    SensitiveDisclosure,
    /// A tool, skill or plugin does what it should not.
    InsecurePlugin,
    /// It may do more than it needs to.
    ExcessiveAgency,
    /// Decisions hang on the model's word alone.
    Overreliance,
    /// The model or its instructions can be taken.
    ModelTheft,
}

impl Category {
    /// Every category, in the order of its number.
    pub const ALL: [Self; 10] = [
        Self::PromptInjection,
        Self::InsecureOutput,
        Self::DataPoisoning,
        Self::DenialOfService,
        Self::SupplyChain,
        Self::SensitiveDisclosure,
        Self::InsecurePlugin,
        Self::ExcessiveAgency,
        Self::Overreliance,
        Self::ModelTheft,
    ];

    /// Returns its OWASP number, such as `LLM01`.
    pub const fn owasp(self) -> &'static str {
        match self {
            Self::PromptInjection => "LLM01",
            Self::InsecureOutput => "LLM02",
            Self::DataPoisoning => "LLM03",
            Self::DenialOfService => "LLM04",
            Self::SupplyChain => "LLM05",
            Self::SensitiveDisclosure => "LLM06",
            Self::InsecurePlugin => "LLM07",
            Self::ExcessiveAgency => "LLM08",
            Self::Overreliance => "LLM09",
            Self::ModelTheft => "LLM10",
        }
    }

    /// Returns its name on the wire, such as `LLM01_PROMPT_INJECTION`.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::PromptInjection => "LLM01_PROMPT_INJECTION",
            Self::InsecureOutput => "LLM02_INSECURE_OUTPUT",
            Self::DataPoisoning => "LLM03_DATA_POISONING",
            Self::DenialOfService => "LLM04_DENIAL_OF_SERVICE",
            Self::SupplyChain => "LLM05_SUPPLY_CHAIN",
            Self::SensitiveDisclosure => "LLM06_SENSITIVE_DISCLOSURE",
            Self::InsecurePlugin => "LLM07_INSECURE_PLUGIN",
            Self::ExcessiveAgency => "LLM08_EXCESSIVE_AGENCY",
            Self::Overreliance => "LLM09_OVERRELIANCE",
            Self::ModelTheft => "LLM10_MODEL_THEFT",
        }
    }
}

/// What the code is written for, if somebody said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framework {
    /// LangChain and LangGraph.
    Langchain,
    /// CrewAI.
    Crewai,
    /// AutoGen.
    Autogen,
    /// Moltbook.
    Moltbook,
}

impl Framework {
    /// Every framework.
    pub const ALL: [Self; 4] = [Self::Langchain, Self::Crewai, Self::Autogen, Self::Moltbook];

    /// Returns its name on the wire and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Langchain => "langchain",
            Self::Crewai => "crewai",
            Self::Autogen => "autogen",
            Self::Moltbook => "moltbook",
        }
    }
}

/// Why a word names nothing that is known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is none of {known}")]
pub struct UnknownName {
    word: String,
    known: String,
}

impl FromStr for Severity {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, UnknownName> {
        named(word, &Self::ALL, Self::name)
    }
}

impl FromStr for RiskLevel {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, UnknownName> {
        named(word, &Self::ALL, Self::name)
    }
}

impl FromStr for Category {
    type Err = UnknownName;

    /// Reads the OWASP number.
    fn from_str(word: &str) -> Result<Self, UnknownName> {
        named(word, &Self::ALL, Self::owasp)
    }
}

impl FromStr for Framework {
    type Err = UnknownName;

    fn from_str(word: &str) -> Result<Self, UnknownName> {
        named(word, &Self::ALL, Self::name)
    }
}

fn named<T: Copy>(word: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, UnknownName> {
    all.iter().copied().find(|one| name(*one).eq_ignore_ascii_case(word)).ok_or_else(|| UnknownName {
        word: word.to_owned(),
        known: all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", "),
    })
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for RiskLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The id of the rule that found it.
    pub rule: String,
    /// What it is about.
    pub category: Category,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one or two sentences.
    pub description: String,
    /// The file, as it was handed in; `None` for a bare snippet.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: u32,
    /// The code found, cut to a line; secrets in it are masked.
    pub snippet: String,
    /// What to do about it.
    pub fix: String,
    /// The number of the weakness in MITRE's list, if it is there.
    pub cwe: Option<u16>,
}

impl Finding {
    /// Compares as a reader wants them: the worst first, then by file, line and rule.
    pub fn reading_order(&self, other: &Self) -> Ordering {
        other
            .severity
            .cmp(&self.severity)
            .then_with(|| self.file.cmp(&other.file))
            .then_with(|| self.line.cmp(&other.line))
            .then_with(|| self.rule.cmp(&other.rule))
    }
}

/// What a whole scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The findings, the worst first, then by file and line.
    pub findings: Vec<Finding>,
    /// How many files were looked at.
    pub files_scanned: u32,
}

impl Report {
    /// Creates a report; the findings are put in order.
    pub fn new(mut findings: Vec<Finding>, files_scanned: u32) -> Self {
        findings.sort_by(Finding::reading_order);
        Self { findings, files_scanned }
    }

    /// Returns the trust score.
    pub fn score(&self) -> TrustScore {
        TrustScore::of(&self.findings)
    }

    /// Returns what the score means.
    pub fn risk(&self) -> RiskLevel {
        self.score().risk(!self.findings.is_empty())
    }

    /// Returns the worst severity found; `None` when nothing was.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|one| one.severity).max()
    }
}

#[cfg(test)]
mod tests;
