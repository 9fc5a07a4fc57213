//! What a script's texts take from the conversation.

use regex::Captures;
use serde_json::Value;

/// The most of a tool's result that is inserted, in characters.
const MAX_RESULT: usize = 2_000;

/// What can be inserted.
pub(super) struct Source<'a> {
    /// The groups of the rule that matched; `None` in `turns` and `default`, where `$` is a plain character.
    pub(super) captures: Option<&'a Captures<'a>>,
    /// The peer's last message.
    pub(super) user: &'a str,
    /// The last tool result; empty before the first.
    pub(super) result: &'a str,
}

impl Source<'_> {
    /// Fills in `$1`, `${name}`, `$$`, `{{user}}` and `{{result}}`. One pass: what is inserted is not read again.
    pub(super) fn text(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(at) = rest.find(['$', '{']) {
            text.push_str(&rest[..at]);
            rest = &rest[at..];
            let (inserted, used) = self.insert(rest);
            text.push_str(&inserted);
            rest = &rest[used..];
        }
        text.push_str(rest);
        text
    }

    /// Fills in every text within a value; keys stay as they are.
    pub(super) fn value(&self, template: &Value) -> Value {
        if let Some(text) = template.as_str() {
            return Value::String(self.text(text));
        }
        if let Some(items) = template.as_array() {
            return Value::Array(items.iter().map(|item| self.value(item)).collect());
        }
        if let Some(map) = template.as_object() {
            return Value::Object(map.iter().map(|(key, value)| (key.clone(), self.value(value))).collect());
        }
        template.clone()
    }

    /// Returns what stands for the beginning of `rest`, which is a `$` or a `{`, and how much of it that takes.
    fn insert(&self, rest: &str) -> (String, usize) {
        for (mark, inserted) in [("{{result}}", cut(self.result)), ("{{user}}", self.user.to_owned())] {
            if rest.starts_with(mark) {
                return (inserted, mark.len());
            }
        }
        if let (Some(captures), Some(after)) = (self.captures, rest.strip_prefix('$')) {
            if after.starts_with('$') {
                return ("$".to_owned(), 2);
            }
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            if let Ok(number) = after[..digits].parse::<usize>() {
                return (captures.get(number).map_or("", |group| group.as_str()).to_owned(), digits + 1);
            }
            if let Some((name, _)) = after.strip_prefix('{').and_then(|after| after.split_once('}')) {
                let group = captures.name(name).map_or("", |group| group.as_str());
                return (group.to_owned(), name.len() + 3);
            }
        }
        (rest[..1].to_owned(), 1)
    }
}

fn cut(result: &str) -> String {
    match result.char_indices().nth(MAX_RESULT) {
        Some((end, _)) => format!("{}…", &result[..end]),
        None => result.to_owned(),
    }
}
