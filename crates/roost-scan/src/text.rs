//! What is looked for in text as text, where syntax is not the point: secrets, and words meant for a model.

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

static MATCHERS: LazyLock<Matchers> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (rule, record) in rules().iter().enumerate() {
        for one in &record.matches {
            if let Match::Text(text) = one {
                all.push(Matcher { rule, text });
            }
        }
    }
    let set =
        RegexSet::new(all.iter().map(|one| one.text.pattern.0.as_str())).expect("each was compiled before");
    Matchers { all, set }
});

/// Looks at the text of a whole file.
pub(crate) fn scan(scan: &mut Scan<'_>, language: Language, source: &str) {
    let lines = Lines::of(source);
    for at in &MATCHERS.set.matches(source) {
        let Matcher { rule, text } = &MATCHERS.all[at];
        let languages = &rules()[*rule].languages;
        if !languages.is_empty() && !languages.iter().any(|one| language.is_kind_of(*one)) {
            continue;
        }
        for found in text.pattern.0.find_iter(source) {
            if text.unless.as_ref().is_some_and(|unless| unless.is_match(found.as_str())) {
                continue;
            }
            scan.add(*rule, lines.at(found.start()), snippet(source, found.start(), found.end()), None);
        }
    }
}
