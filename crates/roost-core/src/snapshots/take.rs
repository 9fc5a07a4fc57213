use roost_domain::event::Journal;
use roost_domain::id::{AgentId, SnapshotId};
use roost_domain::key::Scope;
use roost_domain::snapshot::{self, Mark, Method, Snapshot, Transfer};
use roost_domain::unit::Bytes;
use roost_ports::machine::Hold;
use roost_ports::store::{Reader, SnapshotStatus, Writer};

use super::{Snapshots, check_whole, log_transfer};
use crate::agents::own;
use crate::{Core, Ctx, Error, Kind, log};

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
        let id = self.0.ports.random.id::<SnapshotId>(ctx.now);
        let _doing = self.0.under_way.begin(id.uuid().as_u128());
        let (caller, max) = (ctx.clone(), self.0.settings.max_snapshots);
        let intend = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, agent)?;
            check_whole(writer, &agent)?;
            has_room(writer, agent.id, max)?;
            let snapshot = begun(id, &agent, name, &caller);
            writer.insert_snapshot(&snapshot)?;
            Ok::<_, Error>(snapshot)
        };
        let snapshot = self.0.ports.store.write(intend).await?;
        let (transfer, hold) = self.0.save(agent, id).await?;
        let settle = move |writer: &mut dyn Writer| {
            let snapshot = Snapshot { mark: writer.log_mark(agent)?, transfer, ..snapshot };
            writer.settle_snapshot(&snapshot, SnapshotStatus::Listed)?;
            let entry = Journal::Saved { snapshot: id, name: snapshot.name.clone() };
            log::journal(writer, agent, snapshot.created_at, entry)?;
            Ok::<_, Error>(snapshot)
        };
        let settled = self.0.ports.store.write(settle).await;
        drop(hold);
        match &settled {
            Ok(_) => log_transfer("saved an agent's state", agent, &transfer),
            Err(_) => self.0.discard(id).await,
        }
        self.0.hub.tick(agent.journal());
        settled
    }
}

/// Returns a snapshot that is being made.
pub(super) fn begun(id: SnapshotId, agent: &roost_domain::agent::Agent, name: String, ctx: &Ctx) -> Snapshot {
    let nothing = Bytes(0);
    let took = std::time::Duration::ZERO;
    Snapshot {
        id,
        account: agent.account,
        agent: agent.id,
        name,
        created_at: ctx.now,
        mark: Mark::default(),
        transfer: Transfer {
            method: Method::Copy,
            size: nothing,
            copied: nothing,
            entries: 0,
            left_out: 0,
            took,
        },
    }
}

fn has_room(reader: &dyn Reader, agent: AgentId, max: u64) -> Result<(), Error> {
    let have = reader.snapshot_count(agent)?;
    if have < max {
        return Ok(());
    }
    let message = format!("the agent has {have} snapshots and may have {max}; delete one first");
    Err(Error::new(Kind::QuotaExceeded, "too_many_snapshots", message))
}

impl Core {
    /// Saves the files. If that fails, nothing is left of the snapshot.
    pub(super) async fn save(&self, agent: AgentId, id: SnapshotId) -> Result<(Transfer, Hold), Error> {
        match self.ports.machines.snapshot(agent, id).await {
            Ok(saved) => Ok(saved),
            Err(error) => {
                self.discard(id).await;
                Err(error.into())
            }
        }
    }

    /// Removes a snapshot: its files, then its row. What cannot be removed now is when the server looks after what
    /// was left.
    pub(crate) async fn discard(&self, id: SnapshotId) {
        let going = move |writer: &mut dyn Writer| Ok::<_, Error>(writer.discard_snapshot(id)?);
        let gone = move |writer: &mut dyn Writer| Ok::<_, Error>(writer.delete_snapshot(id)?);
        let discarding = async {
            self.ports.store.write(going).await?;
            self.ports.machines.delete_snapshot(id).await?;
            self.ports.store.write(gone).await
        };
        if let Err(error) = discarding.await {
            tracing::warn!(snapshot = %id, %error, "a snapshot's files cannot be removed yet");
        }
    }
}
