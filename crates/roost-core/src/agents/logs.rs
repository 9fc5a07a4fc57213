use roost_domain::event::{Body, Ending, Event, Journal, TurnEvent};
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::page::Limit;

use super::{Agents, own};
use crate::hub::Watch;
use crate::{Core, Ctx, Error};

/// Lines of an agent's log, oldest first, without line ends.
pub type LogLines = Vec<String>;

impl Agents<'_> {
    /// Returns the last lines of an agent's log: a view of everything that happened to it, in the order in which
    /// it happened, without what was said.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn logs(&self, ctx: &Ctx, id: AgentId, tail: Limit) -> Result<LogLines, Error> {
        Ok(self.follow_logs(ctx, id, tail).await?.0)
    }

    /// Returns the last lines of an agent's log, and the lines that follow as they come.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn follow_logs(
        &self,
        ctx: &Ctx,
        id: AgentId,
        tail: Limit,
    ) -> Result<(LogLines, LogStream), Error> {
        ctx.require(Scope::Logs)?;
        let caller = ctx.clone();
        // Watching begins before the log is read, so that nothing falls between the two.
        let watch = self.0.hub.watch(id.journal());
        let events = self
            .0
            .ports
            .store
            .read(move |reader| {
                own(reader, &caller, id)?;
                Ok::<_, Error>(reader.last_agent_events(id, tail)?)
            })
            .await?;
        let last = events.last().map_or(0, |event| event.seq);
        let lines = events.iter().map(|event| line(&event.event)).collect();
        Ok((lines, LogStream { core: self.0.clone(), watch, agent: id, last }))
    }
}

/// An agent's log that is followed.
pub struct LogStream {
    core: Core,
    watch: Watch,
    agent: AgentId,
    last: u64,
}

impl LogStream {
    /// Returns the next lines, as soon as there are some.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    ///
    /// # Cancel
    ///
    /// Safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Result<LogLines, Error> {
        loop {
            let (agent, last) = (self.agent, self.last);
            let read = move |reader: &dyn roost_ports::store::Reader| {
                Ok::<_, Error>(reader.agent_events_after(agent, last, Limit::clamped(200, 200))?)
            };
            let events = self.core.ports.store.read(read).await?;
            if let Some(newest) = events.last() {
                self.last = newest.seq;
                return Ok(events.iter().map(|event| line(&event.event)).collect());
            }
            self.watch.log_changed().await;
        }
    }
}

/// Writes one event as a line of a log: `2026-02-10T14:00:05Z [info] Agent started`.
fn line(event: &Event) -> String {
    let at = event.at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let (level, text) = match &event.body {
        Body::Journal(entry) => journal_line(entry),
        Body::SessionStarted { channel } => ("info", format!("Session started over {}", channel.name())),
        Body::Turn { event, .. } => turn_line(event),
    };
    format!("{at} [{level}] {}", text.replace(['\n', '\r'], " "))
}

fn journal_line(entry: &Journal) -> (&'static str, String) {
    match entry {
        Journal::Created => ("info", "Agent created".to_owned()),
        Journal::Started => ("info", "Agent started".to_owned()),
        Journal::Stopped => ("info", "Agent stopped".to_owned()),
        Journal::Restarted => ("info", "Agent restarted".to_owned()),
        Journal::Paused => ("info", "Agent paused".to_owned()),
        Journal::Resumed => ("info", "Agent resumed".to_owned()),
        Journal::Froze => ("info", "Machine frozen: the agent is idle".to_owned()),
        Journal::Woke => ("info", "Agent woken".to_owned()),
        Journal::Changed { what } => ("info", format!("Changed: {what}")),
        Journal::Saved { snapshot, name } => ("info", format!("Snapshot {name:?} taken ({snapshot})")),
        Journal::Restored { snapshot, name } => ("info", format!("Snapshot {name:?} restored ({snapshot})")),
        Journal::Forked { parent, name } => ("info", format!("Forked from {name:?} ({parent})")),
        Journal::Failed { category, message } => ("error", format!("{} problem: {message}", category.name())),
        Journal::Connected { target, refused: None } => ("info", format!("Machine connected to {target}")),
        Journal::Connected { target, refused: Some(why) } => {
            ("warn", format!("Machine may not connect to {target}: {why}"))
        }
    }
}

fn turn_line(event: &TurnEvent) -> (&'static str, String) {
    match event {
        TurnEvent::MessageReceived { .. } => ("info", "Message received".to_owned()),
        TurnEvent::Recalled { entries } => ("info", format!("Recalled {} entries", entries.len())),
        TurnEvent::ModelCalled { model, .. } => ("info", format!("Asking {model}")),
        TurnEvent::ModelAnswered { calls, usage, cost, .. } => (
            "info",
            format!(
                "Model answered: {} tokens in, {} out, {} tool calls, {cost}",
                usage.input.0,
                usage.output.0,
                calls.len()
            ),
        ),
        TurnEvent::ModelFailed { problem, retryable } => {
            let level = if *retryable { "warn" } else { "error" };
            (level, format!("Model failed ({}): {}", problem.code, problem.message))
        }
        TurnEvent::ModelLost => ("warn", "The server stopped during a model call; asking again".to_owned()),
        TurnEvent::ApprovalRequested { approval, summary, .. } => {
            ("warn", format!("Approval {approval} requested: {summary}"))
        }
        TurnEvent::ApprovalDecided { approval, verdict, by, .. } => {
            let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            ("info", format!("Approval {approval} {}{by}", verdict.status()))
        }
        TurnEvent::ToolBlocked { reason, .. } => ("warn", format!("Tool blocked: {reason}")),
        TurnEvent::ToolStarted { summary, .. } => ("info", format!("Tool started: {summary}")),
        TurnEvent::ToolFinished { outcome, .. } => ("info", format!("Tool {}", outcome.status.name())),
        TurnEvent::ToolLost { .. } => {
            ("warn", "The server stopped while a tool ran; running it again".to_owned())
        }
        TurnEvent::QuestionAsked { .. } => ("info", "Asked the peer a question".to_owned()),
        TurnEvent::QuestionAnswered { .. } => ("info", "The peer answered".to_owned()),
        TurnEvent::HistoryGiven { messages } => {
            ("info", format!("The caller told {} messages of before", messages.len()))
        }
        TurnEvent::CallerAsked { tools, .. } => {
            ("info", format!("The caller offers {} tools of its own", tools.len()))
        }
        TurnEvent::Confined { .. } => ("info", "A step of a run binds the turn".to_owned()),
        TurnEvent::CallsGiven { calls } => {
            let tools: Vec<_> = calls.iter().map(|call| call.tool.as_str()).collect();
            ("info", format!("Calls prescribed: {}", tools.join(", ")))
        }
        TurnEvent::CallHandedOut { .. } => ("info", "Tool call handed out to the caller".to_owned()),
        TurnEvent::CallReturned { outcome, .. } => {
            ("info", format!("The caller's tool {}", outcome.status.name()))
        }
        TurnEvent::AgentAsked { name, turn, .. } => ("info", format!("Handed a task to {name} ({turn})")),
        TurnEvent::CancelRequested => ("info", "Cancel requested".to_owned()),
        TurnEvent::Ended { ending: Ending::Answered } => ("info", "Turn ended: answered".to_owned()),
        TurnEvent::Ended { ending: Ending::Cancelled } => ("info", "Turn ended: cancelled".to_owned()),
        TurnEvent::Ended { ending: Ending::Failed(problem) } => {
            ("error", format!("Turn failed ({}): {}", problem.code, problem.message))
        }
    }
}
