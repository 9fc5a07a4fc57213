//! `roost chat`: a conversation, or one question and its answer.

use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use self::event::{ChatEvent, Outcome};
use self::keyboard::Keyboard;
use self::screen::Screen;
use super::approvals;
use crate::cli::Chat;
use crate::client::{Agent, Client, ClientError, Events};
use crate::output;
use crate::server::Signals;

mod event;
mod keyboard;
mod screen;

/// The longest message that is read from standard input, in bytes; more than the server takes.
const MAX_STDIN_BYTES: u64 = 1024 * 1024;

/// How a turn ended, as far as this command is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Answered,
    /// A person has to decide or answer first.
    Waits,
    Failed,
    Cancelled,
    /// The person does not want to go on.
    Left,
}

impl Ending {
    fn code(self) -> ExitCode {
        match self {
            Self::Answered => ExitCode::SUCCESS,
            Self::Failed => ExitCode::FAILURE,
            Self::Waits => ExitCode::from(3),
            Self::Cancelled | Self::Left => ExitCode::from(130),
        }
    }
}

/// A conversation with one agent.
struct Conversation<'a> {
    client: &'a Client,
    agent: Agent,
    session: Option<String>,
    peer: Option<String>,
    signals: Signals,
    screen: Screen,
    /// Where a person answers; `None` where there is nobody.
    keyboard: Option<Keyboard>,
}

pub(super) async fn run(args: Chat, client: &Client) -> anyhow::Result<ExitCode> {
    let (agent, words) = whom(client, &args).await?;
    let message = match words {
        words if !words.is_empty() => Some(words.join(" ")),
        _ if io::stdin().is_terminal() => None,
        _ => Some(from_stdin()?),
    };
    if message.is_none() && !output::is_dialogue() {
        bail!("a conversation needs a terminal; give the message: roost chat \"…\"");
    }
    let mut conversation = Conversation {
        client,
        session: args.session,
        peer: args.peer,
        signals: Signals::catch()?,
        screen: Screen::new(args.client.output.json),
        keyboard: (output::is_dialogue() && !args.client.output.json).then(Keyboard::new),
        agent,
    };
    if args.new {
        conversation.begin().await?;
    }
    match message {
        Some(message) => Ok(conversation.say(&message).await?.code()),
        None => conversation.talk().await,
    }
}

/// Finds the agent that is meant, and the words that are the message.
async fn whom(client: &Client, args: &Chat) -> anyhow::Result<(Agent, Vec<String>)> {
    if let Some(named) = &args.agent {
        return Ok((client.agent(Some(named)).await?, args.words.clone()));
    }
    if let Some((first, rest)) = args.words.split_first()
        && let Some(agent) = client.agent_in(first).await?
    {
        return Ok((agent, rest.to_vec()));
    }
    Ok((client.agent(None).await?, args.words.clone()))
}

fn from_stdin() -> anyhow::Result<String> {
    let mut message = String::new();
    io::stdin()
        .take(MAX_STDIN_BYTES)
        .read_to_string(&mut message)
        .context("the message on standard input cannot be read; it must be text in UTF-8")?;
    let message = message.trim().to_owned();
    if message.is_empty() {
        bail!("there is no message; give one: roost chat \"…\", or on standard input");
    }
    Ok(message)
}

