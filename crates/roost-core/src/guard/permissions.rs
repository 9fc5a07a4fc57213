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
        let (held, of) = (ctx.clone(), subject.clone());
        let write = move |writer: &mut dyn Writer| {
            let (ctx, subject) = (held, of);
            let account = ctx.account();
            check_subject(writer, account, &subject)?;
            let latest = writer.edition(account, &subject, Kept::Permissions, None)?;
            let document = changed(&subject, latest.as_ref(), change)?;
            let before = latest.as_ref().and_then(|latest| latest.document.as_ref());
            // Where all is taken away, nothing may go on.
            let machines_change =
                document.is_none() || reach(&subject, before)? != reach(&subject, document.as_ref())?;
            let edition = Edition {
                version: latest.map_or(Version::FIRST, |latest| latest.version.next()),
                document,
                at: ctx.now,
                by: ctx.who().to_owned(),
            };
            writer.insert_edition(account, &subject, Kept::Permissions, &edition)?;
            journal(writer, &ctx, &subject, "permissions")?;
            Ok::<_, Error>((edition, machines_change))
        };
        let (edition, machines_change) = self.0.ports.store.write(write).await?;
        if machines_change {
            self.end_machines(ctx.account(), &subject).await?;
        }
        if let Some(agent) = subject.agent() {
            self.0.hub.tick(agent.journal());
        }
        Ok(edition)
    }

    /// Ends the machines of all agents that go by a subject's permissions, so that what runs in them next runs under
    /// the new ones. Tries all, whatever becomes of one.
    async fn end_machines(&self, account: AccountId, subject: &Subject) -> Result<(), Error> {
        let mut outcome = Ok(());
        for agent in self.members(account, subject).await? {
            if let Err(error) = self.0.ports.machines.stop(agent).await {
                tracing::error!(%agent, %error, "a machine whose permissions changed does not end");
                outcome = Err(error.into());
            }
        }
        outcome
    }

    /// Returns the agents that go by a subject's permissions and whose machines are up.
    async fn members(&self, account: AccountId, subject: &Subject) -> Result<Vec<AgentId>, Error> {
        const PAGE: Limit = Limit::clamped(200, 200);
        if let Some(agent) = subject.agent() {
            return Ok(vec![agent]);
        }
        if !subject.is_group() {
            return Ok(Vec::new());
        }
        let (core, subject) = (self.0.clone(), subject.clone());
        let read = move |reader: &dyn Reader| {
            let (mut members, mut after) = (Vec::new(), None);
            let swarm = match subject.as_str().strip_prefix("swarm:") {
                Some(slug) => match reader.swarm_by_slug(account, slug)? {
                    Some(swarm) => Some(swarm.id),
                    None => return Ok(members),
                },
                None => None,
            };
            let filter = AgentFilter { swarm, ..AgentFilter::default() };
            loop {
                let page = reader.agents(account, &filter, after, PAGE)?;
                for agent in page.rows {
                    if core.ports.machines.condition(agent.id) == Condition::Absent {
                        continue;
                    }
                    members.push(agent.id);
                }
                after = page.next;
                if after.is_none() {
                    return Ok::<_, Error>(members);
                }
            }
        };
        self.0.ports.store.read(read).await
    }
}

/// What of permissions a machine holds to. None at all are as good as empty ones.
fn reach(subject: &Subject, document: Option<&Value>) -> Result<impl PartialEq + use<>, Error> {
    let read = |document: &Value| Permissions::read(document, subject).map_err(Error::internal);
    let permissions = document.map(read).transpose()?.unwrap_or_default();
    Ok((permissions.network, permissions.data))
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
