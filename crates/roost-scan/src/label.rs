//! Where a value comes from: labels that the flow carries from sources to sinks.

use serde::Deserialize;

/// One origin of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Label {
    /// What a person or a client of the program wrote.
    User,
    /// What a caller passes under a name that says it is a question.
    Asked,
    /// What another host answered.
    Network,
    /// What a model wrote, or chose as the argument of a tool.
    Model,
    /// What was found in a memory, an index or a database.
    Memory,
    /// What is in a file.
    File,
    /// The arguments of the program.
    Argument,
    /// A file that holds keys.
    KeyFile,
    /// A variable of the environment that holds a credential.
    Secret,
    /// The whole environment.
    Environment,
    /// What was decoded from a form that hides it.
    Decoded,
    /// A connection.
    Socket,
    /// What a prompt says to a model.
    Instruction,
    /// A running shell.
    Shell,
}

impl Label {
    pub(crate) const ALL: [Self; 14] = [
        Self::Environment,
        Self::KeyFile,
        Self::Secret,
        Self::User,
        Self::Asked,
        Self::Model,
        Self::Network,
        Self::Memory,
        Self::File,
        Self::Argument,
        Self::Decoded,
        Self::Socket,
        Self::Instruction,
        Self::Shell,
    ];

    /// Returns it as part of a sentence.
    pub(crate) const fn phrase(self) -> &'static str {
        match self {
            Self::User | Self::Asked => "input from outside",
            Self::Network => "what another host sent",
            Self::Model => "what the model wrote",
            Self::Memory => "what was found in a memory or index",
            Self::File => "what is in a file",
            Self::Argument => "an argument of the program",
            Self::KeyFile => "a file that holds keys",
            Self::Secret => "a secret",
            Self::Environment => "the whole environment",
            Self::Decoded => "what was encoded to hide it",
            Self::Socket => "a network connection",
            Self::Instruction => "a prompt",
            Self::Shell => "a running shell",
        }
    }
}

/// A set of labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Labels(u16);

impl Labels {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn of(label: Label) -> Self {
        Self(1 << label as u16)
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the one worth telling about.
    pub(crate) fn first(self) -> Option<Label> {
        Label::ALL.into_iter().find(|label| !self.common(Self::of(*label)).is_empty())
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        labels.into_iter().fold(Self::NONE, |all, label| all.and(Self::of(label)))
    }
}
