use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::document::{Author, Mark};
use roost_domain::event::Journal;
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::key::Scope;
use roost_domain::skill::Placement;
use roost_domain::snapshot::{Snapshot, Transfer};
use roost_ports::store::{NewVersion, Restoration, RestorationKind, Writer};

use super::delete::being_restored;
use super::{Snapshots, check_whole, found, log_transfer};
use crate::agents::cancel_turns;
use crate::{Core, Ctx, Error, log};

/// An agent that went back to a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// The agent as it is now.
    pub agent: Agent,
    /// How its files were brought back.
    pub transfer: Transfer,
}

impl Snapshots<'_> {
    /// Makes an agent's files and documents those of a snapshot again. What it is doing is cancelled and its
    /// machine ends. Its log stays as it is, and messages that name no session begin another one, so that nothing
    /// is said on the ground of files that are not there any more.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the snapshot; `Conflict` with the code `restoring`; `Unavailable` with the code
    /// `no_space`. Files and documents are as they were then.
    pub async fn restore(&self, ctx: &Ctx, agent: AgentId, id: SnapshotId) -> Result<Restored, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let Some(_doing) = self.0.under_way.begin(agent.uuid().as_u128()) else {
            return Err(being_restored(agent));
        };
        let (core, caller) = (self.0.clone(), ctx.clone());
        let intend = move |writer: &mut dyn Writer| {
            let (agent, snapshot) = found(writer, &caller, agent, id)?;
            check_whole(writer, &agent)?;
            // Whoever intended something before is gone, and what they wanted is not wanted any more.
            writer.delete_restoration(agent.id)?;
            writer.insert_restoration(&Restoration {
                agent: agent.id,
                snapshot: id,
                kind: RestorationKind::Restore,
                requested_at: caller.now,
            })?;
            cancel_turns(&core, writer, &agent, &caller)?;
            Ok::<_, Error>(snapshot)
        };
        let snapshot = self.0.ports.store.write(intend).await?;
        self.0.agents().tick_open_sessions(agent).await?;
        self.0.carry_out(snapshot).await
    }
}

impl Core {
    /// Does what was intended: the files, then the rest in one transaction.
    pub(super) async fn carry_out(&self, snapshot: Snapshot) -> Result<Restored, Error> {
        let (id, agent) = (snapshot.id, snapshot.agent);
        let transfer = match self.ports.machines.restore(id, agent).await {
            Ok(transfer) => transfer,
            Err(error) => {
                let give_up = move |writer: &mut dyn Writer| writer.delete_restoration(agent);
                self.ports.store.write::<_, roost_ports::store::Error>(give_up).await?;
                return Err(error.into());
            }
        };
        let now = self.now();
        let settle = move |writer: &mut dyn Writer| {
            let agent =
                writer.agent_of_any_account(agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
            restore_documents(writer, &snapshot, now)?;
            writer.supersede_sessions(agent.id)?;
            // The files of skills are those of then.
            writer.place_skills(agent.id, Some(Placement::UNKNOWN))?;
            // Its machine is gone; the next use starts it.
            let agent = agent.wake();
            writer.update_agent(&agent)?;
            let entry = Journal::Restored { snapshot: snapshot.id, name: snapshot.name };
            log::journal(writer, agent.id, now, entry)?;
            writer.delete_restoration(agent.id)?;
            Ok::<_, Error>(agent)
        };
        let agent = self.ports.store.write(settle).await?;
        log_transfer("restored an agent's state", agent.id, &transfer);
        self.hub.tick(agent.id.journal());
        Ok(Restored { agent, transfer })
    }
}

/// Writes new versions of the documents that are different now, and deletes those that were not there yet.
fn restore_documents(writer: &mut dyn Writer, snapshot: &Snapshot, at: Timestamp) -> Result<(), Error> {
    let (agent, saved) = (snapshot.agent, writer.snapshot_documents(snapshot.id)?);
    let mut names: Vec<_> = saved.iter().map(|document| document.name.clone()).collect();
    for entry in writer.documents(agent)? {
        if entry.size.is_some() && !names.contains(&entry.name) {
            names.push(entry.name);
        }
    }
    for name in names {
        let was = saved.iter().find(|document| document.name == name).map(|was| was.content.clone());
        let is = writer.document(agent, &name)?.map(|is| is.content);
        if was != is {
            let note = Some(format!("restored from the snapshot {}", snapshot.name));
            let mark = Mark { author: Author::Owner, note, at };
            writer.put_document(agent, &NewVersion { name, content: was, mark })?;
        }
    }
    writer.refresh_documents(agent)?;
    Ok(())
}
