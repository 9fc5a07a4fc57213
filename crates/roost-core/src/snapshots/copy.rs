//! What a fork has from its parent, noun by noun.

use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::document::{Author, Mark};
use roost_domain::event::{Ending, TurnEvent};
use roost_domain::id::{InstalledSkillId, SessionId, TurnId};
use roost_domain::page::Limit;
use roost_domain::policy::Version;
use roost_domain::session::Session;
use roost_domain::skill::{InstalledSkill, Placement, Standing};
use roost_domain::snapshot::Snapshot;
use roost_domain::subject::Subject;
use roost_domain::tool::{ToolOutcome, ToolStatus};
use roost_domain::turn::Lost;
use roost_ports::store::{Edition, Kept, NewVersion, SavedDocument, Turn, TurnPhase, Writer};

use crate::log::Folded;
use crate::{Core, Ctx, Error, log};

/// How many sessions are copied in one transaction.
const SESSIONS: Limit = Limit::clamped(50, 50);

/// What a model is told of a tool that ran while its agent was forked.
const RAN_ON: &str = "The agent was forked while this ran. Whether it was done is not known here.";

/// Copies what is small: documents as the snapshot has them, secrets by reference, and the skills and rules that the
/// parent has now.
pub(super) fn copy_small(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    parent: &Agent,
    fork: &Agent,
    snapshot: &Snapshot,
) -> Result<(), Error> {
    for SavedDocument { name, content } in writer.snapshot_documents(snapshot.id)? {
        let note = Some(format!("forked from {}", parent.name));
        let mark = Mark { author: Author::Owner, note, at: ctx.now };
        writer.put_document(fork.id, &NewVersion { name, content: Some(content), mark })?;
    }
    writer.refresh_documents(fork.id)?;
    writer.lend_secrets(parent.id, fork.id)?;
    copy_skills(core, writer, ctx, parent, fork)?;
    copy_guard(writer, ctx, parent, fork)
}

/// Puts the skills on the fork that its parent has now and needs no approval for any more. What waits for an approval,
/// or was refused, stays out: nobody said yes to it. The files in the workspace are those of another time and agent, so
/// they are written anew.
fn copy_skills(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    parent: &Agent,
    fork: &Agent,
) -> Result<(), Error> {
    for skill in writer.installed_skills(parent.id)? {
        match skill.standing() {
            Standing::Active | Standing::Disabled => {
                let id = core.ports.random.id::<InstalledSkillId>(ctx.now);
                let copy = InstalledSkill { id, account: fork.account, agent: fork.id, ..skill };
                writer.insert_installed_skill(&copy)?;
            }
            Standing::Pending | Standing::Refused => {}
        }
    }
    writer.place_skills(fork.id, Some(Placement::UNKNOWN))?;
    Ok(())
}

/// Binds the fork by what binds its parent now, not by what bound it once: nothing that was taken away comes back.
fn copy_guard(writer: &mut dyn Writer, ctx: &Ctx, parent: &Agent, fork: &Agent) -> Result<(), Error> {
    let (from, to) = (Subject::hosted(parent.id), Subject::hosted(fork.id));
    for kept in [Kept::Policy, Kept::Permissions] {
        if let Some(edition) = writer.edition(parent.account, &from, kept, None)? {
            let by = ctx.who().to_owned();
            let first = Edition { version: Version::FIRST, at: ctx.now, by, document: edition.document };
            writer.insert_edition(fork.account, &to, kept, &first)?;
        }
    }
    Ok(())
}

impl Core {
    /// Copies the conversations up to the snapshot's mark, some at a time, so that others can write in between.
    pub(super) async fn copy_sessions(
        &self,
        parent: &Agent,
        fork: &Agent,
        snapshot: &Snapshot,
    ) -> Result<(), Error> {
        let mut last = None;
        loop {
            let (core, now) = (self.clone(), self.now());
            let (parent, fork, snapshot) = (parent.id, fork.clone(), snapshot.clone());
            let copy = move |writer: &mut dyn Writer| {
                for agent in [parent, fork.id] {
                    writer.agent_of_any_account(agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
                }
                let sessions = writer.sessions_until(parent, &snapshot.mark, last, SESSIONS)?;
                let end = sessions.last().map(|session| session.id);
                for session in sessions {
                    copy_session(&core, writer, &fork, &snapshot, session, now)?;
                }
                Ok::<_, Error>(end)
            };
            match self.ports.store.write(copy).await? {
                None => return Ok(()),
                end => last = end,
            }
        }
    }
}

fn copy_session(
    core: &Core,
    writer: &mut dyn Writer,
    fork: &Agent,
    snapshot: &Snapshot,
    session: Session,
    now: Timestamp,
) -> Result<(), Error> {
    let from = session.id;
    let to = Session { id: core.ports.random.id::<SessionId>(now), agent: fork.id, ..session };
    writer.copy_session(from, &to, &snapshot.mark)?;
    let open = snapshot.mark.open.iter().filter(|(session, _)| *session == from);
    open.map(|(_, turn)| *turn).try_for_each(|turn| end_turn(writer, fork, to.id, turn, now))
}

/// Ends a turn in the copy that was open in the original, where it goes on.
fn end_turn(
    writer: &mut dyn Writer,
    fork: &Agent,
    session: SessionId,
    turn: TurnId,
    now: Timestamp,
) -> Result<(), Error> {
    if writer.turn_events(session, turn)?.is_empty() {
        return Ok(());
    }
    let turn = Turn {
        id: turn,
        account: fork.account,
        agent: fork.id,
        session,
        phase: TurnPhase::Ended,
        caller: None,
        run: None,
        created_at: now,
    };
    let state = log::fold(writer, fork, &turn, &Folded::default())?;
    if state.ended().is_some() {
        return Ok(());
    }
    let settled = |lost| match lost {
        Lost::Model => TurnEvent::ModelLost,
        Lost::Repeatable(call) | Lost::Unknown(call) => {
            let outcome = ToolOutcome { text: RAN_ON.to_owned(), status: ToolStatus::Failed };
            TurnEvent::ToolFinished { call, outcome }
        }
    };
    let mut events: Vec<_> = state.lost().into_iter().map(settled).collect();
    events.extend([TurnEvent::CancelRequested, TurnEvent::Ended { ending: Ending::Cancelled }]);
    log::append(writer, fork, &turn, &Folded::default(), now, events)?;
    Ok(())
}
