use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::key::Scope;
use roost_ports::store::Writer;

use super::{Snapshots, found};
use crate::{Ctx, Error, Kind};

impl Snapshots<'_> {
    /// Removes a snapshot for good. Agents that were made from it stay.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the snapshot; `Conflict` with the code `restoring` while it is being restored.
    pub async fn delete(&self, ctx: &Ctx, agent: AgentId, id: SnapshotId) -> Result<(), Error> {
        ctx.require(Scope::AgentsWrite)?;
        let caller = ctx.clone();
        let delete = move |writer: &mut dyn Writer| {
            let (agent, _) = found(writer, &caller, agent, id)?;
            if writer.restoration(agent.id)?.is_some_and(|intent| intent.snapshot == id) {
                return Err(being_restored(agent.id));
            }
            writer.discard_snapshot(id)?;
            Ok(())
        };
        self.0.ports.store.write(delete).await?;
        // A fork that is on its way fails whole without the files.
        self.0.discard(id).await;
        Ok(())
    }
}

/// Says that one restoration has to end before the next begins.
pub(super) fn being_restored(agent: AgentId) -> Error {
    let message = format!("a snapshot of the agent {agent} is being restored; wait until that is done");
    Error::new(Kind::Conflict, "restoring", message)
}
