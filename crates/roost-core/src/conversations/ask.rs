use roost_domain::agent::Agent;
use roost_domain::conversation::{Conversation, Message};
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, ResponseId, SessionId, TurnId};
use roost_domain::key::Scope;
use roost_domain::response::{AnsweredBy, Response};
use roost_domain::tool::ToolCallId;
use roost_domain::unit::Tokens;
use roost_ports::store::Writer;

use super::outside_id::inside;
use super::place::{cut, fingerprint};
use super::target::{AGENT, Target, find, unknown};
use super::{Ask, Asked, Conversations, Talk, begin, bounds, resume};
use crate::messages::{not_running, peer_of};
use crate::models::{Asker, Complete};
use crate::{Core, Ctx, Error, Kind};

/// Where a request went.
pub(super) struct Placed {
    pub(super) session: SessionId,
    pub(super) turn: TurnId,
    pub(super) after: Offset,
}

impl Conversations<'_> {
    /// Asks whoever the model's name means.
    ///
    /// An agent's turn is in the log and queued when this returns, or goes on with what the caller's tools have
    /// brought. It goes on whoever listens. A conversation that goes on where a session of the agent's stands goes on
    /// there; any other begins a new session, which knows what the caller has told.
    ///
    /// A model that is asked directly is asked with the server's key, within the account's permissions.
    ///
    /// # Errors
    ///
    /// `NotFound` with the code `model_not_found`; `InvalidInput` names the field, with the code `not_for_hosted` for
    /// what a hosted runtime does not take; `InvalidState` with the code
    /// `agent_not_running`; `Conflict` with the code `tool_call_settled` if somebody else has brought the results; for
    /// models what [`crate::ModelCalls::complete`] says.
    pub async fn ask(&self, ctx: &Ctx, ask: Ask) -> Result<Asked, Error> {
        ctx.require(Scope::Chat)?;
        bounds::check(&ask)?;
        match Target::read(self.0, &ask.model)? {
            Target::Agent(named) => self.ask_agent(ctx, named, ask).await.map(Asked::Agent),
            Target::Model(model) => {
                let (said, ask) = self.what_was_said(ctx, ask).await?;
                let messages = [said, ask.messages].concat();
                let conversation = Conversation {
                    system: ask.instructions.unwrap_or_default(),
                    messages: begin::speaking_first(messages),
                    tools: ask.tools,
                    max_output: ask.wishes.max_output.unwrap_or(Tokens(u64::MAX)),
                };
                let complete = Complete {
                    asker: Asker::Account,
                    model,
                    conversation,
                    wishes: ask.wishes,
                    keep: ask.keep,
                };
                self.0.models().complete(ctx, complete).await.map(Asked::Model)
            }
        }
    }

    async fn ask_agent(&self, ctx: &Ctx, named: String, ask: Ask) -> Result<Talk, Error> {
        bounds::check_for_agent(self.0, &ask)?;
        let (core, at) = (self.0.clone(), ctx.clone());
        let account = ctx.account();
        let agent = self.0.ports.store.read(move |reader| find(reader, account, &named)).await?.id;
        let place = move |writer: &mut dyn Writer| place(&core, writer, &at, agent, ask);
        let (placed, agent, response) = self.0.ports.store.write(place).await?;
        let Placed { session, turn, after } = placed;
        self.0.hub.tick(session);
        self.0.hub.tick(agent.journal());
        self.0.queued.notify_one();
        let events = self.0.events().subscribe(ctx, agent, session, after).await?;
        Ok(Talk { agent, session, turn, after, response, events })
    }

    /// Reads the conversation that a request to a model goes on from.
    async fn what_was_said(&self, ctx: &Ctx, ask: Ask) -> Result<(Vec<Message>, Ask), Error> {
        let Some(id) = ask.after else { return Ok((Vec::new(), ask)) };
        let account = ctx.account();
        let kept =
            self.0.ports.store.read(move |reader| Ok::<_, Error>(reader.response(account, id)?)).await?;
        match kept.map(|kept| kept.by) {
            Some(AnsweredBy::Model { mut said, answer, .. }) => {
                said.push(Message::Assistant { text: answer.text, calls: answer.calls });
                bounds::check_together(&said, &ask.messages)?;
                Ok((said, ask))
            }
            Some(AnsweredBy::Agent { .. }) => Err(Error::invalid(
                "previous_response_id",
                "is an answer of an agent; go on from it with the same agent as model",
            )),
            None => Err(no_response(id)),
        }
    }
}

/// Says that a response is not there.
pub(super) fn no_response(id: ResponseId) -> Error {
    let message = format!("previous_response_id names no response of this account: there is no {id}");
    Error::new(Kind::InvalidInput, "previous_response_not_found", message)
}

fn place(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: AgentId,
    ask: Ask,
) -> Result<(Placed, AgentId, Option<ResponseId>), Error> {
    let gone = || unknown(&format!("{AGENT}{agent}"));
    let agent = writer.agent(ctx.account(), agent)?.ok_or_else(gone)?;
    if !agent.state.takes_messages() {
        return Err(not_running(&agent));
    }
    if agent.runtime.is_hosted() {
        bounds::check_for_hosted(&agent, &ask)?;
    }
    let placed = placed(core, writer, ctx, &agent, &ask)?;
    let response = ask.keep.map(|asked| -> Result<ResponseId, Error> {
        let id = core.ports.random.id::<ResponseId>(ctx.now);
        let Placed { session, turn, after } = placed;
        let by = AnsweredBy::Agent { agent: agent.id, session, turn, after };
        let response = Response { id, account: agent.account, created_at: ctx.now, asked, by };
        writer.insert_response(&response)?;
        Ok(id)
    });
    Ok((placed, agent.id, response.transpose()?))
}

fn placed(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    ask: &Ask,
) -> Result<Placed, Error> {
    let results = results(&ask.messages)?;
    let peer = peer_of(ctx, ask.peer.as_deref());
    let mark = ask.after.is_none().then(|| fingerprint(&peer, &ask.messages));
    let placed = match results {
        Some((turn, results)) => resume::go_on(core, writer, ctx, agent, turn, results, ask)?,
        None => begin::begin(core, writer, ctx, agent, peer, ask)?,
    };
    if let Some(mark) = mark {
        writer.mark(agent.id, mark, placed.turn)?;
    }
    Ok(placed)
}

/// A call that was handed out, with what came of it.
pub(super) type Results = Vec<(ToolCallId, String)>;

/// Returns the results that a request brings for calls that were handed out, with their turn; none where it brings
/// no results, or only such of a conversation that was held elsewhere.
fn results(messages: &[Message]) -> Result<Option<(TurnId, Results)>, Error> {
    let (_, new) = cut(messages);
    let mut results = Vec::new();
    let mut turns = Vec::new();
    let mut foreign = 0_usize;
    for message in new {
        let Message::ToolResult { call, text, .. } = message else { continue };
        match inside(call) {
            Some((turn, call)) => {
                turns.push(turn);
                results.push((call, text.clone()));
            }
            None => foreign += 1,
        }
    }
    turns.dedup();
    match (turns.as_slice(), foreign) {
        ([], _) => Ok(None),
        ([turn], 0) if new.iter().all(|message| matches!(message, Message::ToolResult { .. })) => {
            Ok(Some((*turn, results)))
        }
        ([_], 0) => Err(Error::invalid(
            "messages",
            "must end with the results of the tools; say more when they were answered",
        )),
        _ => Err(Error::invalid("messages", "bring results of calls of more than one answer")),
    }
}
