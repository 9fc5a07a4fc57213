//! Where values must not arrive, and calls that are wrong as they stand.

use super::value::Value;
use super::{Flow, Hit, ParamSink};
use crate::knowledge::{MatchId, parameters};
use crate::label::Labels;
use crate::pattern::Pattern;
use crate::rule::{ArgTest, Match};
use crate::unit::{Arg, ExprId};

/// How many ways from parameters to sinks are remembered of one function.
const PARAM_SINKS_MAX: usize = 64;

/// A call with what its parts can hold.
pub(super) struct CallSite<'x, 'u, 'a> {
    pub(super) id: ExprId,
    pub(super) args: &'u [Arg<'a>],
    pub(super) values: &'x [Value],
    pub(super) receiver: Option<&'x (ExprId, Value)>,
    pub(super) paths: &'x [&'x str],
}

impl<'x> CallSite<'x, '_, '_> {
    /// Returns the arguments that a specification names: positions and keywords with `|` between them (the first
    /// that is there), `*` for all, `self` for the receiver.
    pub(super) fn select(&self, spec: &str) -> Vec<(ExprId, &'x Value)> {
        if spec == "*" {
            return self.args.iter().zip(self.values).map(|(arg, value)| (arg.value, value)).collect();
        }
        for one in spec.split('|') {
            if one == "self" {
                return self.receiver.map(|(id, value)| (*id, value)).into_iter().collect();
            }
            let position: Option<usize> = one.parse().ok();
            let mut with_values = self.args.iter().zip(self.values);
            let found: Vec<_> = match position {
                Some(at) => with_values.filter(|(arg, _)| arg.name.is_none()).nth(at).into_iter().collect(),
                None => with_values.by_ref().filter(|(arg, _)| arg.name == Some(one)).collect(),
            };
            if !found.is_empty() {
                return found.into_iter().map(|(arg, value)| (arg.value, value)).collect();
            }
        }
        Vec::new()
    }
}

impl<'u, 'a> Flow<'u, 'a> {
    pub(super) fn check_call(&mut self, matcher: MatchId, site: &CallSite<'_, 'u, 'a>) {
        match matcher.get() {
            Match::Flow(flow) => {
                if !self.passes(&flow.tests, site) {
                    return;
                }
                let from: Labels = flow.from.iter().copied().collect();
                let candidates = if flow.args.is_empty() {
                    site.select("*")
                } else {
                    flow.args.iter().flat_map(|spec| site.select(spec)).collect()
                };
                let expr = &self.unit.exprs[site.id];
                let place = (expr.start, expr.end);
                for (_, value) in candidates {
                    let narrow = value.program.filter(|_| flow.program);
                    let (labels, params) = narrow.unwrap_or((value.labels, value.params));
                    let labels = if flow.program { labels.and(value.content) } else { labels };
                    let narrowed = flow.program.then(|| Value { labels, params, ..value.clone() });
                    let value = narrowed.as_ref().unwrap_or(value);
                    if self.reach(matcher.rule, place, value, from, flow.mixed) {
                        return;
                    }
                }
            }
            Match::Call(call) => {
                if call.ungated_tool && !self.in_ungated_tool() {
                    return;
                }
                let inside = self.frames.last().map_or("", |frame| self.unit.functions[frame.function].name);
                if call.inside.as_ref().is_some_and(|names| !names.is_match(inside)) {
                    return;
                }
                if self.passes(&call.tests, site) {
                    self.tell(matcher.rule, site.id, None);
                }
            }
            Match::Build(_) | Match::Assign(_) | Match::Text(_) | Match::Check { .. } => {}
        }
    }

    /// Tells of a value that reaches a place, if it comes from there; remembers if it would, for some parameter.
    pub(super) fn reach(
        &mut self,
        rule: usize,
        (start, end): (usize, usize),
        value: &Value,
        from: Labels,
        mixed: bool,
    ) -> bool {
        let (labels, params) =
            if mixed { (value.mixed_labels, value.mixed_params) } else { (value.labels, value.params) };
        if let Some(label) = labels.common(from).first() {
            let built = value.built_at.filter(|_| mixed);
            if self.telling && built.is_some_and(|built| !self.seen_origins.insert((0, built))) {
                return true;
            }
            self.tell_at(Hit { rule, start, end, from: Some((label, value.origin)) });
            return true;
        }
        if params != 0 && self.param_sinks.len() < PARAM_SINKS_MAX {
            let sink = ParamSink { params, from, mixed, rule, start, end };
            if !self.param_sinks.contains(&sink) {
                self.param_sinks.push(sink);
            }
        }
        false
    }

    fn in_ungated_tool(&mut self) -> bool {
        let Some(frame) = self.frames.last().copied() else { return false };
        if !frame.is_tool {
            return false;
        }
        let unit = self.unit;
        // What comments and texts say asks nobody.
        let gated = self.gated.entry(frame.function).or_insert_with(|| {
            let named = |id| unit.name(id).or_else(|| unit.member(id).map(|(_, name)| name));
            let mut names = unit.functions[frame.function].exprs.clone().filter_map(named);
            names.any(|name| parameters().gates.is_match(name))
        });
        !*gated
    }

    /// Tells whether the arguments of a call are as all of these say.
    pub(super) fn passes(&self, tests: &[ArgTest], site: &CallSite<'_, 'u, 'a>) -> bool {
        tests.iter().all(|test| self.passes_one(test, site))
    }

    fn passes_one(&self, test: &ArgTest, site: &CallSite<'_, 'u, 'a>) -> bool {
        if test.arg == "words" {
            let words = site.args.iter().filter(|arg| arg.name.is_none()).map(|arg| self.words_of(arg.value));
            let words = words.collect::<Vec<_>>().join(" ");
            return test.matches.as_ref().is_none_or(|wanted| wanted.is_match(&words))
                && test.lacks.as_ref().is_none_or(|unwanted| !unwanted.is_match(&words));
        }
        let selected = site.select(&test.arg);
        if let Some(present) = test.present {
            return selected.is_empty() != present;
        }
        if selected.is_empty() {
            return test.lacks.is_some();
        }
        let holds = |(id, value): &(ExprId, &Value)| {
            test.is.as_ref().is_none_or(|wanted| self.unit.text(*id) == wanted)
                && test.matches.as_ref().is_none_or(|wanted| wanted.is_match(self.known_text(*id, value)))
                && test.constant.is_none_or(|wanted| value.constant == wanted)
                && test
                    .from
                    .as_ref()
                    .is_none_or(|wanted| !value.labels.common(wanted.iter().copied().collect()).is_empty())
                && test.mixed.is_none_or(|wanted| value.mixed == wanted)
                && test.made_by.as_ref().is_none_or(|wanted| {
                    value.path.as_deref().is_some_and(|path| Pattern::new(wanted).matches(path))
                })
        };
        let lacks = test.lacks.as_ref().is_none_or(|unwanted| {
            !selected.iter().any(|(id, value)| unwanted.is_match(self.known_text(*id, value)))
        });
        lacks && selected.iter().any(holds)
    }

    /// Returns the text that a value is, or the code that built it, or the code that names it.
    fn known_text(&self, id: ExprId, value: &Value) -> &str {
        let literal = value.text.and_then(|text| self.unit.literal(text));
        literal.unwrap_or_else(|| self.unit.text(value.built_at.unwrap_or(id)))
    }

    fn words_of(&self, id: ExprId) -> &str {
        self.unit.literal(id).unwrap_or_else(|| self.unit.text(id).trim_matches(['"', '\'']))
    }
}
