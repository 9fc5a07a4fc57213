use roost_domain::agent::{Agent, State};
use roost_domain::event::{Body, Journal};
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::key::Scope;
use roost_domain::snapshot::{self, Snapshot, Transfer};
use roost_ports::store::{Reader, Restoration, RestorationKind, SnapshotStatus, Writer};

use super::copy::copy_small;
use super::take::begun;
use super::{Snapshots, check_whole, found, log_transfer};
use crate::agents::{check_name, journal_of, own, within_quota};
use crate::{AgentView, Core, Ctx, Error, log};

/// An agent to be made from another.
#[derive(Debug, Clone)]
pub struct ForkAgent {
    /// The other.
    pub parent: AgentId,
    /// Which of its snapshots; without one, its state as it is now.
    pub snapshot: Option<SnapshotId>,
    /// What the new one is called, 1 to 100 characters; without it, the other's name and `fork`.
    pub name: Option<String>,
}

/// An agent that was made from another.
#[derive(Debug, Clone, PartialEq)]
pub struct Forked {
    /// It.
    pub view: AgentView,
    /// How its files were copied.
    pub transfer: Transfer,
}

impl Snapshots<'_> {
    /// Makes another agent with the state of one: its files, documents and conversations as they were at a
    /// snapshot, or are now. Its configuration, its skills, its policy and its permissions are those of the other
    /// now, but for skills that wait for an approval; secrets are used from there, and follow it, until the new one has its own. Turns that were open are cancelled in the
    /// copy, approvals are not copied. What it knows and remembers is what the other does now.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the snapshot; `InvalidInput` for the name; `QuotaExceeded`; `Unavailable` with
    /// the code `no_space`. Nothing is left then.
    pub async fn fork(&self, ctx: &Ctx, fork: ForkAgent) -> Result<Forked, Error> {
        ctx.require(Scope::AgentsWrite)?;
        fork.name.as_deref().map_or(Ok(()), check_name)?;
        let id = self.0.ports.random.id::<AgentId>(ctx.now);
        let _doing = self.0.under_way.begin(id.uuid().as_u128());
        let made = match fork.snapshot {
            Some(of) => self.fork_saved(ctx, &fork, id, of).await,
            None => self.fork_now(ctx, &fork, id).await,
        };
        if made.is_err() {
            self.0.abandon(id).await;
        }
        made
    }

    async fn fork_saved(
        &self,
        ctx: &Ctx,
        fork: &ForkAgent,
        id: AgentId,
        of: SnapshotId,
    ) -> Result<Forked, Error> {
        let (core, caller, parent, name) = (self.0.clone(), ctx.clone(), fork.parent, fork.name.clone());
        let begin = move |writer: &mut dyn Writer| {
            let (parent, snapshot) = found(writer, &caller, parent, of)?;
            let agent = begin_fork(&core, writer, &caller, &parent, &snapshot, id, name)?;
            Ok::<_, Error>((parent, agent, snapshot))
        };
        let (parent, agent, snapshot) = self.0.ports.store.write(begin).await?;
        self.0.copy_sessions(&parent, &agent, &snapshot).await?;
        self.0.copy_knowledge(&parent, &agent).await?;
        let transfer = self.0.ports.machines.restore(of, id).await?;
        self.finish(ctx, id, transfer).await
    }

    /// Saves the state on the way, and lets the fork have the files that were saved.
    async fn fork_now(&self, ctx: &Ctx, fork: &ForkAgent, id: AgentId) -> Result<Forked, Error> {
        let of = self.0.ports.random.id::<SnapshotId>(ctx.now);
        let _doing = self.0.under_way.begin(of.uuid().as_u128());
        let (caller, parent) = (ctx.clone(), fork.parent);
        let intend = move |writer: &mut dyn Writer| {
            let parent = own(writer, &caller, parent)?;
            check_whole(writer, &parent)?;
            let snapshot = begun(of, &parent, snapshot::fork_name(&parent.name), &caller);
            writer.insert_snapshot(&snapshot)?;
            Ok::<_, Error>(snapshot)
        };
        let snapshot = self.0.ports.store.write(intend).await?;
        let (transfer, hold) = self.0.save(parent, of).await?;
        let (core, caller, name) = (self.0.clone(), ctx.clone(), fork.name.clone());
        let begin = move |writer: &mut dyn Writer| {
            let parent = own(writer, &caller, parent)?;
            let snapshot = Snapshot { mark: writer.log_mark(parent.id)?, transfer, ..snapshot };
            writer.settle_snapshot(&snapshot, SnapshotStatus::Unlisted)?;
            let agent = begin_fork(&core, writer, &caller, &parent, &snapshot, id, name)?;
            Ok::<_, Error>((parent, agent, snapshot))
        };
        let begun = self.0.ports.store.write(begin).await;
        drop(hold);
        let (parent, agent, snapshot) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                self.0.discard(of).await;
                return Err(error);
            }
        };
        self.0.copy_sessions(&parent, &agent, &snapshot).await?;
        self.0.copy_knowledge(&parent, &agent).await?;
        self.0.ports.machines.adopt(of, id).await?;
        self.finish(ctx, id, transfer).await
    }

    async fn finish(&self, ctx: &Ctx, id: AgentId, transfer: Transfer) -> Result<Forked, Error> {
        let now = ctx.now;
        let finish = move |writer: &mut dyn Writer| {
            let agent = writer.agent_of_any_account(id)?.ok_or_else(|| Error::not_found("agent", id))?;
            let agent = agent.start(now);
            writer.update_agent(&agent)?;
            log::journal(writer, id, now, Journal::Started)?;
            // Its files are the fork's now.
            if let Some(step) = step_to(writer, id)? {
                writer.delete_snapshot(step)?;
            }
            writer.delete_restoration(id)?;
            AgentView::read(writer, agent)
        };
        let view = self.0.ports.store.write(finish).await?;
        log_transfer("forked an agent", id, &transfer);
        self.0.hub.tick(id.journal());
        self.0.provisioning.notify_one();
        Ok(Forked { view, transfer })
    }
}

