//! What expressions can hold.

use super::value::Value;
use super::{DEPTH_MAX, Flow, join_path};
use crate::label::{Label, Labels};
use crate::language::Language;
use crate::unit::{ExprId, Kind};

impl<'u, 'a> Flow<'u, 'a> {
    /// Evaluates an expression: what can be in it. Of what lies too deep nothing is known.
    pub(super) fn eval(&mut self, id: ExprId) -> Value {
        if self.depth >= DEPTH_MAX {
            return Value::default();
        }
        self.depth += 1;
        let value = self.eval_here(id);
        self.depth -= 1;
        value
    }

    fn eval_here(&mut self, id: ExprId) -> Value {
        let unit = self.unit;
        let expr = &unit.exprs[id];
        match &expr.kind {
            Kind::Text(text) => {
                let mut value = Value::constant(id);
                self.read_file(text, &mut value);
                value
            }
            Kind::Constant => Value::constant(id),
            Kind::Name(name) => self.name(id, name),
            Kind::Member { base, name } => self.member(id, *base, name),
            Kind::Index { base, index } => self.index(id, *base, *index),
            Kind::Call { target, args } => self.call(id, *target, args),
            Kind::Join(parts) => self.join(id, parts),
            Kind::List(parts) | Kind::Group(parts) => {
                let mut all = Value { constant: true, ..Value::default() };
                for part in parts {
                    let part = self.eval(*part);
                    all.absorb(&part);
                }
                if matches!(expr.kind, Kind::List(_)) {
                    all.program = self.program(parts);
                }
                if let [only] = parts.as_slice() {
                    all.text = unit.literal(*only).map(|_| *only);
                }
                all
            }
            Kind::Dict(entries) => self.dict(entries),
            Kind::Test(parts) => {
                parts.iter().for_each(|part| {
                    self.eval(*part);
                });
                Value { constant: true, ..Value::default() }
            }
            Kind::Set { target, value } => {
                let value_now = self.eval(*value);
                self.named_value(*target, *value, &value_now);
                self.assign(*target, value_now.clone(), false);
                value_now
            }
            Kind::Yield(value) => {
                let value = self.eval(*value);
                self.returned.join(&value);
                Value::default()
            }
            Kind::Function(function) => {
                let closure = std::mem::take(&mut self.closure);
                let args = vec![closure.value.clone(); unit.functions[*function].params.len().min(8)];
                let returned = self.enter(*function, args, closure.is_tool);
                self.closure = closure;
                returned
            }
        }
    }

    fn name(&mut self, id: ExprId, name: &'a str) -> Value {
        if let Some(value) = self.scopes.get(name) {
            let mut value = value.clone();
            self.read_file(name, &mut value);
            return value;
        }
        let path = self.unit.imports.get(name).map_or(name, String::as_str);
        let mut value = Value { path: Some(path.into()), ..Value::default() };
        if self.language == Language::Bash {
            value.path = None;
            if secret_variable(name) {
                value.labels = Labels::of(Label::Secret);
                value.origin = self.unit.exprs[id].start;
            }
        }
        value
    }

    fn member(&mut self, id: ExprId, base: ExprId, name: &'a str) -> Value {
        let key = self.unit.text(id);
        if let Some(value) = self.scopes.get(key) {
            let mut value = value.clone();
            self.read_file(key, &mut value);
            return value;
        }
        let inner = self.eval(base);
        let mut value = self.fields.get(key).cloned().unwrap_or_else(|| inner.within());
        let path = value.path.take().or_else(|| inner.path.as_deref().map(|path| join_path(path, name)));
        self.read(id, base, path.as_deref(), name, &mut value);
        value.path = path;
        value
    }

    /// Adds the labels of what is read under a path.
    fn read(&self, id: ExprId, base: ExprId, path: Option<&str>, name: &str, value: &mut Value) {
        let written = join_path(&self.written_path(base), name);
        let paths: Vec<&str> = path.into_iter().chain([&*written]).collect();
        for label in self.known.source_reads.find(&paths) {
            if value.labels.is_empty() {
                value.origin = self.unit.exprs[id].start;
            }
            value.labels = value.labels.and(Labels::of(label));
        }
        // One variable of the environment is not the whole of it.
        if written.starts_with("process.env.") || written.starts_with("os.environ.") {
            value.labels = value.labels.without(Labels::of(Label::Environment));
        }
    }

