//! What is looked for beside calls: telling names, decisions, loops and recursion without an end.

use std::collections::HashMap;

use super::Flow;
use super::value::Value;
use crate::label::{Label, Labels};
use crate::language::Language;
use crate::manifest::steers_the_model;
use crate::rule::{Check, Match};
use crate::unit::{ExprId, Kind, Step};

impl<'u, 'a> Flow<'u, 'a> {
    /// Looks at a value that is given to a variable or member.
    pub(super) fn named_value(&mut self, target: ExprId, value: ExprId, now: &Value) {
        let unit = self.unit;
        let named = unit.name(target).or_else(|| unit.member(target).map(|(_, name)| name));
        let name = match (named, &unit.exprs[target].kind) {
            (Some(name), _) => name,
            (None, Kind::Index { index, .. }) => unit.literal(*index).unwrap_or(""),
            (None, _) => return,
        };
        self.keyword_value(name, value, now);
    }

    /// Looks at a value that is given under a name.
    pub(super) fn keyword_value(&mut self, name: &str, value: ExprId, now: &Value) {
        if name.is_empty() {
            return;
        }
        if matches!(name, "__doc__" | "description") {
            self.tool_text(value);
        }
        let known = self.known;
        for id in &known.names {
            match id.get() {
                Match::Build(build) => {
                    let is_built = !now.mixed_labels.is_empty() || now.mixed_params != 0;
                    if is_built && build.name.is_match(name) {
                        let expr = &self.unit.exprs[value];
                        let place = (expr.start, expr.end);
                        self.reach(id.rule, place, now, build.from.iter().copied().collect(), true);
                    }
                }
                Match::Assign(assign) => {
                    let found = self.unit.literal(value).is_some_and(|text| {
                        assign.name.is_match(name)
                            && assign.value.is_match(text)
                            && !assign.unless.as_ref().is_some_and(|unless| unless.is_match(text))
                    });
                    if found {
                        self.tell(id.rule, value, None);
                    }
                }
                Match::Flow(_) | Match::Call(_) | Match::Text(_) | Match::Check { .. } => {}
            }
        }
    }

    /// Looks at what the model is told about a tool.
    pub(super) fn tool_text(&mut self, id: ExprId) {
        let Some(rule) = self.has(Check::ToolText) else { return };
        if self.unit.literal(id).is_some_and(steers_the_model) {
            self.tell(rule, id, None);
        }
    }

    /// Looks at what decides which way the program goes.
    pub(super) fn decided(&mut self, id: ExprId, value: &Value) {
        let Some(rule) = self.has(Check::ModelDecides) else { return };
        let direct = matches!(&self.unit.exprs[id].kind, Kind::Call { .. });
        let from_model = !value.labels.common(Labels::of(Label::Model)).is_empty();
        if direct && from_model && self.unit.exprs[id].start == value.origin {
            self.tell(rule, id, Some((Label::Model, value.origin)));
        }
    }

    /// Looks at the whole unit once it was walked.
    pub(super) fn checks(&mut self) {
        self.endless_loops();
        if matches!(
            self.language,
            Language::Python | Language::Javascript | Language::Typescript | Language::Tsx
        ) {
            self.endless_recursion();
        }
    }

    fn endless_loops(&mut self) {
        let Some(rule) = self.has(Check::EndlessLoop) else { return };
        let unit = self.unit;
        let mut blocks: Vec<&'u [Step<'a>]> = unit.functions.iter().map(|function| &*function.body).collect();
        while let Some(block) = blocks.pop() {
            for step in block {
                match step {
                    Step::Loop { body, endless, start } => {
                        if *endless {
                            let end =
                                unit.source[*start..].find('\n').map_or(unit.source.len(), |at| start + at);
                            self.tell_at(super::Hit { rule, start: *start, end, from: None });
                        }
                        blocks.push(body);
                    }
                    Step::Branch { arms, .. } => blocks.extend(arms.iter().map(Vec::as_slice)),
                    Step::Eval(_)
                    | Step::Decide(_)
                    | Step::Set { .. }
                    | Step::Return(_)
                    | Step::Leave
                    | Step::Define(_)
                    | Step::Checked(_) => {}
                }
            }
        }
    }

    fn endless_recursion(&mut self) {
        let Some(rule) = self.has(Check::EndlessRecursion) else { return };
        let unit = self.unit;
        let mut calls: HashMap<&str, Vec<(usize, ExprId)>> = HashMap::new();
        for (id, expr) in unit.exprs.iter().enumerate() {
            if let Kind::Call { target, .. } = &expr.kind
                && let Kind::Name(name) = &unit.exprs[*target].kind
            {
                calls.entry(name).or_default().push((expr.start, id));
            }
        }
        calls.values_mut().for_each(|places| places.sort_unstable());
        for function in unit
            .functions
            .iter()
            .skip(1)
            .filter(|function| !function.branches && !is_method(&function.params))
        {
            let Some(places) = calls.get(function.name) else { continue };
            let first = places.partition_point(|(start, _)| *start < function.start);
            if let Some((_, id)) = places.get(first).filter(|(start, _)| *start < function.end) {
                self.tell(rule, *id, None);
            }
        }
    }
}

/// Tells whether a function is a method: a bare name in it is not its own.
fn is_method(params: &[&str]) -> bool {
    params.first().is_some_and(|name| matches!(*name, "self" | "cls"))
}
