//! Rules as they are written: data with an id, a reason, what they look for, and examples that are their tests.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use roost_domain::scan::{Category, Framework, Severity};
use serde::{Deserialize, Deserializer};

use crate::label::Label;
use crate::language::Language;

/// What this program looks for: the files of `rules/`, in this order.
const FILES: [&str; 9] = [
    include_str!("../rules/prompt.toml"),
    include_str!("../rules/output.toml"),
    include_str!("../rules/data.toml"),
    include_str!("../rules/supply.toml"),
    include_str!("../rules/secrets.toml"),
    include_str!("../rules/agency.toml"),
    include_str!("../rules/shell.toml"),
    include_str!("../rules/skill.toml"),
    include_str!("../rules/code.toml"),
];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let read = |text: &&str| toml::from_str::<RuleFile>(text).expect("the rules are read by a test").rule;
    FILES.iter().flat_map(read).collect()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rule: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its id, such as `LLM02-EVAL`; it never changes its meaning.
    pub id: String,
    /// What is wrong, in a few words.
    pub title: String,
    /// Its OWASP category.
    #[serde(deserialize_with = "named")]
    pub category: Category,
    /// How bad what it finds is.
    #[serde(deserialize_with = "named")]
    pub severity: Severity,
    /// The number of the weakness in MITRE's list.
    pub cwe: Option<u16>,
    /// What it reads; empty for every kind of text.
    #[serde(default)]
    pub languages: Vec<Language>,
    /// It tells less than other rules: it is silent where one of them speaks.
    #[serde(default)]
    pub yields: bool,
    /// The framework whose code it reads; any if `None`.
    #[serde(default, deserialize_with = "framework")]
    pub framework: Option<Framework>,
    /// Why it is wrong.
    pub rationale: String,
    /// What to do.
    pub fix: String,
    /// What it looks for; any one is enough.
    #[serde(rename = "match")]
    pub(crate) matches: Vec<Match>,
    /// The file its examples stand in.
    pub example: Example,
}

/// One piece of code that a rule finds, and one like it that it does not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The name of the file.
    pub file: String,
    /// Code that the rule finds.
    pub positive: String,
    /// Code that the rule leaves alone.
    pub negative: String,
}

/// What a rule looks for.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Match {
    /// Values of some origin that reach an argument of a call.
    Flow(Flow),
    /// Calls as such.
    Call(Call),
    /// Text put together from values of some origin, under a telling name.
    Build(Build),
    /// A written-out value under a telling name.
    Assign(Assign),
    /// Text, where syntax is not the point.
    Text(Text),
    /// What only a program can describe.
    Check {
        /// Which.
        name: Check,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flow {
    pub(crate) from: Vec<Label>,
    pub(crate) into: Vec<String>,
    /// Positions or keywords, `self` for the receiver; every argument if empty.
    #[serde(default)]
    pub(crate) args: Vec<String>,
    #[serde(default, rename = "where")]
    pub(crate) tests: Vec<ArgTest>,
    /// The value must be mixed with text that is written out.
    #[serde(default)]
    pub(crate) mixed: bool,
    /// Of a command in words, only the program counts, unless it is one that runs its words.
    #[serde(default)]
    pub(crate) program: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    pub(crate) calls: Vec<String>,
    #[serde(default, rename = "where")]
    pub(crate) tests: Vec<ArgTest>,
    /// Only in a function that a model can call, unless something in it asks before.
    #[serde(default)]
    pub(crate) ungated_tool: bool,
    /// Only in a function with such a name.
    #[serde(default)]
    pub(crate) inside: Option<Expression>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    pub(crate) from: Vec<Label>,
    /// Names of variables and keywords.
    pub(crate) name: Expression,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assign {
    pub(crate) name: Expression,
    pub(crate) value: Expression,
    #[serde(default)]
    pub(crate) unless: Option<Expression>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    pub(crate) pattern: Expression,
    /// What a hit must not look like.
    #[serde(default)]
    pub(crate) unless: Option<Expression>,
    /// What was found is a secret: it is never shown.
    #[serde(default)]
    pub(crate) secret: bool,
}

/// A condition on an argument.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArgTest {
    /// Positions and keywords, `|` between them: the first that is there. `*` is any argument, `words` all of a
    /// program's, `self` the receiver.
    pub(crate) arg: String,
    #[serde(default)]
    pub(crate) is: Option<String>,
    #[serde(default)]
    pub(crate) matches: Option<Expression>,
    #[serde(default)]
    pub(crate) lacks: Option<Expression>,
    #[serde(default)]
    pub(crate) constant: Option<bool>,
    /// Where it must come from.
    #[serde(default)]
    pub(crate) from: Option<Vec<Label>>,
    /// Whether it is text of the program's own with something else in it.
    #[serde(default)]
    pub(crate) mixed: Option<bool>,
    #[serde(default)]
    pub(crate) present: Option<bool>,
    /// The path of what made the value.
    #[serde(default)]
    pub(crate) made_by: Option<String>,
}

/// What only a program can describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Check {
    EndlessLoop,
    EndlessRecursion,
    ModelDecides,
    ToolText,
    Unparsable,
    GaveUp,
    HiddenText,
    HiddenComment,
    BroadTools,
    UnpinnedDependency,
    UnsafeDependencySource,
    InstallScript,
    McpUnpinned,
    McpPlainHttp,
    McpSecret,
    McpToolText,
    McpBroad,
    AwkwardDependencyName,
}

/// A regular expression in the data.
#[derive(Debug, Clone)]
pub(crate) struct Expression(pub(crate) Regex);

impl Expression {
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Regex::new(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Returns every rule, in the order of the categories.
pub fn rules() -> &'static [Rule] {
    &RULES
}

fn named<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: fmt::Display,
{
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

fn framework<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Framework>, D::Error> {
    named(from).map(Some)
}

#[cfg(test)]
mod tests;
