//! Approvals: a person decides about one exact effect.

use jiff::Timestamp;
use roost_domain::approval::{Act, Approval, CannotDecide, Entry, Status, Vote};
use roost_domain::event::TurnEvent;
use roost_domain::id::ApprovalId;
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_ports::store::{ApprovalCursor, ApprovalFilter, EntryFilter, Reader, Turn, Writer};

use crate::log::Folded;
use crate::{Core, Ctx, Error, Principal, gate, log};

/// The use cases of approvals.
pub struct Approvals<'a>(pub(crate) &'a Core);

/// Which approvals to list.
#[derive(Debug, Clone)]
pub struct ListApprovals {
    /// Which ones.
    pub filter: ApprovalFilter,
    /// Where to begin.
    pub after: Option<ApprovalCursor>,
    /// At most so many.
    pub limit: Limit,
}

/// A decision.
#[derive(Debug, Clone)]
pub struct DecideApproval {
    /// The approval.
    pub id: ApprovalId,
    /// Yes or no.
    pub approve: bool,
    /// Who decides, as they name themselves; without, as the key is named. At most 100 characters.
    pub by: Option<String>,
    /// What they say about it; the agent is told. At most 2,000 characters.
    pub note: Option<String>,
}

/// An approval to be passed on.
#[derive(Debug, Clone)]
pub struct EscalateApproval {
    /// The approval.
    pub id: ApprovalId,
    /// To whom, who alone can approve it then; without, to anybody else than who passes it on. At most 100
    /// characters.
    pub to: Option<String>,
    /// Who passes it on, as they name themselves; without, as the key is named.
    pub by: Option<String>,
    /// What they say about it, for the record. At most 2,000 characters.
    pub note: Option<String>,
}

/// Which part of the approvals' record to list.
#[derive(Debug, Clone)]
pub struct ListEntries {
    /// Which entries.
    pub filter: EntryFilter,
    /// How many to pass over.
    pub skip: u64,
    /// At most so many.
    pub limit: Limit,
}

impl Approvals<'_> {
    /// Returns one approval.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn get(&self, ctx: &Ctx, id: ApprovalId) -> Result<Approval, Error> {
        ctx.require(Scope::Approvals)?;
        let account = ctx.account();
        self.0
            .ports
            .store
            .read(move |reader| reader.approval(account, id)?.ok_or_else(|| Error::not_found("approval", id)))
            .await
    }

    /// Returns the account's approvals, newest first.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list(
        &self,
        ctx: &Ctx,
        list: ListApprovals,
    ) -> Result<Page<Approval, ApprovalCursor>, Error> {
        ctx.require(Scope::Approvals)?;
        let account = ctx.account();
        self.0
            .ports
            .store
            .read(move |reader| Ok(reader.approvals(account, &list.filter, list.after, list.limit)?))
            .await
    }

    /// Returns approvals, newest first, after the first `skip`, and how many there are in all.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn list_after(
        &self,
        ctx: &Ctx,
        filter: ApprovalFilter,
        skip: u64,
        limit: Limit,
    ) -> Result<(Vec<Approval>, u64), Error> {
        ctx.require(Scope::Approvals)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| Ok(reader.approvals_after(account, &filter, skip, limit)?);
        self.0.ports.store.read(read).await
    }

    /// Returns what happened to approvals, newest first.
    ///
    /// # Errors
    ///
    /// `NotFound` if the filter names an approval that is not there.
    pub async fn entries(&self, ctx: &Ctx, list: ListEntries) -> Result<(Vec<Entry>, u64), Error> {
        ctx.require(Scope::Approvals)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            let (entries, total) = reader.approval_entries(account, &list.filter, list.skip, list.limit)?;
            // The record outlives the approval, which goes with its agent.
            if let (Some(id), 0) = (list.filter.approval, total) {
                reader.approval(account, id)?.ok_or_else(|| Error::not_found("approval", id))?;
            }
            Ok((entries, total))
        };
        self.0.ports.store.read(read).await
    }

    /// Decides an approval and, in the same transaction, lets the turn that waits for it go on. Where it takes
    /// several people, a yes may leave it pending.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Conflict` if it is decided or too late, or if this yes does not count; `InvalidInput` names the
    /// field.
    pub async fn decide(&self, ctx: &Ctx, decision: DecideApproval) -> Result<Approval, Error> {
        let DecideApproval { id, approve, by, note } = decision;
        let key = match &ctx.principal {
            Principal::Key(key) => key.id.to_string(),
            Principal::Owner(_) => "owner".to_owned(),
        };
        let change = move |approval: Approval, by: String, note, now| {
            if approve {
                approval.approve(Vote { by, key, at: now }, note)
            } else {
                approval.deny(by, note, now)
            }
        };
        self.change(ctx, id, by, note, change).await
    }

    /// Passes an approval on to somebody else, once, with the time that it had at first.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Conflict` if it is decided, too late, or was passed on before; `InvalidInput` names the field.
    pub async fn escalate(&self, ctx: &Ctx, escalate: EscalateApproval) -> Result<Approval, Error> {
        let EscalateApproval { id, to, by, note } = escalate;
        at_most("to", to.as_deref(), 100)?;
        let to = to.map(|to| to.trim().to_owned()).filter(|to| !to.is_empty());
        let change = move |approval: Approval, by: String, _, now| approval.escalate(by, to, now);
        self.change(ctx, id, by, note, change).await
    }

    async fn change(
        &self,
        ctx: &Ctx,
        id: ApprovalId,
        by: Option<String>,
        note: Option<String>,
        change: impl FnOnce(Approval, String, Option<String>, Timestamp) -> Result<Approval, CannotDecide>
        + Send
        + 'static,
    ) -> Result<Approval, Error> {
        ctx.require(Scope::Approvals)?;
        at_most("note", note.as_deref(), 2_000)?;
        at_most("approver", by.as_deref(), 100)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let write = move |writer: &mut dyn Writer| {
            let approval =
                writer.approval(ctx.account(), id)?.ok_or_else(|| Error::not_found("approval", id))?;
            // Who decides names themselves; which key they did it with stands in the record.
            let by = by.map(|by| by.trim().to_owned()).filter(|by| !by.is_empty());
            let by = by.unwrap_or_else(|| ctx.who().to_owned());
            let detail = Some(format!("with the key {}", ctx.who()));
            let detail = note.clone().map(|note| format!("{note} ({})", ctx.who())).or(detail);
            let changed = change(approval, by.clone(), note, ctx.now)?;
            let act = act(&changed);
            let turn = write_change(&core, writer, &changed, act, &by, detail, ctx.now)?;
            Ok::<_, Error>((changed, turn))
        };
        let (approval, turn) = self.0.ports.store.write(write).await?;
        self.0.decided(turn.as_ref());
        Ok(approval)
    }

    /// Does what approvals' terms want when nobody decided in time, and lets their turns go on. Returns how many
    /// there were; if it is as many as `max`, there may be more.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn expire(&self, max: Limit) -> Result<usize, Error> {
        let now = self.0.now();
        let overdue = self
            .0
            .ports
            .store
            .read(move |reader| Ok::<_, Error>(reader.overdue_approvals(now, max)?))
            .await?;
        let count = overdue.len();
        for approval in overdue {
            let (core, id) = (self.0.clone(), approval.id);
            let expire = move |writer: &mut dyn Writer| {
                let Some(approval) = writer.approval(approval.account, approval.id)? else { return Ok(None) };
                // Somebody may have decided it, or passed it on, since the list was read.
                if approval.expires_at > now {
                    return Ok(None);
                }
                let Ok(changed) = approval.run_out(now) else { return Ok(None) };
                let act = act(&changed);
                let actor = if act == Act::Expired { "system" } else { "policy" };
                write_change(
                    &core,
                    writer,
                    &changed,
                    act,
                    actor,
                    Some("nobody decided in time".to_owned()),
                    now,
                )
            };
            // One that cannot be written must not hold up those behind it.
            match self.0.ports.store.write::<_, Error>(expire).await {
                Ok(turn) => self.0.decided(turn.as_ref()),
                Err(error) => {
                    tracing::error!(approval = %id, %error, "an overdue approval could not be ended")
                }
            }
        }
        Ok(count)
    }
}

