use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_ports::store::Writer;

use super::{Agents, own};
use crate::error::with_causes;
use crate::snapshots::Moment;
use crate::turns::{call_off, orphan, place_at};
use crate::{Core, Ctx, Error, skills};

impl Agents<'_> {
    /// Deletes an agent for good: machine, workspace, log, secrets, documents, snapshots. What it was doing is cut
    /// short. Forks of it stay, and keep the secrets that they have from it as their own.
    ///
    /// # Errors
    ///
    /// `NotFound`. `Internal` if the workspace cannot be removed whole; the agent is gone for everybody then, and
    /// the rest of its files are removed at the next start of the server.
    pub async fn delete(&self, ctx: &Ctx, id: AgentId) -> Result<(), Error> {
        ctx.require(Scope::AgentsDelete)?;
        let caller = ctx.clone();
        let core = self.0.clone();
        let delete = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, id)?;
            hand_over_secrets(&core, writer, &agent, caller.now)?;
            let turns = writer.open_turns_of(id)?;
            for turn in &turns {
                orphan(&core, writer, turn, caller.now)?;
                call_off(&core, writer, turn.id, caller.now)?;
            }
            skills::withdraw_all(&core, writer, id, &caller)?;
            writer.delete_agent(caller.account(), id, caller.now)?;
            Ok::<_, Error>(turns)
        };
        // Workers that are on its turns look at the log now, find nothing, and let go.
        self.0.ports.store.write(delete).await?.iter().for_each(|turn| self.0.went_on(turn));
        self.0.hub.tick(id.journal());
        self.0.ports.runtimes.stop(id).await;
        self.0.ports.machines.destroy(id).await?;
        self.0.snapshots().remove_leftovers(Moment::Later).await?;
        tracing::info!(agent = %id, request = %ctx.request_id, "deleted an agent");
        Ok(())
    }

    /// Removes the workspaces of deleted agents that are still there because the server died, or the host refused,
    /// when they were to be removed. Returns how many. Workspaces of agents that the store has never known are left
    /// alone: a store that was restored from an older copy must not cost anybody's files.
    ///
    /// # Errors
    ///
    /// `Internal` if the store or the host fails.
    pub async fn remove_leftovers(&self) -> Result<usize, Error> {
        let mut removed = 0;
        for id in self.0.ports.machines.workspaces().await? {
            let deleted =
                move |reader: &dyn roost_ports::store::Reader| Ok::<_, Error>(reader.is_deleted(id)?);
            if self.0.ports.store.read(deleted).await? {
                self.0.ports.machines.destroy(id).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Seals anew, for the agents that have them from this one, the secrets that go with it.
fn hand_over_secrets(
    core: &Core,
    writer: &mut dyn Writer,
    holder: &Agent,
    now: Timestamp,
) -> Result<(), Error> {
    const BATCH: Limit = Limit::clamped(1_000, 1_000);
    let vault = &core.ports.vault;
    let entries = writer.secret_entries(holder.id)?;
    loop {
        let lent = writer.secrets_lent(holder.id, BATCH)?;
        if lent.is_empty() {
            return Ok(());
        }
        for (agent, name) in lent {
            let sealed = writer.secret(holder.id, &name)?;
            let opened =
                sealed.map(|sealed| vault.open(holder.account, &place_at(holder.id, &name), &sealed));
            match opened {
                Some(Ok(secret)) => {
                    let sealed = vault.seal(holder.account, &place_at(agent, &name), &secret);
                    writer.put_secret(agent, &name, &sealed, now)?;
                    let bound = entries.iter().find(|entry| entry.name == name);
                    writer.bind_secret(agent, &name, bound.and_then(|entry| entry.binding.as_ref()))?;
                }
                Some(Err(error)) => {
                    tracing::error!(%agent, name, error = %with_causes(&error), "a secret cannot be handed over");
                    writer.delete_secret(agent, &name)?;
                }
                // Its holder has removed it before, and with that from everybody.
                None => drop(writer.delete_secret(agent, &name)?),
            }
        }
    }
}
