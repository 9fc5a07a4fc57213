//! Approvals: a person decides about one exact effect.

use roost_domain::approval::{Approval, Verdict};
use roost_domain::event::TurnEvent;
use roost_domain::id::ApprovalId;
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_ports::store::{ApprovalCursor, ApprovalFilter, Turn, Writer};

use crate::log::Folded;
use crate::{Core, Ctx, Error, log};

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

    /// Decides an approval and, in the same transaction, lets the turn that waits for it go on.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Conflict` if it is decided or too late; `InvalidInput` names the field.
    pub async fn decide(&self, ctx: &Ctx, decision: DecideApproval) -> Result<Approval, Error> {
        ctx.require(Scope::Approvals)?;
        at_most("note", decision.note.as_deref(), 2_000)?;
        at_most("approver", decision.by.as_deref(), 100)?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let (approval, turn) = self
            .0
            .ports
            .store
            .write(move |writer| {
                let approval = writer
                    .approval(ctx.account(), decision.id)?
                    .ok_or_else(|| Error::not_found("approval", decision.id))?;
                let verdict = if decision.approve { Verdict::Approved } else { Verdict::Denied };
                // Who decides names themselves; which key they did it with is known.
                let by = match decision.by {
                    Some(name) if name != ctx.who() => format!("{name} (with the key {})", ctx.who()),
                    Some(_) | None => ctx.who().to_owned(),
                };
                let decided = approval.decide(verdict, Some(by), decision.note, ctx.now)?;
                let turn = write_decision(&core, writer, &decided, verdict, ctx.now)?;
                Ok::<_, Error>((decided, turn))
            })
            .await?;
        self.0.went_on(&turn);
        self.0.queued.notify_one();
        Ok(approval)
    }

    /// Marks approvals that nobody decided in time, and lets their turns go on. Returns how many there were; if
    /// it is as many as `max`, there may be more.
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
            let core = self.0.clone();
            let expire = move |writer: &mut dyn Writer| {
                let Some(approval) = writer.approval(approval.account, approval.id)? else { return Ok(None) };
                // Somebody may have decided it since the list was read.
                let Ok(expired) = approval.decide(Verdict::Expired, None, None, now) else { return Ok(None) };
                write_decision(&core, writer, &expired, Verdict::Expired, now).map(Some)
            };
            if let Some(turn) = self.0.ports.store.write::<_, Error>(expire).await? {
                self.0.went_on(&turn);
                self.0.queued.notify_one();
            }
        }
        Ok(count)
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

fn write_decision(
    core: &Core,
    writer: &mut dyn Writer,
    approval: &Approval,
    verdict: Verdict,
    now: jiff::Timestamp,
) -> Result<Turn, Error> {
    writer.update_approval(approval)?;
    let turn = log::turn(writer, approval.turn)?;
    let agent = log::agent_of(writer, &turn)?;
    let decided = TurnEvent::ApprovalDecided {
        approval: approval.id,
        call: approval.call.clone(),
        verdict,
        by: approval.decided_by.clone(),
        note: approval.note.clone(),
    };
    log::append(writer, &agent, &turn, &Folded::default(), now, vec![decided])?;
    log::wake(writer, &*core.ports.random, &turn, now)?;
    Ok(turn)
}
