use serde_json::{Map, Value, json};

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

impl Field {
    /// Returns it as a configuration has it, for whoever is to fill it in.
    pub fn describe(&self) -> Value {
        let mut told = Map::new();
        let mut tell = |key: &str, value: Value| drop(told.insert(key.to_owned(), value));
        tell("name", self.name.clone().into());
        tell("label", self.label.clone().into());
        tell("type", self.kind.name().into());
        tell("required", self.required.into());
        self.help.iter().for_each(|help| tell("help", help.clone().into()));
        self.default.iter().for_each(|default| tell("default", default.clone()));
        match &self.kind {
            FieldKind::Text { max_length, pattern } => {
                tell("max_length", (*max_length).into());
                pattern.iter().for_each(|pattern| tell("pattern", pattern.clone().into()));
            }
            FieldKind::LongText { max_length } => tell("max_length", (*max_length).into()),
            FieldKind::Number { min, max, whole } => {
                min.iter().for_each(|min| tell("min", (*min).into()));
                max.iter().for_each(|max| tell("max", (*max).into()));
                tell("whole", (*whole).into());
            }
            FieldKind::Choice { options } | FieldKind::MultiChoice { options } => {
                let told = options.iter().map(|one| json!({"value": one.value, "label": one.label}));
                tell("options", told.collect());
            }
            FieldKind::File { max_bytes, accept } => {
                tell("max_bytes", (*max_bytes).into());
                tell("accept", accept.clone().into());
            }
            FieldKind::Boolean | FieldKind::Date | FieldKind::Email | FieldKind::Url => {}
        }
        Value::Object(told)
    }
}
