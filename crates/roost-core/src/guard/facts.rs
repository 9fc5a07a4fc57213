//! What holds for a subject now, read in the transaction that decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use roost_domain::agent::{Agent, Settings};
use roost_domain::guard::Guard;
use roost_domain::id::AccountId;
use roost_domain::permissions::{Effective, Permissions};
use roost_domain::policy::{Compiled, Policy, Version};
use roost_domain::subject::Subject;
use roost_ports::store::{Kept, Reader};

use crate::Error;

/// The latest versions that were read and made ready, by whose they are. A version never changes, so what stands here
/// stays true. The time is compared too, because a version may be read in a transaction that is never committed:
/// another one will be made under its number then.
#[derive(Default)]
pub(crate) struct Editions(Mutex<Known>);

#[derive(Default)]
struct Known {
    latest: HashMap<(AccountId, Subject, Kept), (Version, Timestamp, Ready)>,
    /// How long the documents of all are together, in bytes.
    bytes: usize,
}

/// How long the documents are together of which the made ready is kept; beyond it all are forgotten and read again.
const MOST_BYTES: usize = 16 << 20;

#[derive(Clone)]
enum Ready {
    Policy(Arc<Compiled>),
    Permissions(Arc<Permissions>),
    Deleted,
}

impl Editions {
    /// Returns what the account's records say about a subject.
    pub(crate) fn guard(
        &self,
        reader: &dyn Reader,
        account: AccountId,
        subject: &Subject,
        swarm: Option<&str>,
    ) -> Result<Guard, Error> {
        let policy = match self.latest(reader, account, subject, Kept::Policy)? {
            Some((version, Ready::Policy(policy))) => Some((version, policy)),
            Some((_, Ready::Permissions(_) | Ready::Deleted)) | None => None,
        };
        let groups = [Some(Subject::account()), swarm.map(Subject::swarm)];
        let mut layers = Vec::new();
        let mut revoked = false;
        for of in groups.into_iter().flatten().filter(|group| group != subject).chain([subject.clone()]) {
            match self.latest(reader, account, &of, Kept::Permissions)? {
                Some((_, Ready::Permissions(permissions))) => {
                    layers.push((of.to_string(), (*permissions).clone()));
                }
                Some((_, Ready::Deleted)) if of == *subject => revoked = true,
                Some((_, Ready::Policy(_) | Ready::Deleted)) | None => {}
            }
        }
        Ok(Guard { policy, permissions: Effective::new(layers), revoked })
    }

    /// Returns what the account's records say about an agent that is hosted here.
    pub(crate) fn hosted(&self, reader: &dyn Reader, agent: &Agent) -> Result<Guard, Error> {
        let swarm = agent.swarm.map(|id| reader.swarm(agent.account, id)).transpose()?.flatten();
        let slug = swarm.as_ref().map(|swarm| swarm.slug.as_str());
        self.guard(reader, agent.account, &Subject::hosted(agent.id), slug)
    }

    fn latest(
        &self,
        reader: &dyn Reader,
        account: AccountId,
        subject: &Subject,
        kept: Kept,
    ) -> Result<Option<(Version, Ready)>, Error> {
        let Some((version, at)) = reader.latest_version(account, subject, kept)? else { return Ok(None) };
        let key = (account, subject.clone(), kept);
        if let Some((known, made, ready)) =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).latest.get(&key)
            && (*known, *made) == (version, at)
        {
            return Ok(Some((version, ready.clone())));
        }
        let edition = reader.edition(account, subject, kept, Some(version))?;
        let document = edition.and_then(|edition| edition.document);
        let bytes = document.as_ref().map_or(0, |document| document.to_string().len()) + 500;
        let ready = match document {
            None => Ready::Deleted,
            Some(document) => match kept {
                Kept::Policy => {
                    let policy = Policy::read(&document, subject).map_err(Error::internal)?;
                    Ready::Policy(Arc::new(Compiled::new(policy)))
                }
                Kept::Permissions => {
                    let permissions = Permissions::read(&document, subject).map_err(Error::internal)?;
                    Ready::Permissions(Arc::new(permissions))
                }
            },
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What a newer version takes the place of is counted until all are forgotten, which errs on the safe side.
        known.bytes += bytes;
        if known.bytes > MOST_BYTES {
            *known = Known { bytes, ..Known::default() };
        }
        known.latest.insert(key, (version, at, ready.clone()));
        Ok(Some((version, ready)))
    }
}

/// Returns the agent's settings with what its permissions make of them: where it may connect to.
pub(crate) fn confined(settings: Settings, guard: &Guard) -> Settings {
    let (deny, confine) = guard.permissions.hosts();
    let mut network = settings.network;
    network.deny.extend(deny);
    // Nothing but these sets a confinement.
    network.confine = confine;
    Settings { network, ..settings }
}
