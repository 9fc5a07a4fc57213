//! Event streams: a session's log from any offset, followed as it grows, with the text that is being written.

use std::collections::{HashMap, VecDeque};

use roost_domain::event::{Body, Event, Offset, TurnEvent};
use roost_domain::id::{AgentId, SessionId};
use roost_domain::key::Scope;
use roost_domain::page::Limit;

use crate::hub::Watch;
use crate::{Core, Ctx, Error};

pub use crate::hub::ProgressOf;

/// The use cases of event streams.
pub struct Events<'a>(pub(crate) &'a Core);

/// One item of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Live {
    /// An event of the log.
    Event(Event),
    /// More of a text that is not finished. When its event comes, the deltas make up the event's whole text,
    /// unless the model call failed; then what was told so far is void.
    Delta {
        /// What it belongs to.
        of: ProgressOf,
        /// The text.
        text: String,
    },
}

impl Events<'_> {
    /// Follows a session, or an agent's journal, from after an offset. Whatever is written before the call is replayed; unfinished text
    /// is replayed before what is new.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the session.
    pub async fn subscribe(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        session: SessionId,
        after: Offset,
    ) -> Result<Subscription, Error> {
        // The journal tells what logs tell, and nothing that was said.
        ctx.require(if session == agent.journal() { Scope::Logs } else { Scope::Chat })?;
        let account = ctx.account();
        self.0
            .ports
            .store
            .read(move |reader| {
                reader.agent(account, agent)?.ok_or_else(|| Error::not_found("agent", agent))?;
                reader.session(agent, session)?.ok_or_else(|| Error::not_found("session", session))
            })
            .await?;
        Ok(Subscription {
            watch: self.0.hub.watch(session),
            core: self.0.clone(),
            session,
            last: after,
            told: HashMap::new(),
            ready: VecDeque::new(),
            behind: true,
        })
    }
}

/// A session that is followed. It pulls: a slow reader costs nothing but its own delay.
pub struct Subscription {
    core: Core,
    watch: Watch,
    session: SessionId,
    last: Offset,
    /// How much of each unfinished text was told.
    told: HashMap<ProgressOf, usize>,
    ready: VecDeque<Live>,
    /// Whether the log may hold more than was read.
    behind: bool,
}

/// How many events are read at a time.
const BATCH: u32 = 200;

impl Subscription {
    /// Returns the next item, as soon as there is one.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    ///
    /// # Cancel
    ///
    /// Safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<Live, Error> {
        loop {
            if let Some(live) = self.ready.pop_front() {
                if let Live::Event(event) = &live {
                    self.last = event.offset;
                }
                return Ok(live);
            }
            // The log is read first: an event that ends a text then finds what was told of it.
            if self.behind || self.watch.log_went_on() {
                self.behind = true;
                let (session, last) = (self.session, self.last);
                let read = move |reader: &dyn roost_ports::store::Reader| {
                    Ok::<_, Error>(reader.events_after(session, last, Limit::clamped(BATCH, BATCH))?)
                };
                let events = self.core.ports.store.read(read).await?;
                self.behind = !events.is_empty();
                for event in events {
                    self.complete(&event);
                    self.ready.push_back(Live::Event(event));
                }
                if self.behind {
                    continue;
                }
            }
            let news = self.watch.news(&mut self.told);
            if news.is_empty() {
                self.watch.changed().await;
            } else {
                self.ready.extend(news.into_iter().map(|(of, text)| Live::Delta { of, text }));
            }
        }
    }

    /// Tells what is missing of a text before the event that has the whole.
    fn complete(&mut self, event: &Event) {
        let Body::Turn { event: turn_event, .. } = &event.body else { return };
        let (of, whole) = match turn_event {
            TurnEvent::ModelAnswered { text, .. } => (self.model_told(event.offset), text.as_str()),
            TurnEvent::ModelFailed { .. } | TurnEvent::ModelLost => (self.model_told(event.offset), ""),
            // A tool's result is not the text of its output: nothing is completed, what was told is done with.
            TurnEvent::ToolFinished { call, .. } => {
                self.told.remove(&ProgressOf::Tool(call.clone()));
                return;
            }
            TurnEvent::MessageReceived { .. }
            | TurnEvent::Recalled { .. }
            | TurnEvent::HistoryGiven { .. }
            | TurnEvent::CallerAsked { .. }
            | TurnEvent::Confined { .. }
            | TurnEvent::CallsGiven { .. }
            | TurnEvent::CallHandedOut { .. }
            | TurnEvent::CallReturned { .. }
            | TurnEvent::ModelCalled { .. }
            | TurnEvent::ApprovalRequested { .. }
            | TurnEvent::ApprovalDecided { .. }
            | TurnEvent::ToolBlocked { .. }
            | TurnEvent::ToolStarted { .. }
            | TurnEvent::ToolLost { .. }
            | TurnEvent::QuestionAsked { .. }
            | TurnEvent::QuestionAnswered { .. }
            | TurnEvent::AgentAsked { .. }
            | TurnEvent::CancelRequested
            | TurnEvent::Ended { .. } => return,
        };
        let told = of.as_ref().and_then(|of| self.told.remove(of)).unwrap_or(0);
        if let Some(rest) = whole.get(told..).filter(|rest| !rest.is_empty()) {
            let of = of.unwrap_or(ProgressOf::Model(event.offset));
            self.ready.push_back(Live::Delta { of, text: rest.to_owned() });
        }
    }

    /// Returns the model call of which something was told and that ended with the event at `offset`.
    fn model_told(&self, offset: Offset) -> Option<ProgressOf> {
        self.told
            .keys()
            .filter_map(|of| match of {
                ProgressOf::Model(at) if *at < offset => Some(*at),
                ProgressOf::Model(_) | ProgressOf::Tool(_) => None,
            })
            .max()
            .map(ProgressOf::Model)
    }
}
