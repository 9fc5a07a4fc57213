//! What can be in a value.

use crate::label::Labels;
use crate::unit::ExprId;

/// What is known of a value.
#[derive(Debug, Clone, Default)]
pub(super) struct Value {
    /// Where it comes from.
    pub(super) labels: Labels,
    /// Which parameters of the function it comes from, a bit for each.
    pub(super) params: u64,
    /// Where in the source its first label was put on.
    pub(super) origin: usize,
    /// It is text of the program's own with something else in it.
    pub(super) mixed: bool,
    /// Where what was mixed into text comes from.
    pub(super) mixed_labels: Labels,
    /// Which parameters were mixed into text.
    pub(super) mixed_params: u64,
    /// Of a command in words: where the program that is run comes from.
    pub(super) program: Option<(Labels, u64)>,
    /// The expression that mixed it.
    pub(super) built_at: Option<ExprId>,
    /// It is written out, all of it.
    pub(super) constant: bool,
    /// The written-out text that it is.
    pub(super) text: Option<ExprId>,
    /// The path of the call, import or member that made it.
    pub(super) path: Option<Box<str>>,
    /// It is the name of a file, and this is where what is in the file comes from.
    pub(super) content: Labels,
    /// The argument of `open` that made it.
    pub(super) opens: Option<ExprId>,
}

impl Value {
    pub(super) fn constant(id: ExprId) -> Self {
        Self { constant: true, text: Some(id), ..Self::default() }
    }

    /// Returns what a part of it may be.
    pub(super) fn within(&self) -> Self {
        Self {
            text: None,
            path: None,
            opens: None,
            built_at: None,
            program: None,
            content: Labels::NONE,
            ..self.clone()
        }
    }

    /// Returns it as it is when nothing shows that it was mixed into text.
    pub(super) fn unmixed(self) -> Self {
        Self { mixed: false, mixed_labels: Labels::NONE, mixed_params: 0, built_at: None, ..self }
    }

    /// It may also be the other value.
    pub(super) fn join(&mut self, other: &Self) {
        if self.path.is_none() {
            self.path.clone_from(&other.path);
        }
        self.opens = self.opens.or(other.opens);
        self.text = self.text.or(other.text);
        self.program = self.program.or(other.program);
        self.content = self.content.and(other.content);
        let constant = (self.constant || self.is_nothing()) && other.constant;
        self.take_origins(other);
        self.constant = constant;
    }

    /// The other value is a part of it.
    pub(super) fn absorb(&mut self, other: &Self) {
        let constant = self.constant && other.constant;
        self.take_origins(other);
        self.constant = constant;
    }

    fn take_origins(&mut self, other: &Self) {
        if self.labels.is_empty() {
            self.origin = other.origin;
        }
        self.labels = self.labels.and(other.labels);
        self.params |= other.params;
        self.mixed |= other.mixed;
        self.mixed_labels = self.mixed_labels.and(other.mixed_labels);
        self.mixed_params |= other.mixed_params;
        self.built_at = self.built_at.or(other.built_at);
    }

    fn is_nothing(&self) -> bool {
        self.labels.is_empty()
            && self.params == 0
            && !self.mixed
            && self.path.is_none()
            && self.text.is_none()
    }
}
