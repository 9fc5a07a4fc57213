use jiff::Timestamp;
use roost_domain::event::{Body, Event, Offset, TurnEvent};
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::page::Limit;
use roost_ports::store::{AgentEvent, ChatMessage, Error, Events, EventsMut, MessageFilter, Role};
use rusqlite::params;

use super::{Columns, Noun, Tx, corrupt, failed, micros, noun, signed, to_microsecond};
use crate::record;

const EVENT: Noun = noun!("event");
const MESSAGE: Noun = noun!("message");

impl Events for Tx<'_> {
    fn events_after(&self, session: SessionId, after: Offset, limit: Limit) -> Result<Vec<Event>, Error> {
        self.all(
            EVENT,
            "select agent_id, session_id, session_offset, at, body
             from events where session_id = $1 and session_offset > $2
             order by session_offset limit $3",
            // An offset beyond what the column can hold comes after everything.
            params![session.uuid().as_bytes(), i64::try_from(after.0).unwrap_or(i64::MAX), limit.get()],
            event,
        )
    }

    fn events_before(&self, session: SessionId, before: Offset, limit: Limit) -> Result<Vec<Event>, Error> {
        let before = i64::try_from(before.0).unwrap_or(i64::MAX);
        let mut events = self.all(
            EVENT,
            "select agent_id, session_id, session_offset, at, body
             from events where session_id = $1 and session_offset < $2
             order by session_offset desc limit $3",
            params![session.uuid().as_bytes(), before, limit.get()],
            event,
        )?;
        events.reverse();
        Ok(events)
    }

    fn last_events(&self, session: SessionId, limit: Limit) -> Result<Vec<Event>, Error> {
        let mut events = self.all(
            EVENT,
            "select agent_id, session_id, session_offset, at, body
             from events where session_id = $1 order by session_offset desc limit $2",
            params![session.uuid().as_bytes(), limit.get()],
            event,
        )?;
        events.reverse();
        Ok(events)
    }

    fn turn_events(&self, session: SessionId, turn: TurnId) -> Result<Vec<Event>, Error> {
        // All of them: a turn is folded whole or not at all. Its rounds bound their number.
        self.all(
            EVENT,
            "select agent_id, session_id, session_offset, at, body
             from events where session_id = $1 and turn_id = $2 order by session_offset",
            params![session.uuid().as_bytes(), turn.uuid().as_bytes()],
            event,
        )
    }

    fn last_agent_events(&self, agent: AgentId, limit: Limit) -> Result<Vec<AgentEvent>, Error> {
        let mut events = self.all(
            EVENT,
            "select seq, agent_id, session_id, session_offset, at, body
             from events where agent_id = $1 order by seq desc limit $2",
            params![agent.uuid().as_bytes(), limit.get()],
            agent_event,
        )?;
        events.reverse();
        Ok(events)
    }

    fn agent_events_after(&self, agent: AgentId, seq: u64, limit: Limit) -> Result<Vec<AgentEvent>, Error> {
        self.all(
            EVENT,
            "select seq, agent_id, session_id, session_offset, at, body
             from events where agent_id = $1 and seq > $2 order by seq limit $3",
            params![agent.uuid().as_bytes(), i64::try_from(seq).unwrap_or(i64::MAX), limit.get()],
            agent_event,
        )
    }

    fn messages(&self, filter: &MessageFilter, limit: Limit) -> Result<(Vec<ChatMessage>, u64), Error> {
        let (mut messages, total) = match filter.session {
            Some(session) => self.messages_of_session(filter.agent, session, filter.since, limit)?,
            None => self.messages_of_agent(filter.agent, filter.since, limit)?,
        };
        messages.reverse();
        Ok((messages, total))
    }
}

