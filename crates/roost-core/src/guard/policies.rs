use roost_domain::event::Journal;
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::policy::{Policy, Problem, Version, check};
use roost_domain::subject::Subject;
use roost_ports::store::{Edition, Kept, Reader, Writer};
use serde_json::Value;

use super::{Policies, check_subject, invalid};
use crate::{Core, Ctx, Error, Kind, log};

/// A policy to be put in force.
#[derive(Debug, Clone)]
pub struct PutPolicy {
    /// Whose.
    pub subject: Subject,
    /// What it says; see [`Policy`].
    pub document: Value,
    /// Whether a policy with problems is refused instead of put in force with warnings.
    pub strict: bool,
    /// Whether it is only checked, and nothing changes.
    pub dry_run: bool,
}

/// One version of a policy.
#[derive(Debug, Clone)]
pub struct PolicyView {
    /// Whose.
    pub subject: Subject,
    /// The version, with its document in full.
    pub edition: Edition,
    /// What is odd about it.
    pub problems: Vec<Problem>,
}

impl Policies<'_> {
    /// Returns a policy: one version of it, or the one that is in force.
    ///
    /// # Errors
    ///
    /// `NotFound` with the code `no_policy_found`.
    pub async fn get(
        &self,
        ctx: &Ctx,
        subject: Subject,
        version: Option<Version>,
    ) -> Result<PolicyView, Error> {
        ctx.require(Scope::Policy)?;
        let (core, account) = (self.0.clone(), ctx.account());
        let read = move |reader: &dyn Reader| {
            check_subject(reader, account, &subject)?;
            let edition = reader.edition(account, &subject, Kept::Policy, version)?;
            let edition = edition.ok_or_else(|| not_found(&subject, version))?;
            let policy = stored(&edition, &subject)?;
            let problems = check(&policy, core.tools_of(reader, account, &subject)?.as_deref());
            Ok(PolicyView { subject, edition, problems })
        };
        self.0.ports.store.read(read).await
    }

    /// Returns the versions of a policy, newest first.
    ///
    /// # Errors
    ///
    /// `NotFound` with the code `no_policy_found` if there never was one.
    pub async fn versions(&self, ctx: &Ctx, subject: Subject, limit: Limit) -> Result<Vec<Edition>, Error> {
        ctx.require(Scope::Policy)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            check_subject(reader, account, &subject)?;
            let editions = reader.editions(account, &subject, Kept::Policy, limit)?;
            if editions.is_empty() { Err(not_found(&subject, None)) } else { Ok(editions) }
        };
        self.0.ports.store.read(read).await
    }

    /// Puts a policy in force: every decision after the answer goes by it. The version before stays in the history.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the place in the document; nothing changes then.
    pub async fn put(&self, ctx: &Ctx, put: PutPolicy) -> Result<PolicyView, Error> {
        ctx.require(Scope::Policy)?;
        if put.subject.is_group() {
            let problem = "names a group, and policies are for one agent; give the group permissions instead";
            return Err(Error::invalid("agent_id", problem));
        }
        // A long policy takes a while to be made ready.
        let (document, of) = (put.document, put.subject.clone());
        let read = move || Policy::read(&document, &of).map_err(invalid);
        let policy = tokio::task::spawn_blocking(read).await.map_err(Error::internal)??;
        let (core, ctx, subject) = (self.0.clone(), ctx.clone(), put.subject.clone());
        let write = move |writer: &mut dyn Writer| {
            let account = ctx.account();
            check_subject(writer, account, &subject)?;
            let problems = check(&policy, core.tools_of(writer, account, &subject)?.as_deref());
            if let (true, Some(problem)) = (put.strict, problems.first()) {
                let message = format!("{}: {} ({})", problem.path, problem.message, problem.kind.name());
                return Err(Error::new(Kind::InvalidInput, "policy_has_problems", message));
            }
            let latest = writer.latest_version(account, &subject, Kept::Policy)?;
            let edition = Edition {
                version: latest.map_or(Version::FIRST, |(version, _)| version.next()),
                document: Some(policy.to_document()),
                at: ctx.now,
                by: ctx.who().to_owned(),
            };
            if !put.dry_run {
                writer.insert_edition(account, &subject, Kept::Policy, &edition)?;
                journal(writer, &ctx, &subject, "policy")?;
            }
            Ok(PolicyView { subject, edition, problems })
        };
        let view = self.0.ports.store.write(write).await?;
        if let Some(agent) = view.subject.agent() {
            self.0.hub.tick(agent.journal());
        }
        Ok(view)
    }
}

/// Reads a stored version, which was checked before it was stored.
fn stored(edition: &Edition, subject: &Subject) -> Result<Policy, Error> {
    let document = edition.document.as_ref().ok_or_else(|| not_found(subject, Some(edition.version)))?;
    Policy::read(document, subject).map_err(Error::internal)
}

fn not_found(subject: &Subject, version: Option<Version>) -> Error {
    let message = match version {
        None => format!("there is no policy for {subject}; PUT one"),
        Some(version) => format!("the policy for {subject} has no version {version}"),
    };
    Error::new(Kind::NotFound, "no_policy_found", message)
}

/// Writes into a hosted agent's journal that its rules changed.
pub(super) fn journal(
    writer: &mut dyn Writer,
    ctx: &Ctx,
    subject: &Subject,
    what: &str,
) -> Result<(), Error> {
    if let Some(id) = subject.agent()
        && let Some(agent) = writer.agent(ctx.account(), id)?
    {
        log::journal(writer, agent.id, ctx.now, Journal::Changed { what: what.to_owned() })?;
    }
    Ok(())
}

impl Core {
    /// Returns the tools of a subject, where it is an agent that is hosted here.
    fn tools_of(
        &self,
        reader: &dyn Reader,
        account: roost_domain::id::AccountId,
        subject: &Subject,
    ) -> Result<Option<Vec<String>>, Error> {
        let Some(id) = subject.agent() else { return Ok(None) };
        let hosted = reader.agent(account, id)?.is_some();
        Ok(hosted.then(|| self.ports.tools.specs().into_iter().map(|spec| spec.name).collect()))
    }
}