impl Conversation<'_> {
    /// Begins a session, so that the agent starts without what was said before.
    async fn begin(&mut self) -> anyhow::Result<()> {
        let path = ["agents", &self.agent.id, "chat", "sessions"];
        let body = self.peer.as_ref().map_or_else(|| json!({}), |peer| json!({ "peerId": peer }));
        let answer = self.client.send(Method::POST, &path, Some(&body)).await?;
        self.session = answer["data"]["id"].as_str().map(str::to_owned);
        Ok(())
    }

    /// Talks until the person leaves.
    async fn talk(&mut self) -> anyhow::Result<ExitCode> {
        let name = output::one_line(&self.agent.name);
        output::note(format!("Talking with {name}. Ctrl-C stops an answer; Ctrl-C here, or Ctrl-D, leaves."));
        while let Some(message) = self.line("\nyou> ").await? {
            if message.is_empty() {
                continue;
            }
            match self.say(&message).await {
                Ok(Ending::Left) => break,
                Ok(_) => {}
                // A refusal is about this message; the next may be taken.
                Err(error) => output::note(format!("error: {error:#}")),
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Reads a line from the person; `None` if they leave.
    async fn line(&mut self, prompt: &str) -> anyhow::Result<Option<String>> {
        let Some(keyboard) = &mut self.keyboard else { return Ok(None) };
        tokio::select! {
            line = keyboard.line(prompt) => Ok(line?),
            () = self.signals.next() => {
                output::note("");
                Ok(None)
            }
        }
    }

    /// Says something and shows what comes of it, to the end of the turn.
    async fn say(&mut self, message: &str) -> anyhow::Result<Ending> {
        let mut body = json!({ "message": message });
        if let Some(session) = &self.session {
            body["sessionId"] = session.as_str().into();
        }
        if let Some(peer) = &self.peer {
            body["peerId"] = peer.as_str().into();
        }
        let path = ["agents", &self.agent.id, "chat", "messages"];
        let events = self.client.stream(Method::POST, &path, &[], Some(&body)).await?;
        self.show(events).await
    }

    async fn show(&mut self, mut events: Events) -> anyhow::Result<Ending> {
        let mut cancelled = false;
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = self.signals.next() => {
                    if cancelled || !self.cancel().await {
                        return Ok(Ending::Left);
                    }
                    cancelled = true;
                    continue;
                }
            };
            let Some(event) = event else {
                bail!(
                    "the answer broke off; the server goes on with it, and `roost logs` shows what it does"
                );
            };
            let data = event?.data;
            let event = ChatEvent::read(&data);
            self.screen.show(&event, &data)?;
            if let Some(ending) = self.react(event).await? {
                return Ok(ending);
            }
        }
    }

    /// Does what an event asks for. Returns how the turn ended, if it did.
    async fn react(&mut self, event: ChatEvent) -> anyhow::Result<Option<Ending>> {
        Ok(match event {
            ChatEvent::Start { session } => {
                self.session = Some(session);
                None
            }
            ChatEvent::ApprovalRequired { approval, .. } => self.decide(&approval).await?,
            ChatEvent::Error { .. } => Some(Ending::Failed),
            ChatEvent::Done(Outcome::Answered) => Some(Ending::Answered),
            ChatEvent::Done(Outcome::Cancelled) => {
                self.screen.note("Stopped.");
                Some(Ending::Cancelled)
            }
            ChatEvent::Done(Outcome::Question) => {
                if self.keyboard.is_none() {
                    let session = self.session.as_deref().unwrap_or_default();
                    self.screen.note(&format!(
                        "The agent waits for an answer:\n  roost chat --agent {} --session {session} \"…\"",
                        self.agent.id
                    ));
                }
                Some(Ending::Waits)
            }
            ChatEvent::Done(Outcome::Waiting) => {
                self.screen.note("The agent still waits; `roost approvals list` shows for what.");
                Some(Ending::Waits)
            }
            ChatEvent::Text { .. }
            | ChatEvent::Retract { .. }
            | ChatEvent::ToolCall { .. }
            | ChatEvent::ToolOutput { .. }
            | ChatEvent::ToolResult { .. }
            | ChatEvent::ApprovalDecided { .. }
            | ChatEvent::Other => None,
        })
    }

    /// Lets the person decide an approval, where there is one; else says how it is decided.
    async fn decide(&mut self, id: &str) -> anyhow::Result<Option<Ending>> {
        if self.keyboard.is_none() {
            self.screen.note(&format!(
                "A person has to decide. To let the agent go on:\n  roost approvals approve {id}\n  roost approvals deny \
                 {id} --note \"why\""
            ));
            return Ok(Some(Ending::Waits));
        }
        loop {
            let Some(answer) = self.line("Allow it? [y]es, [n]o, or say why not: ").await? else {
                output::note(format!("Not decided. Later: roost approvals approve {id}, or deny {id}"));
                return Ok(Some(Ending::Left));
            };
            let (approve, note) = match answer.to_lowercase().as_str() {
                "" => continue,
                "y" | "yes" => (true, None),
                "n" | "no" => (false, None),
                _ => (false, Some(answer.as_str())),
            };
            match approvals::decide(self.client, id, approve, note).await {
                Ok(_) => return Ok(None),
                // Somebody else was faster, or it was too late; the stream tells how it went on.
                Err(ClientError::Refused { message, .. }) => {
                    output::note(message);
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Asks the server to stop the turn. Tells whether it makes sense to wait for that.
    async fn cancel(&mut self) -> bool {
        let Some(session) = &self.session else { return false };
        let path = ["agents", &self.agent.id, "chat", "sessions", session, "cancel"];
        self.screen.note("Stopping; Ctrl-C once more leaves at once.");
        match self.client.send(Method::POST, &path, None::<&Value>).await {
            Ok(_) => true,
            Err(error) => {
                self.screen.note(&format!("error: {error}"));
                false
            }
        }
    }
}
