use jiff::Timestamp;
use roost_domain::id::AccountId;
use roost_domain::key::{Key, Scope};

use crate::Error;

/// Who asks, on whose behalf, when, and for how long. The first argument of every use case.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// Who asks.
    pub principal: Principal,
    /// Names the request in logs and answers.
    pub request_id: String,
    /// When the request came; the time of everything it does.
    pub now: Timestamp,
    /// When its caller stops waiting.
    pub deadline: Timestamp,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Whoever holds an API key.
    Key(Key),
    /// The server's owner, on the command line of the machine itself.
    Owner(AccountId),
}

impl Ctx {
    /// Returns the account on whose behalf is asked.
    pub const fn account(&self) -> AccountId {
        match &self.principal {
            Principal::Key(key) => key.account,
            Principal::Owner(account) => *account,
        }
    }

    /// Returns who asks, as records name them.
    pub fn who(&self) -> &str {
        match &self.principal {
            Principal::Key(key) => &key.name,
            Principal::Owner(_) => "owner",
        }
    }

    /// Checks that the caller may do what `scope` names.
    ///
    /// # Errors
    ///
    /// `Forbidden` with the scope that is missing.
    pub fn require(&self, scope: Scope) -> Result<(), Error> {
        match &self.principal {
            Principal::Key(key) if !key.allows(scope) => Err(Error::forbidden(
                "missing_scope",
                format!(
                    "this key lacks the scope {scope}; create one that has it (roost keys create --scope {scope})"
                ),
            )),
            Principal::Key(_) | Principal::Owner(_) => Ok(()),
        }
    }
}
