use roost_domain::event::Journal;
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::snapshot::{self, Snapshot};
use roost_ports::store::{Listed, Reader, Writer};

use super::{Snapshots, check_whole, log_transfer};
use crate::agents::own;
use crate::{Ctx, Error, Kind, log};

impl Snapshots<'_> {
    /// Saves an agent's state: its files, its documents, and how far its log is. Its machine stands still
    /// meanwhile; what it does goes on afterwards.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` for the name; `QuotaExceeded` with the code `too_many_snapshots`; `Unavailable`
    /// with the code `no_space`. Nothing is left then.
    pub async fn take(&self, ctx: &Ctx, agent: AgentId, name: Option<&str>) -> Result<Snapshot, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let name = snapshot::name(name, ctx.now).map_err(|error| Error::invalid("name", error))?;
        let (caller, max) = (ctx.clone(), self.0.settings.max_snapshots);
        // Before anything is copied in vain; what counts is looked at again in the end.
        let look = move |reader: &dyn Reader| {
            check_whole(reader, &own(reader, &caller, agent)?)?;
            has_room(reader, agent, max)
        };
        self.0.ports.store.read(look).await?;
        let id = self.0.ports.random.id::<SnapshotId>(ctx.now);
        let _doing = self.0.under_way.begin(id.uuid());
        let (transfer, hold) = self.0.ports.machines.snapshot(agent, id).await?;
        let caller = ctx.clone();
        let write = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, agent)?;
            has_room(writer, agent.id, max)?;
            let mark = writer.log_mark(agent.id)?;
            let (account, agent) = (agent.account, agent.id);
            let snapshot = Snapshot { id, account, agent, name, created_at: caller.now, mark, transfer };
            writer.insert_snapshot(&snapshot, Listed::Yes)?;
            log::journal(writer, agent, caller.now, Journal::Saved { snapshot: id, name: snapshot.name.clone() })?;
            Ok::<_, Error>(snapshot)
        };
        let written = self.0.ports.store.write(write).await;
        drop(hold);
        match &written {
            Ok(_) => log_transfer("saved an agent's state", agent, &transfer),
            Err(_) => self.discard(id).await,
        }
        self.0.hub.tick(agent.journal());
        written
    }

    /// Removes files that belong to nothing.
    pub(super) async fn discard(&self, id: SnapshotId) {
        if let Err(error) = self.0.ports.machines.delete_snapshot(id).await {
            tracing::warn!(snapshot = %id, %error, "the files of a snapshot are removed at the next start");
        }
    }
}

fn has_room(reader: &dyn Reader, agent: AgentId, max: u64) -> Result<(), Error> {
    let have = reader.snapshots(agent, None, Limit::clamped(1, 1))?.total;
    if have < max {
        return Ok(());
    }
    let message = format!("the agent has {have} snapshots and may have {max}; delete one first");
    Err(Error::new(Kind::QuotaExceeded, "too_many_snapshots", message))
}
