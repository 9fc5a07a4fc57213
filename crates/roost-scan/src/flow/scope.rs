//! What each name holds at a place: layers, one for each block that may not be walked.

use std::collections::HashMap;

use super::value::Value;
use crate::label::Labels;

/// What one block wrote.
pub(super) type Layer<'a> = HashMap<&'a str, Value>;

#[derive(Debug)]
pub(super) struct Scopes<'a> {
    layers: Vec<Layer<'a>>,
}

impl Default for Scopes<'_> {
    fn default() -> Self {
        Self { layers: vec![HashMap::new()] }
    }
}

impl<'a> Scopes<'a> {
    pub(super) fn push(&mut self) {
        self.layers.push(HashMap::new());
    }

    pub(super) fn pop(&mut self) -> Layer<'a> {
        self.layers.pop().unwrap_or_default()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.layers.iter().rev().find_map(|layer| layer.get(name))
    }

    pub(super) fn set(&mut self, name: &'a str, value: Value) {
        if let Some(layer) = self.layers.last_mut() {
            layer.insert(name, value);
        }
    }

    /// What a name holds may also be this.
    pub(super) fn add(&mut self, name: &'a str, value: &Value) {
        let mut now = self.get(name).cloned().unwrap_or_default();
        now.join(value);
        self.set(name, now);
    }

    /// What a name holds was checked.
    pub(super) fn clean(&mut self, name: &'a str) {
        if let Some(value) = self.get(name).cloned() {
            self.set(name, Value { labels: Labels::NONE, params: 0, mixed: false, ..value });
        }
    }

    /// Takes over what the arms of a branch wrote. If one of them was taken `for_certain`, a name that all of them
    /// wrote holds nothing else any more.
    pub(super) fn merge(&mut self, arms: Vec<Layer<'a>>, for_certain: bool) {
        let count = arms.len();
        let mut joined: HashMap<&'a str, (Value, usize)> = HashMap::new();
        for (name, value) in arms.into_iter().flatten() {
            match joined.get_mut(name) {
                Some((now, writers)) => {
                    now.join(&value);
                    *writers += 1;
                }
                None => {
                    joined.insert(name, (value, 1));
                }
            }
        }
        for (name, (mut value, writers)) in joined {
            if !(for_certain && writers == count)
                && let Some(before) = self.get(name)
            {
                let before = before.clone();
                value.join(&before);
            }
            self.set(name, value);
        }
    }
}
