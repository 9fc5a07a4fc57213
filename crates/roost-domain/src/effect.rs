//! Effects: what an agent wants to do to the world outside its head.

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::agent::RuntimeKind;
use crate::id::{AgentId, SessionId, TurnId};
use crate::model::ModelName;
use crate::network::Host;
use crate::subject::Subject;
use crate::tool::ToolCall;
use crate::unit::MicroUsd;

/// One thing an agent wants to do, with all that a decision about it may look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Who wants it.
    pub agent: AgentId,
    /// In which session.
    pub session: SessionId,
    /// In which turn.
    pub turn: TurnId,
    /// Which part of the turn wants it.
    pub cause: Cause,
    /// What it does, in the terms that rules are written in.
    pub action: Action,
    /// What of the workspace a command would run, as it was when it was looked at; leave for the command is for these
    /// contents alone.
    pub scripts: Vec<Script>,
}

/// A file that a command would run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Relative to the workspace.
    pub path: String,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
}

/// Which part of a turn wants an effect.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// The loop itself: it needs the model's next answer.
    Loop,
    /// The model asked for a tool.
    Tool(ToolCall),
}

/// What an effect does, in the terms that rules are written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Asks a model, which costs at most `worst_case`.
    CallModel {
        /// The model.
        model: ModelName,
        /// The most the call can cost: all that is sent plus the output cap, at full price.
        worst_case: MicroUsd,
    },
    /// Runs a command in the agent's own machine.
    RunCommand {
        /// As a shell reads it.
        command: String,
    },
    /// Runs somebody else's agent runtime in the agent's own machine, whose own acts there nobody decides about one by
    /// one.
    RunRuntime {
        /// Which.
        runtime: RuntimeKind,
    },
    /// Reads below a path of the agent's own workspace.
    ReadFiles {
        /// Relative to the workspace.
        path: String,
    },
    /// Changes a file of the agent's own workspace.
    WriteFile {
        /// Relative to the workspace.
        path: String,
    },
    /// Sends an HTTP request from the server.
    SendHttp {
        /// The method, in upper case.
        method: String,
        /// The whole URL.
        url: String,
        /// The URL's host.
        host: Host,
        /// The URL's port, the scheme's own where it names none.
        port: u16,
        /// Whether it carries a body or headers that the agent wrote.
        carries: bool,
    },
    /// Asks the peer of the session.
    AskPeer,
    /// Gives a call of one of the caller's own tools to the caller.
    HandOut {
        /// The tool's name.
        tool: String,
    },
    /// Reads one of the agent's own documents.
    ReadDocument {
        /// Its file name: `rules/refunds.md`.
        name: String,
    },
    /// Changes one of the agent's own documents, which shape what it does from then on.
    ChangeDocument {
        /// Its file name: `SOUL.md`.
        name: String,
    },
    /// Reads a skill that is installed on the agent.
    ReadSkill {
        /// The skill's name.
        skill: String,
    },
    /// Searches the knowledge of the agent, or of its swarm.
    SearchKnowledge {
        /// What is looked for.
        query: String,
    },
    /// Looks up what can be asked of a service that the agent is connected to. Nothing is asked of the service.
    FindOperations {
        /// The service's name in the catalog or the account.
        service: String,
        /// What is looked for.
        query: String,
    },
    /// Adds to the knowledge of the agent, or of its swarm.
    WriteKnowledge {
        /// Where it is said to come from.
        source: String,
    },
    /// Hands a task to another agent of the same swarm.
    AskAgent {
        /// The other agent, by its name or its id, as the model wrote it.
        agent: String,
    },
}

impl Action {
    /// Returns the name used in records, policies and messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CallModel { .. } => "call_model",
            Self::RunCommand { .. } => "run_command",
            Self::RunRuntime { .. } => "run_runtime",
            Self::ReadFiles { .. } => "read_files",
            Self::WriteFile { .. } => "write_file",
            Self::SendHttp { .. } => "send_http",
            Self::AskPeer => "ask_peer",
            Self::HandOut { .. } => "hand_out",
            Self::ReadDocument { .. } => "read_document",
            Self::ChangeDocument { .. } => "change_document",
            Self::ReadSkill { .. } => "read_skill",
            Self::SearchKnowledge { .. } => "search_knowledge",
            Self::FindOperations { .. } => "find_operations",
            Self::WriteKnowledge { .. } => "write_knowledge",
            Self::AskAgent { .. } => "ask_agent",
        }
    }

    /// Tells whether it happens in the agent's machine, which has to be up for it.
    pub const fn needs_machine(&self) -> bool {
        match self {
            Self::RunCommand { .. }
            | Self::RunRuntime { .. }
            | Self::ReadFiles { .. }
            | Self::WriteFile { .. } => true,
            Self::CallModel { .. }
            | Self::SendHttp { .. }
            | Self::AskPeer
            | Self::HandOut { .. }
            | Self::ReadDocument { .. }
            | Self::ChangeDocument { .. }
            | Self::ReadSkill { .. }
            | Self::SearchKnowledge { .. }
            | Self::FindOperations { .. }
            | Self::WriteKnowledge { .. }
            | Self::AskAgent { .. } => false,
        }
    }
}

