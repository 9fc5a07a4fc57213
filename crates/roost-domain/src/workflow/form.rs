use serde_json::Value;

/// One thing that a form asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name in the answer: `[A-Za-z][A-Za-z0-9_]{0,62}`.
    pub name: String,
    /// What people read.
    pub label: String,
    /// What is explained below.
    pub help: Option<String>,
    /// What is asked for.
    pub kind: FieldKind,
    /// Whether it has to be answered.
    pub required: bool,
    /// What is filled in already.
    pub default: Option<Value>,
}

/// What a field asks for, and what holds for its answer.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    /// One line.
    Text {
        /// The most characters.
        max_length: u32,
        /// A regular expression that the whole text matches.
        pattern: Option<String>,
    },
    /// Several lines.
    LongText {
        /// The most characters.
        max_length: u32,
    },
    /// A number.
    Number {
        /// The smallest.
        min: Option<f64>,
        /// The largest.
        max: Option<f64>,
        /// Whether it has to be whole.
        whole: bool,
    },
    /// Yes or no.
    Boolean,
    /// One of several.
    Choice {
        /// Of these.
        options: Vec<Choice>,
    },
    /// Any number of several.
    MultiChoice {
        /// Of these.
        options: Vec<Choice>,
    },
    /// A day: `2026-11-30`.
    Date,
    /// An e-mail address.
    Email,
    /// A URL, of `http` or `https`.
    Url,
    /// A file.
    File {
        /// The most bytes.
        max_bytes: u64,
        /// Media types that are taken, `image/*` included; empty takes all.
        accept: Vec<String>,
    },
}

/// One thing that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the answer holds.
    pub value: String,
    /// What people read.
    pub label: String,
}

impl FieldKind {
    /// Returns its name in configurations and on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::LongText { .. } => "long-text",
            Self::Number { .. } => "number",
            Self::Boolean => "boolean",
            Self::Choice { .. } => "choice",
            Self::MultiChoice { .. } => "multi-choice",
            Self::Date => "date",
            Self::Email => "email",
            Self::Url => "url",
            Self::File { .. } => "file",
        }
    }
}
