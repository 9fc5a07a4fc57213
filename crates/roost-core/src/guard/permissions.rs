use roost_domain::agent::Settings;
use roost_domain::guard::Guard;
use roost_domain::id::{AccountId, AgentId};
use roost_domain::key::Scope;
use roost_domain::machine::Condition;
use roost_domain::page::Limit;
use roost_domain::permissions::{Patch, Permissions};
use roost_domain::policy::Version;
use roost_domain::subject::Subject;
use roost_ports::store::{AgentFilter, Edition, Kept, Reader, Writer};
use serde_json::Value;

use super::policies::journal;
use super::{PermissionSets, check_subject, invalid};
use crate::{Ctx, Error, Kind};

/// How permissions are to be changed.
#[derive(Debug, Clone)]
pub enum ChangePermissions {
    /// Made, where there are none.
    Create(Value),
    /// Replaced, or made; fields left out are empty.
    Replace(Value),
    /// Changed entry by entry; see [`Patch`].
    Patch(Value),
    /// Taken away: the agent may do nothing until it gets new ones.
    Delete,
}

impl PermissionSets<'_> {
    /// Returns a subject's own permissions: one version of them, or those that hold.
    ///
    /// # Errors
    ///
    /// `NotFound` with the code `permissions_not_found`.
    pub async fn get(&self, ctx: &Ctx, subject: Subject, version: Option<Version>) -> Result<Edition, Error> {
        ctx.require(Scope::Policy)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            check_subject(reader, account, &subject)?;
            let edition = reader.edition(account, &subject, Kept::Permissions, version)?;
            let there = edition.filter(|edition| edition.document.is_some() || version.is_some());
            there.ok_or_else(|| not_found(&subject))
        };
        self.0.ports.store.read(read).await
    }

    /// Returns the versions of a subject's permissions, newest first, deletions included.
    ///
    /// # Errors
    ///
    /// `NotFound` with the code `permissions_not_found` if there never were any.
    pub async fn versions(&self, ctx: &Ctx, subject: Subject, limit: Limit) -> Result<Vec<Edition>, Error> {
        ctx.require(Scope::Policy)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            check_subject(reader, account, &subject)?;
            let editions = reader.editions(account, &subject, Kept::Permissions, limit)?;
            if editions.is_empty() { Err(not_found(&subject)) } else { Ok(editions) }
        };
        self.0.ports.store.read(read).await
    }

    /// Changes a subject's permissions. Every decision after the answer goes by them; machines of agents whose hosts
    /// or files change by it are ended, so that what runs in them next runs under the new ones.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the place in the document; `AlreadyExists` and
    /// `NotFound` with the code `permissions_not_found`. Nothing changes then.
    pub async fn change(
        &self,
        ctx: &Ctx,
        subject: Subject,
        change: ChangePermissions,
    ) -> Result<Edition, Error> {
        ctx.require(Scope::Policy)?;
        let (held, ctx, of) = (ctx.clone(), ctx, subject.clone());
        let before = self.running(ctx.account(), &subject).await?;
        let write = move |writer: &mut dyn Writer| {
            let (ctx, subject) = (held, of);
            let account = ctx.account();
            check_subject(writer, account, &subject)?;
            let latest = writer.edition(account, &subject, Kept::Permissions, None)?;
            let document = changed(&subject, latest.as_ref(), change)?;
            let edition = Edition {
                version: latest.map_or(Version::FIRST, |latest| latest.version.next()),
                document,
                at: ctx.now,
                by: ctx.who().to_owned(),
            };
            writer.insert_edition(account, &subject, Kept::Permissions, &edition)?;
            journal(writer, &ctx, &subject, "permissions")?;
            Ok::<_, Error>(edition)
        };
        let edition = self.0.ports.store.write(write).await?;
        let after = self.running(ctx.account(), &subject).await?;
        for (agent, guard) in before {
            let now = after.iter().find(|(other, _)| *other == agent).map(|(_, guard)| guard);
            if now.is_none_or(|now| reach(now) != reach(&guard)) {
                self.0.ports.machines.stop(agent).await?;
            }
        }
        if let Some(agent) = subject.agent() {
            self.0.hub.tick(agent.journal());
        }
        Ok(edition)
    }

    /// Returns the agents whose machines are up and that go by a subject's permissions, with what holds for them.
    async fn running(&self, account: AccountId, subject: &Subject) -> Result<Vec<(AgentId, Guard)>, Error> {
        const PAGE: Limit = Limit::clamped(200, 200);
        let (core, subject) = (self.0.clone(), subject.clone());
        let read = move |reader: &dyn Reader| {
            let mut found = Vec::new();
            let mut consider = |agent: &roost_domain::agent::Agent| {
                if core.ports.machines.condition(agent.id) == Condition::Absent {
                    return Ok::<_, Error>(());
                }
                let settings = Settings::read(&agent.config)?;
                let inherits = match subject.is_group() {
                    false => agent.id.to_string() == subject.as_str(),
                    true => {
                        subject == Subject::account()
                            || settings.swarm.as_deref().is_some_and(|name| Subject::swarm(name) == subject)
                    }
                };
                if inherits {
                    found.push((agent.id, core.editions.hosted(reader, account, agent.id, &settings)?));
                }
                Ok(())
            };
            if let Some(id) = subject.agent() {
                reader.agent(account, id)?.iter().try_for_each(&mut consider)?;
            } else if subject.is_group() {
                let mut after = None;
                loop {
                    let page = reader.agents(account, &AgentFilter::default(), after, PAGE)?;
                    page.rows.iter().try_for_each(&mut consider)?;
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
            Ok::<_, Error>(found)
        };
        self.0.ports.store.read(read).await
    }
}

/// What of permissions a machine holds to.
fn reach(guard: &Guard) -> impl PartialEq + use<> {
    (guard.permissions.hosts(), guard.permissions.files())
}

fn changed(
    subject: &Subject,
    latest: Option<&Edition>,
    change: ChangePermissions,
) -> Result<Option<Value>, Error> {
    let there = latest.and_then(|latest| latest.document.as_ref());
    let read = |document: &Value| Permissions::read(document, subject).map_err(invalid);
    Ok(match change {
        ChangePermissions::Create(document) => {
            let permissions = read(&document)?;
            if there.is_some() {
                let message = format!("there are permissions for {subject} already; PUT replaces them");
                return Err(Error::new(Kind::AlreadyExists, "permissions_exist", message));
            }
            Some(permissions.to_document())
        }
        ChangePermissions::Replace(document) => Some(read(&document)?.to_document()),
        ChangePermissions::Patch(document) => {
            let before = read(there.ok_or_else(|| not_found(subject))?)?;
            let after = Patch::new(document).apply(before).map_err(invalid)?;
            Some(after.to_document())
        }
        ChangePermissions::Delete => {
            there.ok_or_else(|| not_found(subject))?;
            None
        }
    })
}

fn not_found(subject: &Subject) -> Error {
    let message = format!("there are no permissions for {subject}; POST or PUT some");
    Error::new(Kind::NotFound, "permissions_not_found", message)
}