impl Core {
    /// Tells everybody who waits that an approval was decided.
    fn decided(&self, turn: Option<&Turn>) {
        if let Some(turn) = turn {
            self.went_on(turn);
            self.queued.notify_one();
        }
    }
}

/// Says what just happened to an approval.
fn act(changed: &Approval) -> Act {
    match changed.status {
        Status::Approved => Act::Approved,
        Status::Denied => Act::Denied,
        Status::Expired => Act::Expired,
        Status::Withdrawn => Act::Withdrawn,
        Status::Pending => match (&changed.escalated, changed.votes.last()) {
            (Some(escalated), Some(vote)) if vote.at > escalated.at => Act::Voted,
            (Some(_), _) => Act::Escalated,
            (None, _) => Act::Voted,
        },
    }
}

fn at_most(field: &str, text: Option<&str>, max: usize) -> Result<(), Error> {
    match text.map(|text| text.chars().count()) {
        Some(length) if length > max => {
            Err(Error::invalid(field, format!("has {length} characters; at most {max} are allowed")))
        }
        _ => Ok(()),
    }
}

/// Writes an approval that has changed and, where that decides it, lets what waits for it go on. Returns the turn
/// that waits.
fn write_change(
    core: &Core,
    writer: &mut dyn Writer,
    approval: &Approval,
    act: Act,
    actor: &str,
    detail: Option<String>,
    now: Timestamp,
) -> Result<Option<Turn>, Error> {
    writer.update_approval(approval)?;
    gate::record(writer, approval, act, actor, detail, now)?;
    core.announce_approval(writer, notice(act), approval, now)?;
    let (Some(verdict), Some(waiting)) = (approval.verdict(), &approval.waiting) else { return Ok(None) };
    let turn = log::turn(writer, waiting.turn)?;
    let agent = log::agent_of(writer, &turn)?;
    let decided = TurnEvent::ApprovalDecided {
        approval: approval.id,
        call: waiting.call.clone(),
        verdict,
        by: approval.decided_by.clone(),
        note: approval.note.clone(),
    };
    log::append(writer, &agent, &turn, &Folded::default(), now, vec![decided])?;
    log::wake(writer, &*core.ports.random, &turn, now)?;
    Ok(Some(turn))
}

const fn notice(act: Act) -> &'static str {
    match act {
        Act::Requested => "approval.requested",
        Act::Voted => "approval.voted",
        Act::Escalated => "approval.escalated",
        Act::Approved => "approval.approved",
        Act::Denied => "approval.denied",
        Act::Expired => "approval.expired",
        Act::Withdrawn => "approval.withdrawn",
        Act::Executed => "approval.executed",
    }
}
