//! The data of `rules/` made ready: sources, sanitizers, carriers and rules, found by the path of a call.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::label::{Label, Labels};
use crate::language::Language;
use crate::pattern::Index;
use crate::rule::{ArgTest, Expression, Match, rules};

static TAINT: LazyLock<Taint> = LazyLock::new(|| {
    toml::from_str(include_str!("../rules/taint.toml")).expect("the origins are read by a test")
});

static BY_LANGUAGE: LazyLock<HashMap<Language, Knowledge>> = LazyLock::new(|| {
    use Language::{Bash, Javascript, Python, Rust, Tsx, Typescript};
    [Python, Javascript, Typescript, Tsx, Rust, Bash]
        .into_iter()
        .map(|one| (one, Knowledge::of(one)))
        .collect()
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Taint {
    source: Vec<Source>,
    parameters: Parameters,
    sanitizer: Vec<Sanitizer>,
    carriers: Carriers,
    embedded: Vec<Embedded>,
}

/// Where values of one label come from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) label: Label,
    languages: Vec<Language>,
    calls: Vec<String>,
    reads: Vec<String>,
    #[serde(default)]
    out: Vec<Out>,
    #[serde(default, rename = "where")]
    pub(crate) tests: Vec<ArgTest>,
}

/// Calls that fill the file or variable named by an argument.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Out {
    calls: Vec<String>,
    arg: usize,
}

/// What names tell.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) user: Expression,
    pub(crate) asked: Expression,
    pub(crate) tools: Expression,
    pub(crate) routes: Expression,
    pub(crate) gates: Expression,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sanitizer {
    languages: Vec<Language>,
    calls: Vec<String>,
    named: Expression,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carriers {
    calls: Vec<String>,
}

/// Text that another language runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Embedded {
    languages: Vec<Language>,
    #[serde(rename = "as")]
    pub(crate) language: Language,
    calls: Vec<String>,
    #[serde(default)]
    pub(crate) arg: Option<String>,
    /// The text is the word after this one.
    #[serde(default)]
    pub(crate) after: Option<String>,
}

/// One matcher of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MatchId {
    pub(crate) rule: usize,
    pub(crate) at: usize,
}

impl MatchId {
    pub(crate) fn get(self) -> &'static Match {
        &rules()[self.rule].matches[self.at]
    }
}

/// What is known about one language.
#[derive(Debug)]
pub(crate) struct Knowledge {
    pub(crate) source_calls: Index<usize>,
    pub(crate) source_reads: Index<Label>,
    pub(crate) outs: Index<(Label, usize)>,
    pub(crate) sanitizers: Index<()>,
    pub(crate) sanitizer_names: Option<&'static Expression>,
    pub(crate) carriers: Index<()>,
    pub(crate) embedded: Index<usize>,
    pub(crate) calls: Index<MatchId>,
    /// Matchers of names of variables and keywords.
    pub(crate) names: Vec<MatchId>,
    /// Rules for what only a program can describe, in this language.
    pub(crate) checks: Vec<(crate::rule::Check, usize)>,
}

/// What is known of every language together.
pub(crate) fn parameters() -> &'static Parameters {
    &TAINT.parameters
}

/// Returns an entry of [`Knowledge::source_calls`].
pub(crate) fn source(at: usize) -> &'static Source {
    &TAINT.source[at]
}

/// Returns an entry of [`Knowledge::embedded`].
pub(crate) fn embedded(at: usize) -> &'static Embedded {
    &TAINT.embedded[at]
}

/// Labels that only few calls hand on.
pub(crate) fn shy() -> Labels {
    [Label::Secret, Label::KeyFile, Label::Environment, Label::Socket, Label::Shell, Label::Decoded]
        .into_iter()
        .collect()
}

impl Knowledge {
    /// Returns what is known about a language; `None` for one that has no calls.
    pub(crate) fn about(language: Language) -> Option<&'static Self> {
        BY_LANGUAGE.get(&language)
    }

    fn of(language: Language) -> Self {
        let spoken = |languages: &[Language]| languages.iter().any(|one| language.is_kind_of(*one));
        let mut all = Self {
            source_calls: Index::default(),
            source_reads: Index::default(),
            outs: Index::default(),
            sanitizers: Index::default(),
            sanitizer_names: None,
            carriers: Index::default(),
            embedded: Index::default(),
            calls: Index::default(),
            names: Vec::new(),
            checks: Vec::new(),
        };
        for (at, source) in TAINT.source.iter().enumerate().filter(|(_, one)| spoken(&one.languages)) {
            source.calls.iter().for_each(|call| all.source_calls.add(call, at));
            source.reads.iter().for_each(|read| all.source_reads.add(read, source.label));
            for out in &source.out {
                out.calls.iter().for_each(|call| all.outs.add(call, (source.label, out.arg)));
            }
        }
        for sanitizer in TAINT.sanitizer.iter().filter(|one| spoken(&one.languages)) {
            sanitizer.calls.iter().for_each(|call| all.sanitizers.add(call, ()));
            all.sanitizer_names = Some(&sanitizer.named);
        }
        TAINT.carriers.calls.iter().for_each(|call| all.carriers.add(call, ()));
        for (at, embedded) in TAINT.embedded.iter().enumerate().filter(|(_, one)| spoken(&one.languages)) {
            embedded.calls.iter().for_each(|call| all.embedded.add(call, at));
        }
        for (rule, record) in rules().iter().enumerate() {
            if record.languages.is_empty() || !spoken(&record.languages) {
                continue;
            }
            for (at, one) in record.matches.iter().enumerate() {
                let id = MatchId { rule, at };
                match one {
                    Match::Flow(flow) => {
                        for path in flow.into.iter().flat_map(|path| meant(path, &spoken)) {
                            all.calls.add(path, id);
                        }
                    }
                    Match::Call(call) => {
                        for path in call.calls.iter().flat_map(|path| meant(path, &spoken)) {
                            all.calls.add(path, id);
                        }
                    }
                    Match::Build(_) | Match::Assign(_) => all.names.push(id),
                    Match::Check { name } => all.checks.push((*name, rule)),
                    Match::Text(_) => {}
                }
            }
        }
        all
    }
}

/// Returns the paths that one in a rule stands for: `@model` is every call of a model.
///
/// A path may begin with the only language that it holds for, as in `javascript:Function`.
fn meant<'p>(path: &'p str, spoken: &impl Fn(&[Language]) -> bool) -> Vec<&'p str> {
    if let Some(path) = path.strip_prefix("javascript:") {
        return if spoken(&[Language::Javascript]) { vec![path] } else { Vec::new() };
    }
    if path != "@model" {
        return vec![path];
    }
    let models = TAINT.source.iter().filter(|one| one.label == Label::Model && spoken(&one.languages));
    models.flat_map(|one| &one.calls).map(String::as_str).collect()
}
