use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_ports::store::Writer;

use super::{Agents, own};
use crate::turns::{call_off, orphan};
use crate::{Ctx, Error};

impl Agents<'_> {
    /// Deletes an agent for good: machine, workspace, log, secrets, documents. What it was doing is cut short.
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
            own(writer, &caller, id)?;
            let turns = writer.open_turns_of(id)?;
            for turn in &turns {
                orphan(&core, writer, turn, caller.now)?;
                call_off(&core, writer, turn.id, caller.now)?;
            }
            writer.delete_agent(caller.account(), id, caller.now)?;
            Ok::<_, Error>(turns)
        };
        // Workers that are on its turns look at the log now, find nothing, and let go.
        self.0.ports.store.write(delete).await?.iter().for_each(|turn| self.0.went_on(turn));
        self.0.hub.tick(id.journal());
        self.0.ports.machines.destroy(id).await?;
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
