//! What is looked for in text as text, where syntax is not the point: secrets, and words meant for a model.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::RegexSet;

use crate::language::Language;
use crate::lines::Lines;
use crate::rule::{Match, Text, rules};
use crate::scanner::Scan;
use crate::snippet::snippet;

struct Matcher {
    rule: usize,
    text: &'static Text,
}

struct Matchers {
    all: Vec<Matcher>,
    set: RegexSet,
}

static MATCHERS: LazyLock<HashMap<Language, Matchers>> =
    LazyLock::new(|| Language::ALL.into_iter().map(|language| (language, Matchers::of(language))).collect());

impl Matchers {
    fn of(language: Language) -> Self {
        let mut all = Vec::new();
        for (rule, record) in rules().iter().enumerate() {
            let languages = &record.languages;
            if !languages.is_empty() && !languages.iter().any(|one| language.is_kind_of(*one)) {
                continue;
            }
            for one in &record.matches {
                if let Match::Text(text) = one {
                    all.push(Matcher { rule, text });
                }
            }
        }
        let patterns = all.iter().map(|one| one.text.pattern.0.as_str());
        let set = RegexSet::new(patterns).expect("each was compiled before");
        Self { all, set }
    }
}

/// Looks at the text of a whole file.
pub(crate) fn scan(scan: &mut Scan<'_>, language: Language, source: &str) {
    let Some(matchers) = MATCHERS.get(&language) else { return };
    let lines = Lines::of(source);
    for at in &matchers.set.matches(source) {
        let Matcher { rule, text } = &matchers.all[at];
        for found in text.pattern.0.find_iter(source) {
            if text.unless.as_ref().is_some_and(|unless| unless.is_match(found.as_str())) {
                continue;
            }
            scan.add(*rule, lines.at(found.start()), snippet(source, found.start()), None);
        }
    }
}
