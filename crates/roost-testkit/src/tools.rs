use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::secret::placeholders;
use roost_domain::tool::{ToolCall, ToolOutcome, ToolSpec, ToolStatus};
use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, ExitStatus, Machines, Output, Spec};
use roost_ports::tool::{Added, BadCall, Injections, Plan, Tools};
use serde_json::{Value, json};

/// Three tools that stand for all: `shell {command}` (not repeatable), `read_file {path}` (repeatable),
/// `http_request {host, key}` or `{url, method}` (a key is sent as a header) and `ask_human {question}`.
pub struct TestTools {
    machines: Arc<dyn Machines>,
}

impl TestTools {
    /// Gives tools that run in these machines.
    pub fn new(machines: Arc<dyn Machines>) -> Self {
        Self { machines }
    }

    async fn run_command(
        &self,
        permit: &Permit,
        line: String,
        machine: &Spec,
        progress: &mut (dyn for<'piece> FnMut(&'piece str) + Send),
    ) -> ToolOutcome {
        let failed = |error: roost_ports::machine::Error| ToolOutcome {
            text: error.to_string(),
            status: ToolStatus::Failed,
        };
        let machine = match self.machines.open(permit, machine).await {
            Ok(machine) => machine,
            Err(error) => return failed(error),
        };
        let command = Command { line, timeout: Duration::from_secs(60), output_cap: Bytes(1_000) };
        let mut text = String::new();
        let mut output = |piece: Output<'_>| {
            let (Output::Stdout(bytes) | Output::Stderr(bytes)) = piece;
            let piece = String::from_utf8_lossy(bytes);
            progress(&piece);
            text.push_str(&piece);
        };
        match machine.exec(permit, command, &mut output).await {
            Ok(exit) if exit.status == ExitStatus::Code(0) => ToolOutcome { text, status: ToolStatus::Done },
            Ok(exit) => ToolOutcome { text: format!("{text} {:?}", exit.status), status: ToolStatus::Failed },
            Err(error) => failed(error),
        }
    }
}

fn text<'a>(call: &'a ToolCall, field: &str) -> Result<&'a str, BadCall> {
    call.arguments[field].as_str().ok_or_else(|| BadCall(format!("{}: {field} must be a text", call.tool)))
}

#[async_trait]
impl Tools for TestTools {
    fn specs(&self) -> Vec<ToolSpec> {
        let tool = |name: &str, field: &str, idempotent| ToolSpec {
            name: name.to_owned(),
            description: format!("The test tool {name}."),
            parameters: json!({"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}),
            idempotent,
        };
        vec![
            tool("ask_human", "question", true),
            tool("http_request", "host", true),
            tool("read_file", "path", true),
            tool("shell", "command", false),
        ]
    }

    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        let act = |action, idempotent| Ok(Plan::Act { action, idempotent });
        match call.tool.as_str() {
            "ask_human" => Ok(Plan::Ask { question: text(call, "question")?.to_owned() }),
            "shell" => act(Action::RunCommand { command: text(call, "command")?.to_owned() }, false),
            "read_file" => act(Action::ReadFiles { path: text(call, "path")?.to_owned() }, true),
            "http_request" => {
                let given = call.arguments["url"].as_str();
                let url = given.map_or_else(
                    || text(call, "host").map(|host| format!("https://{host}/")),
                    |url| Ok(url.to_owned()),
                )?;
                let host = url.split('/').nth(2).unwrap_or_default();
                let host = host.parse().map_err(|error| BadCall(format!("host: {error}")))?;
                let method = call.arguments["method"].as_str().unwrap_or("GET").to_owned();
                let looks = method == "GET";
                act(Action::SendHttp { method, url, host, port: 443, carries: false }, looks)
            }
            other => Err(BadCall(format!("there is no tool {other:?}"))),
        }
    }

    fn secrets(&self, call: &ToolCall) -> Vec<String> {
        let key = call.arguments["key"].as_str().unwrap_or_default();
        placeholders(key).into_iter().map(str::to_owned).collect()
    }

    async fn run(
        &self,
        permit: &Permit,
        call: &ToolCall,
        machine: &Spec,
        secrets: &Injections,
        progress: &mut (dyn for<'piece> FnMut(&'piece str) + Send),
    ) -> ToolOutcome {
        if let (Action::SendHttp { host, port, method, .. }, true) =
            (permit.action(), !self.secrets(call).is_empty())
        {
            assert!(secrets.cover(host, *port, method), "the secrets were given out for another place");
            secrets.answered(200);
        }
        for added in secrets.added() {
            let (Added::Header { value, .. } | Added::Query { value, .. }) = added;
            assert!(
                !call.arguments.to_string().contains(value.expose()),
                "the call has what the server adds"
            );
        }
        let line = match (call.tool.as_str(), &call.arguments) {
            ("shell", arguments) => arguments["command"].as_str().unwrap_or_default().to_owned(),
            ("read_file", Value::Object(arguments)) if arguments["path"] == "hang" => "hang".to_owned(),
            (tool, arguments) => format!("{tool} {arguments}"),
        };
        self.run_command(permit, line, machine, progress).await
    }
}