    fn index(&mut self, id: ExprId, base: ExprId, index: ExprId) -> Value {
        let inner = self.eval(base);
        let key = self.eval(index);
        let mut value = inner.within();
        value.constant = inner.constant && key.constant;
        let environment = Labels::of(Label::Environment);
        if !value.labels.common(environment).is_empty() {
            value.labels = value.labels.without(environment);
            if self.unit.literal(index).is_some_and(secret_variable) {
                value.labels = value.labels.and(Labels::of(Label::Secret));
                value.origin = self.unit.exprs[id].start;
            }
        }
        value
    }

    fn join(&mut self, id: ExprId, parts: &'u [ExprId]) -> Value {
        let unit = self.unit;
        let mut all = Value { constant: true, ..Value::default() };
        let mut has_text = false;
        for part in parts {
            let value = self.eval(*part);
            has_text |= !value.constant && value.labels.is_empty() && value.params == 0;
            has_text |= value.text.is_some_and(|text| unit.literal(text).is_some_and(|t| t.trim().len() > 1));
            all.absorb(&value);
        }
        all.mixed |= has_text && !all.constant;
        if has_text && !all.constant {
            all.mixed_labels = all.labels;
            all.mixed_params = all.params;
            all.built_at = Some(id);
        }
        all
    }

    /// Adds where what is in a file comes from, if this unit wrote it. A word of a shell stands for the file.
    fn read_file(&self, name: &str, value: &mut Value) {
        if self.files.is_empty() {
            return;
        }
        if let Some(file) = self.files.get(name.trim_start_matches("./")) {
            value.content = value.content.and(file.labels);
            if value.labels.is_empty() {
                value.origin = file.origin;
            }
            if self.language == Language::Bash {
                value.labels = value.labels.and(file.labels);
            }
        }
    }

    /// Notes what is written to a file, whose name is an expression.
    pub(super) fn write_file(&mut self, name: ExprId, held: &Value) {
        let unit = self.unit;
        let literal = self.eval(name).text.and_then(|text| unit.literal(text));
        let name = literal.unwrap_or_else(|| unit.text(name));
        if !held.labels.is_empty() {
            self.files.entry(name.trim_start_matches("./").to_owned()).or_default().join(held);
        }
    }

    /// Returns where the program of a command in words comes from. What a shell or an interpreter is told to run is
    /// part of it.
    fn program(&mut self, words: &'u [ExprId]) -> Option<(Labels, u64)> {
        let first = *words.first()?;
        let runs_words = self.unit.literal(first).is_some_and(|name| {
            let name = name.rsplit('/').next().unwrap_or(name);
            name.ends_with("sh")
                || name.starts_with("python")
                || matches!(name, "node" | "perl" | "ruby" | "cmd" | "sudo" | "env")
        });
        let parts = if runs_words { words } else { &words[..1] };
        let values = parts.iter().map(|part| self.eval(*part));
        Some(values.fold((Labels::NONE, 0), |(labels, params), value| {
            (labels.and(value.labels).and(value.content), params | value.params)
        }))
    }

    fn dict(&mut self, entries: &'u [(Option<ExprId>, ExprId)]) -> Value {
        let unit = self.unit;
        let mut all = Value { constant: true, ..Value::default() };
        let role = entries.iter().find_map(|(key, value)| {
            let is_role = key.is_some_and(|key| unit.literal(key) == Some("role"));
            is_role.then(|| unit.literal(*value)).flatten()
        });
        for (key, value) in entries {
            let mut value_now = self.eval(*value);
            if let Some(key) = key.and_then(|key| unit.literal(key)) {
                if credential_key(key) {
                    value_now.labels = value_now.labels.without(Labels::of(Label::Secret));
                }
                if key == "content" && role.is_some_and(|role| matches!(role, "user" | "human")) {
                    value_now = value_now.unmixed();
                }
                let name = if key == "content" && role == Some("system") { "system_prompt" } else { key };
                self.keyword_value(name, *value, &value_now);
            }
            all.absorb(&value_now);
        }
        all
    }
}

/// Tells whether a variable of the environment holds a credential, by its name.
fn secret_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["SECRET", "PASSWORD", "PASSWD", "PRIVATE_KEY", "API_KEY", "APIKEY", "ACCESS_KEY", "TOKEN", "CREDENTIAL"]
        .iter()
        .any(|word| name.contains(word))
}

/// Tells whether a key of a request is where a service expects its own credential.
fn credential_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["key", "token", "auth", "secret", "password", "credential", "bearer", "cookie", "client_id"]
        .iter()
        .any(|word| name.contains(word))
}
