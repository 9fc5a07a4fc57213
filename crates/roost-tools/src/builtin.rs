//! The set of built-in tools.

use std::sync::Arc;

use async_trait::async_trait;
use roost_domain::gate::Permit;
use roost_domain::tool::{ToolCall, ToolOutcome, ToolSpec, ToolStatus};
use roost_ports::machine::{Machine, Machines, Spec};
use roost_ports::tool::{BadCall, Injections, Plan, Tools};

use crate::ask_human::{self, AskHuman};
use crate::edit_file::{self, EditFile};
use crate::http_request::{self, Client, HttpOptions, HttpRequest};
use crate::list_files::{self, ListFiles};
use crate::read_file::{self, ReadFile};
use crate::search_files::{self, SearchFiles};
use crate::shell::{self, Shell};
use crate::workspace::Failed;
use crate::write_file::{self, WriteFile};

/// The built-in tools: commands and files in the agent's machine, HTTP from the server, a question to the peer.
pub struct BuiltinTools {
    machines: Arc<dyn Machines>,
    http: Client,
}

impl BuiltinTools {
    /// Creates the tools. Nothing is started or connected before a tool runs.
    pub fn new(machines: Arc<dyn Machines>, http: HttpOptions) -> Self {
        Self { machines, http: Client::new(http) }
    }
}

/// Returns the tools, sorted by name.
fn specs() -> [ToolSpec; 8] {
    [
        ask_human::spec(),
        edit_file::spec(),
        http_request::spec(),
        list_files::spec(),
        read_file::spec(),
        search_files::spec(),
        shell::spec(),
        write_file::spec(),
    ]
}

/// A call whose arguments were read.
enum Call {
    AskHuman(AskHuman),
    EditFile(EditFile),
    HttpRequest(Box<HttpRequest>),
    ListFiles(ListFiles),
    ReadFile(ReadFile),
    SearchFiles(SearchFiles),
    Shell(Shell),
    WriteFile(WriteFile),
}

impl Call {
    fn read(call: &ToolCall) -> Result<Self, BadCall> {
        let given = &call.arguments;
        Ok(match call.tool.as_str() {
            ask_human::NAME => Self::AskHuman(AskHuman::read(given)?),
            edit_file::NAME => Self::EditFile(EditFile::read(given)?),
            http_request::NAME => Self::HttpRequest(Box::new(HttpRequest::read(given)?)),
            list_files::NAME => Self::ListFiles(ListFiles::read(given)?),
            read_file::NAME => Self::ReadFile(ReadFile::read(given)?),
            search_files::NAME => Self::SearchFiles(SearchFiles::read(given)?),
            shell::NAME => Self::Shell(Shell::read(given)?),
            write_file::NAME => Self::WriteFile(WriteFile::read(given)?),
            unknown => {
                let shown: String = unknown.chars().take(80).collect();
                let known = specs().map(|spec| spec.name).join(", ");
                return Err(BadCall(format!("there is no tool {shown:?}; the tools are {known}")));
            }
        })
    }

    fn plan(&self) -> Plan {
        let (action, idempotent) = match self {
            Self::AskHuman(ask) => return Plan::Ask { question: ask.question.clone() },
            Self::EditFile(edit) => (edit.action(), false),
            Self::HttpRequest(request) => (request.action(), request.is_idempotent()),
            Self::ListFiles(list) => (list.action(), true),
            Self::ReadFile(read) => (read.action(), true),
            Self::SearchFiles(search) => (search.action(), true),
            Self::Shell(shell) => (shell.action(), false),
            Self::WriteFile(write) => (write.action(), true),
        };
        Plan::Act { action, idempotent }
    }
}

impl BuiltinTools {
    async fn act(
        &self,
        permit: &Permit,
        call: &ToolCall,
        spec: &Spec,
        secrets: &Injections,
        progress: &mut (dyn for<'text> FnMut(&'text str) + Send),
    ) -> Result<String, Failed> {
        let call = Call::read(call).map_err(|BadCall(problem)| Failed(problem))?;
        if let Plan::Act { action, .. } = call.plan()
            && (*permit.action() != action || permit.agent() != spec.agent)
        {
            return Err(Failed("the permit was given for another act; nothing was done".to_owned()));
        }
        match call {
            Call::AskHuman(_) => Err(Failed("a question is asked in the conversation, not run".to_owned())),
            Call::HttpRequest(request) => request.run(&self.http, spec, secrets).await,
            Call::EditFile(edit) => edit.run(self.open(permit, spec).await?.as_ref(), permit).await,
            Call::ListFiles(list) => list.run(self.open(permit, spec).await?.as_ref(), permit).await,
            Call::ReadFile(read) => read.run(self.open(permit, spec).await?.as_ref(), permit).await,
            Call::SearchFiles(search) => search.run(self.open(permit, spec).await?.as_ref(), permit).await,
            Call::Shell(shell) => shell.run(self.open(permit, spec).await?.as_ref(), permit, progress).await,
            Call::WriteFile(write) => write.run(self.open(permit, spec).await?.as_ref(), permit).await,
        }
    }

    async fn open(&self, permit: &Permit, spec: &Spec) -> Result<Arc<dyn Machine>, Failed> {
        Ok(self.machines.open(permit, spec).await?)
    }
}

#[async_trait]
impl Tools for BuiltinTools {
    fn specs(&self) -> Vec<ToolSpec> {
        specs().into()
    }

    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        Call::read(call).map(|call| call.plan())
    }

    fn secrets(&self, call: &ToolCall) -> Vec<String> {
        match Call::read(call) {
            Ok(Call::HttpRequest(request)) => request.secrets(),
            Ok(
                Call::AskHuman(_)
                | Call::EditFile(_)
                | Call::ListFiles(_)
                | Call::ReadFile(_)
                | Call::SearchFiles(_)
                | Call::Shell(_)
                | Call::WriteFile(_),
            )
            | Err(_) => Vec::new(),
        }
    }

    async fn run(
        &self,
        permit: &Permit,
        call: &ToolCall,
        machine: &Spec,
        secrets: &Injections,
        progress: &mut (dyn for<'text> FnMut(&'text str) + Send),
    ) -> ToolOutcome {
        match self.act(permit, call, machine, secrets, progress).await {
            Ok(text) => ToolOutcome { text, status: ToolStatus::Done },
            Err(Failed(text)) => ToolOutcome { text, status: ToolStatus::Failed },
        }
    }
}

#[cfg(test)]
mod tests;