/// Makes the agent, in a state in which it can do nothing yet, with the intent to make it whole.
fn begin_fork(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    parent: &Agent,
    snapshot: &Snapshot,
    id: AgentId,
    name: Option<String>,
) -> Result<Agent, Error> {
    check_whole(writer, parent)?;
    let name = name.map_or_else(|| snapshot::fork_name(&parent.name), |name| name.trim().to_owned());
    let agent = Agent {
        id,
        name,
        state: State::Provisioning,
        needs_restart: false,
        last_failure: None,
        created_at: ctx.now,
        started_at: None,
        stopped_at: None,
        ..parent.clone()
    };
    within_quota(core, writer, &agent)?;
    writer.insert_agent(&agent)?;
    writer.insert_session(&journal_of(&agent))?;
    let forked = Journal::Forked { parent: parent.id, name: parent.name.clone() };
    let entries = vec![Body::Journal(Journal::Created), Body::Journal(forked)];
    writer.append_events(id, id.journal(), ctx.now, entries)?;
    writer.insert_restoration(&Restoration {
        agent: id,
        snapshot: snapshot.id,
        kind: RestorationKind::Fork,
        requested_at: ctx.now,
    })?;
    copy_small(core, writer, ctx, parent, &agent, snapshot)?;
    Ok(agent)
}

/// Returns the snapshot that is only a step on the way to a fork.
fn step_to(reader: &dyn Reader, fork: AgentId) -> Result<Option<SnapshotId>, Error> {
    let Some(Restoration { snapshot, .. }) = reader.restoration(fork)? else { return Ok(None) };
    let unlisted = reader.snapshot_status(snapshot)? == Some(SnapshotStatus::Unlisted);
    Ok(unlisted.then_some(snapshot))
}

impl Core {
    /// Removes what there is of a fork that did not come to be. What cannot be removed now is when the server looks
    /// after what was left.
    pub(super) async fn abandon(&self, id: AgentId) {
        let now = self.now();
        let remove = move |writer: &mut dyn Writer| {
            let step = step_to(writer, id)?;
            if let Some(step) = step {
                // The intent that names it goes with the agent; from here on this is how it is found.
                writer.discard_snapshot(step)?;
            }
            let agent = writer.agent_of_any_account(id)?;
            if let Some(agent) = agent {
                writer.delete_agent(agent.account, id, now)?;
            }
            Ok::<_, Error>(step)
        };
        match self.ports.store.write(remove).await {
            Ok(step) => {
                if let Err(error) = self.ports.machines.destroy(id).await {
                    tracing::warn!(agent = %id, %error, "the files of a fork are removed at the next start");
                }
                if let Some(step) = step {
                    self.discard(step).await;
                }
            }
            Err(error) => tracing::error!(agent = %id, %error, "a fork that failed cannot be removed yet"),
        }
        self.hub.tick(id.journal());
    }
}
