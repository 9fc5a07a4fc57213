//! Calls: what they are checked for, what they fill, and what they return.

use super::sinks::CallSite;
use super::value::Value;
use super::{Closure, Flow, Inner, Summary, join_path};
use crate::knowledge::{embedded, parameters, shy, source};
use crate::label::{Label, Labels};
use crate::language::Language;
use crate::unit::{Arg, ExprId, FunctionId, Kind};

/// Calls after which their receiver holds their arguments.
const FILLING: [&str; 14] = [
    "append",
    "add",
    "extend",
    "insert",
    "update",
    "push",
    "unshift",
    "put",
    "set",
    "setdefault",
    "write",
    "appendleft",
    "push_str",
    "arg",
];

impl<'u, 'a> Flow<'u, 'a> {
    pub(super) fn call(&mut self, id: ExprId, target: ExprId, args: &'u [Arg<'a>]) -> Value {
        let unit = self.unit;
        let mut receiver = None;
        let resolved: Option<Box<str>> = if let Some((base, name)) = unit.member(target) {
            let inner = self.eval(base);
            let held = self.scopes.get(unit.text(target)).and_then(|value| value.path.clone());
            let path = held.or_else(|| inner.path.as_deref().map(|path| join_path(path, name)));
            receiver = Some((base, inner));
            path
        } else if let Some(name) = unit.name(target) {
            match self.scopes.get(name) {
                Some(value) => value.path.clone(),
                None => Some(unit.imports.get(name).map_or(name, String::as_str).into()),
            }
        } else {
            let value = self.eval(target);
            let path = value.path.clone();
            receiver = Some((target, value));
            path
        };
        let written = self.written_path(target);
        let closure = self.closure_of(&written, receiver.as_ref().map(|(_, value)| value));
        let outer = std::mem::replace(&mut self.closure, closure);
        let values: Vec<Value> = args.iter().map(|arg| self.eval(arg.value)).collect();
        self.closure = outer;
        let mut paths: Vec<&str> = vec![&written];
        paths.extend(resolved.as_deref().filter(|path| *path != &*written));
        let site = CallSite { id, args, values: &values, receiver: receiver.as_ref(), paths: &paths };
        for (arg, value) in args.iter().zip(&values) {
            if let Some(name) = arg.name {
                self.keyword_value(name, arg.value, value);
            }
        }
        if self.closure_of(&written, None).is_tool {
            args.iter().for_each(|arg| self.tool_text(arg.value));
        }
        for matcher in self.known.calls.find(&paths) {
            self.check_call(matcher, &site);
        }
        self.note_inner(&site);
        self.fill(&site, target);
        let mut value = self.result(&site, target);
        value.path = resolved.as_deref().map(|path| format!("{path}()").into());
        if paths
            .iter()
            .any(|path| matches!(*path, "open" | "io.open" | "fs.createWriteStream" | "aiofiles.open"))
        {
            value.opens = args.first().map(|arg| arg.value);
        }
        value
    }

    /// Returns what the functions among the arguments of a call will be called with.
    fn closure_of(&self, written: &str, receiver: Option<&Value>) -> Closure {
        let is_tool = parameters().tools.is_match(written)
            || written.ends_with("registerTool")
            || written.ends_with("DynamicTool")
            || written.ends_with("DynamicStructuredTool");
        let mut value = receiver.map(Value::within).unwrap_or_default();
        let socket = Labels::of(Label::Socket);
        if !value.labels.common(socket).is_empty() {
            value.labels = value.labels.without(socket).and(Labels::of(Label::Network));
        }
        if is_tool {
            value = Value { labels: Labels::of(Label::Model), origin: value.origin, ..Value::default() };
        }
        Closure { value, is_tool }
    }

    /// Returns the path of an expression as it is written.
    pub(super) fn written_path(&self, id: ExprId) -> Box<str> {
        match &self.unit.exprs[id].kind {
            Kind::Name(name) => (*name).into(),
            Kind::Member { base, name } => join_path(&self.written_path(*base), name),
            Kind::Call { target, .. } => format!("{}()", self.written_path(*target)).into(),
            Kind::Index { base, .. } => self.written_path(*base),
            Kind::Group(parts) if parts.len() == 1 => self.written_path(parts[0]),
            Kind::Group(_)
            | Kind::Text(_)
            | Kind::Constant
            | Kind::Join(_)
            | Kind::List(_)
            | Kind::Dict(_)
            | Kind::Test(_)
            | Kind::Set { .. }
            | Kind::Yield(_)
            | Kind::Function(_) => "".into(),
        }
    }

    /// Keeps the text that another language runs for a scan of its own.
    fn note_inner(&mut self, site: &CallSite<'_, 'u, 'a>) {
        if !self.telling {
            return;
        }
        for at in self.known.embedded.find(site.paths) {
            let spec = embedded(at);
            let found = match (&spec.arg, &spec.after) {
                (Some(arg), _) => site.select(arg).first().map(|(id, _)| *id),
                (None, Some(after)) => {
                    let words: Vec<_> = site.args.iter().filter(|arg| arg.name.is_none()).collect();
                    let flag = |word: &&Arg<'a>| {
                        self.unit.literal(word.value).is_some_and(|text| is_flag(text, after))
                    };
                    words.iter().position(flag).and_then(|at| words.get(at + 1)).map(|arg| arg.value)
                }
                (None, None) => None,
            };
            let Some(found) = found else { continue };
            let text = match self.unit.list(found) {
                Some(words) => self.command_line(words),
                None => self.unit.literal(found).map(unescaped),
            };
            let start = self.unit.exprs[found].start;
            self.found.inner.extend(text.map(|text| Inner { language: spec.language, text, start }));
        }
    }

    /// Returns the command that a list of words is.
    fn command_line(&self, parts: &[ExprId]) -> Option<String> {
        let words: Option<Vec<&str>> = parts.iter().map(|part| self.unit.literal(*part)).collect();
        let words = words?;
        if let [shell, flag, script, ..] = words.as_slice()
            && shell.ends_with("sh")
            && is_flag(flag, "-c")
        {
            return Some(unescaped(script));
        }
        let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''")));
        Some(quoted.collect::<Vec<_>>().join(" ").replacen('\'', "", 2))
    }

    /// Puts arguments into what a call fills: its receiver, or a file.
    fn fill(&mut self, site: &CallSite<'_, 'u, 'a>, target: ExprId) {
        let unit = self.unit;
        for (label, at) in self.known.outs.find(site.paths) {
            if let Some((id, _)) = site.select(&at.to_string()).first() {
                let filled = Value {
                    labels: Labels::of(label),
                    origin: unit.exprs[site.id].start,
                    ..Value::default()
                };
                self.write_file(*id, &filled);
            }
        }
        if self.language == Language::Bash && site.paths.contains(&"read") {
            let value = Value {
                labels: Labels::of(Label::User),
                origin: unit.exprs[site.id].start,
                ..Value::default()
            };
            for arg in site.args.iter().filter(|arg| arg.name.is_none()) {
                if let Kind::Text(_) = &unit.exprs[arg.value].kind {
                    self.scopes.set(unit.text(arg.value), value.clone());
                }
            }
        }
        let Kind::Member { base, name } = &unit.exprs[target].kind else { return };
        if !FILLING.contains(name) {
            return;
        }
        let mut all = Value::default();
        site.values.iter().for_each(|value| all.absorb(value));
        if all.labels.is_empty() && all.params == 0 {
            return;
        }
        let holder = site.receiver.and_then(|(_, value)| value.opens);
        if *name == "write"
            && let Some(holder) = holder
        {
            self.write_file(holder, &all);
        } else if unit.name(*base).is_some() || unit.member(*base).is_some() {
            let mut now = site.receiver.map(|(_, value)| value.clone()).unwrap_or_default();
            now.absorb(&all);
            self.assign(*base, now, false);
        }
    }

    fn result(&mut self, site: &CallSite<'_, 'u, 'a>, target: ExprId) -> Value {
        let start = self.unit.exprs[site.id].start;
        let mut labels = Labels::NONE;
        for at in self.known.source_calls.find(site.paths) {
            let source = source(at);
            if self.passes(&source.tests, site) {
                labels = labels.and(Labels::of(source.label));
            }
        }
        let last = site.paths[0].rsplit('.').next().unwrap_or_default();
        let cleans = !self.known.sanitizers.find(site.paths).is_empty()
            || self.known.sanitizer_names.is_some_and(|names| names.is_match(last));
        if cleans && labels.is_empty() {
            return Value::default();
        }
        if let Some(known) =
            self.own_function(target).and_then(|id| self.summaries.get(&id).map(|s| (id, s.clone())))
        {
            return self.own_result(known.0, &known.1, site, labels);
        }
        let mut value = Value::default();
        let carries = !self.known.carriers.find(site.paths).is_empty();
        let from_receiver = site.receiver.map(|(_, value)| value);
        for (at, part) in from_receiver.into_iter().chain(site.values).enumerate() {
            let content = part.content;
            let mut part = part.within();
            if carries {
                part.labels = part.labels.and(content);
            }
            let is_receiver = at == 0 && from_receiver.is_some();
            if !(carries || (is_receiver && part.labels.common(Labels::of(Label::Decoded)).is_empty())) {
                part.labels = part.labels.without(shy());
            }
            if !is_receiver {
                part.labels = part.labels.without(Labels::of(Label::Socket));
            }
            value.absorb(&part);
        }
        if !carries {
            value = value.unmixed();
        }
        // One variable of the environment is not the whole of it.
        if matches!(last, "get" | "pop" | "setdefault") {
            value.labels = value.labels.without(Labels::of(Label::Environment));
        }
        if !labels.is_empty() {
            // What a source gives is its own: what was asked is not in the answer.
            let fetched: Labels = [Label::Network, Label::Model].into_iter().collect();
            let carries = carries && labels.common(fetched).is_empty();
            let asked = if carries { value.labels } else { value.labels.common(Labels::of(Label::Decoded)) };
            value = Value { labels: labels.and(asked), origin: start, ..Value::default() };
        }
        value
    }

    /// Returns the function of this unit that is called.
    fn own_function(&self, target: ExprId) -> Option<FunctionId> {
        let own = |base: ExprId| matches!(self.unit.name(base), Some("self" | "this" | "cls"));
        let name = match (self.unit.name(target), self.unit.member(target)) {
            (Some(name), _) if self.scopes.get(name).is_none() => name,
            (_, Some((base, name))) if own(base) => name,
            _ => return None,
        };
        self.by_name.get(name).copied()
    }

    /// Returns what a function of this unit gives for these arguments, and tells which of them reach a sink in it.
    fn own_result(
        &mut self,
        id: FunctionId,
        known: &Summary,
        site: &CallSite<'_, 'u, 'a>,
        labels: Labels,
    ) -> Value {
        let params = &self.unit.functions[id].params;
        let shift = usize::from(params.first().is_some_and(|name| matches!(*name, "self" | "cls" | "&self")));
        let mut bound: Vec<(usize, Value)> = Vec::new();
        let mut position = shift;
        for (arg, value) in site.args.iter().zip(site.values) {
            let at = match arg.name {
                Some(name) => params.iter().position(|param| *param == name),
                None => {
                    position += 1;
                    Some(position - 1)
                }
            };
            bound.extend(at.filter(|at| *at < 64).map(|at| (at, value.clone())));
        }
        let mut value =
            Value { labels: known.returns.labels.and(labels), params: 0, ..known.returns.clone() };
        value.origin =
            if known.returns.labels.is_empty() { self.unit.exprs[site.id].start } else { value.origin };
        for (at, part) in &bound {
            if known.returns.params & (1 << at) != 0 {
                value.absorb(&part.within());
            }
            for sink in known.sinks.iter().filter(|sink| sink.params & (1 << at) != 0) {
                self.reach(sink.rule, (sink.start, sink.end), part, sink.from, false);
            }
        }
        value
    }
}

/// Tells whether a word is a flag or a bundle of flags that ends in it.
fn is_flag(word: &str, flag: &str) -> bool {
    let letter = flag.trim_start_matches('-');
    word == flag
        || (word.starts_with('-') && !word.starts_with("--") && word.len() <= 4 && word.ends_with(letter))
}

/// Reads the escapes that matter inside of a string that is a command.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("\\\"", "\"")
        .replace("\\'", "'")
        .replace("\\\\", "\\")
}