impl fmt::Display for Action {
    /// Prints one line for people who decide: `run the command "ls -la"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallModel { model, worst_case } => write!(f, "ask {model} for up to {worst_case}"),
            Self::RunCommand { command } => write!(f, "run the command {:?}", shorten(command)),
            Self::RunRuntime { runtime } => write!(f, "run {runtime} in its machine"),
            Self::ReadFiles { path } => write!(f, "read {path:?} in its workspace"),
            Self::WriteFile { path } => write!(f, "write {path:?} in its workspace"),
            Self::SendHttp { method, url, .. } => write!(f, "send {method} {}", shorten(url)),
            Self::AskPeer => f.write_str("ask its peer a question"),
            Self::HandOut { tool } => write!(f, "give a call of {tool:?} to the caller"),
            Self::ReadDocument { name } => write!(f, "read its {name}"),
            Self::ChangeDocument { name } => write!(f, "change its own {name}"),
            Self::ReadSkill { skill } => write!(f, "read the skill {skill}"),
            Self::SearchKnowledge { query } => write!(f, "search its knowledge for {:?}", shorten(query)),
            Self::FindOperations { service, query } => {
                write!(f, "look up operations of {service} for {:?}", shorten(query))
            }
            Self::WriteKnowledge { source } => write!(f, "add to its knowledge from {:?}", shorten(source)),
            Self::AskAgent { agent } => write!(f, "hand a task to the agent {agent:?}"),
        }
    }
}

fn shorten(text: &str) -> String {
    const CAP: usize = 400;
    match text.char_indices().nth(CAP) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Names one exact effect: change any argument and it is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EffectHash(pub [u8; 32]);

impl fmt::Display for EffectHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl EffectHash {
    /// Returns the hash of a call by an agent that runs elsewhere, of which no more is known than this.
    pub fn of_call(subject: &Subject, tool: &str, parameters: &Value) -> Self {
        let mut hasher = Sha256::new();
        for part in ["roost call 1", subject.as_str(), tool, &parameters.to_string()] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finalize().into())
    }
}

impl Effect {
    /// Returns the effect's hash: SHA-256 over every field, each preceded by its length.
    pub fn hash(&self) -> EffectHash {
        let mut hasher = Sha256::new();
        let mut put = |part: &str| {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        };
        put("roost effect 1");
        put(&self.agent.to_string());
        put(&self.session.to_string());
        put(&self.turn.to_string());
        match &self.cause {
            Cause::Loop => put("loop"),
            Cause::Tool(call) => {
                put("tool");
                put(call.id.as_str());
                put(&call.tool);
                put(&call.arguments.to_string());
            }
        }
        put(self.action.name());
        match &self.action {
            Action::CallModel { model, worst_case: _ } => put(model.as_str()),
            Action::RunCommand { command } => put(command),
            Action::RunRuntime { runtime } => put(runtime.name()),
            Action::ReadFiles { path } | Action::WriteFile { path } => put(path),
            Action::SendHttp { method, url, host: _, port: _, carries: _ } => {
                put(method);
                put(url);
            }
            Action::AskPeer => {}
            Action::FindOperations { service, query } => {
                put(service);
                put(query);
            }
            Action::HandOut { tool } => put(tool),
            Action::ReadDocument { name: text }
            | Action::ChangeDocument { name: text }
            | Action::ReadSkill { skill: text }
            | Action::SearchKnowledge { query: text }
            | Action::WriteKnowledge { source: text }
            | Action::AskAgent { agent: text } => put(text),
        }
        // An effect without scripts has the hash that it had before there were any.
        for script in &self.scripts {
            put("script");
            put(&script.path);
            put(&EffectHash(script.sha256).to_string());
        }
        EffectHash(hasher.finalize().into())
    }
}