impl EventsMut for Tx<'_> {
    fn append_events(
        &mut self,
        agent: AgentId,
        session: SessionId,
        at: Timestamp,
        bodies: Vec<Body>,
    ) -> Result<Vec<Event>, Error> {
        // A deleted agent's log is gone; a worker that has not noticed yet must not begin a new one.
        let is_there = self.first(
            EVENT,
            "select 1 from agents where id = $1 and deleted_at is null",
            params![agent.uuid().as_bytes()],
            |columns| columns.take::<i64>(),
        )?;
        if is_there.is_none() {
            return Err(failed(EVENT.writing, NoAgent));
        }
        let last = self.only(
            EVENT,
            "select coalesce(max(session_offset), 0) from events where session_id = $1",
            params![session.uuid().as_bytes()],
            |columns| columns.count(),
        )?;
        let at = to_microsecond(at);
        let mut offset = Offset(last);
        let mut events = Vec::with_capacity(bodies.len());
        for body in bodies {
            offset = offset.next();
            let event = Event { agent, session, offset, at, body };
            self.insert_event(&event)?;
            events.push(event);
        }
        Ok(events)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the agent does not exist or is deleted")]
struct NoAgent;

impl Tx<'_> {
    fn insert_event(&self, event: &Event) -> Result<(), Error> {
        self.change_one(
            EVENT,
            "insert into events (agent_id, session_id, session_offset, turn_id, at, role, body)
             values ($1, $2, $3, $4, $5, $6, $7)",
            params![
                event.agent.uuid().as_bytes(),
                event.session.uuid().as_bytes(),
                signed(EVENT, event.offset.0)?,
                turn_of(&event.body).map(|turn| turn.uuid().into_bytes()),
                micros(event.at),
                message(&event.body).map(|(role, _)| role_name(role)),
                record::event::encode(&event.body).map_err(|error| failed(EVENT.writing, error))?,
            ],
        )
    }

    /// Newest first.
    fn messages_of_session(
        &self,
        agent: AgentId,
        session: SessionId,
        since: Option<Timestamp>,
        limit: Limit,
    ) -> Result<(Vec<ChatMessage>, u64), Error> {
        let (agent, session, since) = (agent.uuid(), session.uuid(), since.map(micros));
        let rows = self.all(
            MESSAGE,
            "select session_id, at, body from events
             where session_id = $1 and agent_id = $2 and role is not null and ($3 is null or at > $3)
             order by seq desc limit $4",
            params![session.as_bytes(), agent.as_bytes(), since, limit.get()],
            chat_message,
        )?;
        let total = self.only(
            MESSAGE,
            "select count(*) from events
             where session_id = $1 and agent_id = $2 and role is not null and ($3 is null or at > $3)",
            params![session.as_bytes(), agent.as_bytes(), since],
            |columns| columns.count(),
        )?;
        Ok((rows, total))
    }

    /// Newest first.
    fn messages_of_agent(
        &self,
        agent: AgentId,
        since: Option<Timestamp>,
        limit: Limit,
    ) -> Result<(Vec<ChatMessage>, u64), Error> {
        let (agent, since) = (agent.uuid(), since.map(micros));
        let rows = self.all(
            MESSAGE,
            "select session_id, at, body from events
             where agent_id = $1 and role is not null and ($2 is null or at > $2)
             order by seq desc limit $3",
            params![agent.as_bytes(), since, limit.get()],
            chat_message,
        )?;
        let total = self.only(
            MESSAGE,
            "select count(*) from events
             where agent_id = $1 and role is not null and ($2 is null or at > $2)",
            params![agent.as_bytes(), since],
            |columns| columns.count(),
        )?;
        Ok((rows, total))
    }
}

fn event(columns: &mut Columns<'_>) -> Result<Event, Error> {
    Ok(Event {
        agent: columns.id()?,
        session: columns.id()?,
        offset: Offset(columns.count()?),
        at: columns.time()?,
        body: body(columns)?,
    })
}

fn agent_event(columns: &mut Columns<'_>) -> Result<AgentEvent, Error> {
    Ok(AgentEvent { seq: columns.count()?, event: event(columns)? })
}

fn chat_message(columns: &mut Columns<'_>) -> Result<ChatMessage, Error> {
    let (session, at) = (columns.id()?, columns.time()?);
    let (role, content) = message(&body(columns)?)
        .map(|(role, text)| (role, text.to_owned()))
        .ok_or_else(|| corrupt(MESSAGE.name, "the event is marked as a message but holds none"))?;
    Ok(ChatMessage { session, role, content, at })
}

fn body(columns: &mut Columns<'_>) -> Result<Body, Error> {
    record::event::decode(&columns.take::<String>()?).map_err(|error| corrupt(EVENT.name, error))
}

fn turn_of(body: &Body) -> Option<TurnId> {
    match body {
        Body::Turn { turn, .. } => Some(*turn),
        Body::Journal(_) | Body::SessionStarted { .. } => None,
    }
}

/// Returns who said what, where an event is a message of the conversation.
fn message(body: &Body) -> Option<(Role, &str)> {
    let Body::Turn { event, .. } = body else { return None };
    match event {
        TurnEvent::MessageReceived { text, .. } if text.is_empty() => None,
        TurnEvent::MessageReceived { text, .. } | TurnEvent::QuestionAnswered { answer: text, .. } => {
            Some((Role::User, text))
        }
        TurnEvent::ModelAnswered { text, .. } if !text.is_empty() => Some((Role::Assistant, text)),
        TurnEvent::ModelAnswered { .. }
        | TurnEvent::Recalled { .. }
        | TurnEvent::ModelCalled { .. }
        | TurnEvent::ModelFailed { .. }
        | TurnEvent::ModelLost
        | TurnEvent::ApprovalRequested { .. }
        | TurnEvent::ApprovalDecided { .. }
        | TurnEvent::ToolBlocked { .. }
        | TurnEvent::ToolStarted { .. }
        | TurnEvent::ToolFinished { .. }
        | TurnEvent::ToolLost { .. }
        | TurnEvent::QuestionAsked { .. }
        | TurnEvent::HistoryGiven { .. }
        | TurnEvent::CallerAsked { .. }
        | TurnEvent::Confined { .. }
        | TurnEvent::CallsGiven { .. }
        | TurnEvent::CallHandedOut { .. }
        | TurnEvent::CallReturned { .. }
        | TurnEvent::AgentAsked { .. }
        | TurnEvent::CancelRequested
        | TurnEvent::Ended { .. } => None,
    }
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
