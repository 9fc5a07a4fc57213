use std::fmt;
use std::time::Duration;

use roost_domain::agent::{InvalidSetting, InvalidTransition};
use roost_domain::approval::CannotDecide;
use roost_ports::{machine, model, store, vault, wasm};

/// What kind of thing went wrong; decides the status on every face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is wrong in itself.
    InvalidInput,
    /// There is no such thing, or it is another account's.
    NotFound,
    /// There is such a thing already.
    AlreadyExists,
    /// Something changed meanwhile.
    Conflict,
    /// The thing is not in a state for this.
    InvalidState,
    /// Nobody knows who asks.
    Unauthenticated,
    /// Who asks may not do this.
    Forbidden,
    /// A person has to approve first.
    ApprovalRequired,
    /// A plan, budget or bound is used up.
    QuotaExceeded,
    /// What was sent is too large.
    TooLarge,
    /// Too many requests.
    RateLimited,
    /// Something it needs is not there right now.
    Unavailable,
    /// It took too long.
    Timeout,
    /// Somebody stopped it.
    Cancelled,
    /// Roost failed.
    Internal,
}

/// Why a use case did not do what was asked. Whatever it is, nothing is half done.
pub struct Error {
    kind: Kind,
    code: &'static str,
    public: String,
    retry_after: Option<Duration>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error with what everyone may read.
    pub fn new(kind: Kind, code: &'static str, public: impl Into<String>) -> Self {
        Self { kind, code, public: public.into(), retry_after: None, source: None }
    }

    /// Makes an `InvalidInput` that names the field and what would be right.
    pub fn invalid(field: &str, problem: impl fmt::Display) -> Self {
        Self::new(Kind::InvalidInput, "invalid_request", format!("{field} {problem}"))
    }

    /// Makes a `NotFound`.
    pub fn not_found(what: &str, id: impl fmt::Display) -> Self {
        Self::new(Kind::NotFound, "not_found", format!("there is no {what} {id}"))
    }

    /// Makes a `Forbidden`.
    pub fn forbidden(code: &'static str, public: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, code, public)
    }

    /// Makes an `Internal` that says nothing of its cause to the caller and all of it to the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                Kind::Internal,
                "internal",
                "something went wrong inside the server; its log says what",
            )
        }
    }

    /// Adds the cause, which only the log will show.
    #[must_use]
    pub fn caused_by(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// Adds when it may help to ask again.
    #[must_use]
    pub const fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Returns what kind of thing went wrong.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the stable code, explained in `docs/errors.md`.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Returns what everyone may read.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// Returns when it may help to ask again.
    pub const fn after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.public)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("public", &self.public)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Says what went wrong with its causes, in one line for people.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Exists { what } => Self::new(
                Kind::AlreadyExists,
                "already_exists",
                format!("there is already a {what} like this"),
            ),
            store::Error::Overloaded => Self::new(
                Kind::Unavailable,
                "overloaded",
                "the server has too much to write; ask again in a moment",
            )
            .retry_after(Duration::from_secs(1))
            .caused_by(error),
            store::Error::Closed => {
                Self::new(Kind::Unavailable, "shutting_down", "the server is shutting down").caused_by(error)
            }
            store::Error::Corrupt { .. } | store::Error::Panicked | store::Error::Database { .. } => {
                Self::internal(error)
            }
        }
    }
}

impl From<machine::Error> for Error {
    fn from(error: machine::Error) -> Self {
        match error {
            machine::Error::CannotStart { .. } => {
                Self::new(Kind::Unavailable, "machine_cannot_start", error.to_string()).caused_by(error)
            }
            machine::Error::NoSpace { .. } => Self::new(
                Kind::Unavailable,
                "no_space",
                "there is no space left on the server's disk; nothing was changed",
            )
            .caused_by(error),
            machine::Error::Gone
            | machine::Error::NotFound { .. }
            | machine::Error::Outside { .. }
            | machine::Error::Denied { .. }
            | machine::Error::WrongKind { .. }
            | machine::Error::BadPattern { .. }
            | machine::Error::NoSnapshot(_)
            | machine::Error::NotPermitted
            | machine::Error::Host { .. } => Self::internal(error),
        }
    }
}

impl From<wasm::Error> for Error {
    fn from(error: wasm::Error) -> Self {
        Self::internal(error)
    }
}

impl From<model::Error> for Error {
    fn from(error: model::Error) -> Self {
        let kind = match &error {
            model::Error::UnknownModel { .. } | model::Error::NoKey { .. } => Kind::InvalidInput,
            model::Error::Auth { .. }
            | model::Error::RateLimited { .. }
            | model::Error::Refused { .. }
            | model::Error::Failed { .. }
            | model::Error::Unreachable { .. }
            | model::Error::Timeout { .. }
            | model::Error::Broken { .. }
            | model::Error::Runtime { .. }
            | model::Error::OutcomeUnknown { .. }
            | model::Error::Nonsense { .. } => Kind::Unavailable,
        };
        Self::new(kind, error.code(), error.to_string()).caused_by(error)
    }
}

impl From<vault::Unreadable> for Error {
    fn from(error: vault::Unreadable) -> Self {
        Self::internal(error)
    }
}

impl From<InvalidTransition> for Error {
    fn from(error: InvalidTransition) -> Self {
        Self::new(Kind::InvalidState, "invalid_state", error.to_string())
    }
}

impl From<InvalidSetting> for Error {
    fn from(error: InvalidSetting) -> Self {
        Self::new(Kind::InvalidInput, "invalid_request", error.to_string())
    }
}

impl From<CannotDecide> for Error {
    fn from(error: CannotDecide) -> Self {
        let code = match error {
            CannotDecide::Already(_) => "approval_decided",
            CannotDecide::TooLate(_) => "approval_expired",
            CannotDecide::SameAgain(_) | CannotDecide::SameKey => "approver_counted",
            CannotDecide::NotYours(_) => "approval_passed_on",
            CannotDecide::Escalated => "approval_escalated",
        };
        Self::new(Kind::Conflict, code, error.to_string())
    }
}
