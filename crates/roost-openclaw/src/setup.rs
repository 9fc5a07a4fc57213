//! What a gateway finds in its machine.

use roost_ports::machine::PROGRAMS;
use roost_ports::runtime::Setup;
use serde_json::{Value, json};

/// Where the gateway listens, on the machine's loopback address.
pub(crate) const PORT: u16 = 18_789;
/// Its state directory, relative to the workspace.
const STATE: &str = ".openclaw";
/// Where its process id is, in the machine.
pub(crate) const PID_FILE: &str = "/tmp/openclaw.pid";
/// Where its model calls go: the machine's own proxy, which leads to the door of this server.
const DOOR: &str = "http://127.0.0.1:3128/v1";
/// What the gateway reads of the agent's documents that it does not know by itself.
const AGENTS: &str = "# AGENTS.md\n\n\
    SOUL.md says how you are, IDENTITY.md who you are.\n\n\
    If there is a WORKFLOW.md in this workspace, it says what your job is: read it when a conversation begins, and \
    follow it. If there is a directory rules/, read the rules in it that bear on what you are about to do.\n";

/// The tokens of one gateway.
#[derive(Clone)]
pub(crate) struct Tokens {
    /// Whoever speaks with the gateway shows this.
    pub(crate) gateway: String,
    /// The gateway shows this at the door for its model calls.
    pub(crate) door: String,
}

/// Returns the files of the workspace that a gateway is started with.
pub(crate) fn files(setup: &Setup, tokens: &Tokens) -> Vec<(String, String)> {
    let mut files = vec![
        (format!("{STATE}/openclaw.json"), config(setup, tokens).to_string()),
        ("AGENTS.md".to_owned(), AGENTS.to_owned()),
    ];
    files.extend(setup.documents.iter().cloned());
    files
}

/// Returns the line that runs a gateway.
pub(crate) fn command() -> String {
    format!(
        "umask 077; echo $$ > {PID_FILE}; node=node; \
         for found in {PROGRAMS}/node_modules/node-linux-*/bin/node; do [ -x \"$found\" ] && node=$found; done; \
         export OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_NO_RESPAWN=1 OPENCLAW_NO_AUTO_UPDATE=1 \
         OPENCLAW_EXEC_SHELL_SNAPSHOT=0 OPENCLAW_SKIP_CHANNELS=1 NO_COLOR=1; \
         exec \"$node\" {PROGRAMS}/node_modules/openclaw/openclaw.mjs gateway --port {PORT} --bind loopback"
    )
}

fn config(setup: &Setup, tokens: &Tokens) -> Value {
    json!({
        "gateway": {
            "mode": "local",
            "port": PORT,
            "bind": "loopback",
            "auth": {"mode": "token", "token": tokens.gateway},
            "controlUi": {"enabled": false},
            "http": {"endpoints": {"chatCompletions": {"enabled": true}}},
        },
        "models": {"mode": "merge", "providers": {"roost": {
            "baseUrl": DOOR,
            "apiKey": tokens.door,
            "api": "openai-completions",
            "models": [{
                "id": "agent",
                "name": "agent",
                "reasoning": false,
                "input": ["text"],
                "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
                "contextWindow": setup.context.0,
                "maxTokens": setup.max_output.0,
            }],
        }}},
        "agents": {"defaults": {
            "model": {"primary": "roost/agent"},
            "workspace": "/workspace",
            "skipBootstrap": true,
            "heartbeat": {"every": "0m"},
        }},
        "plugins": {
            "allow": ["admin-http-rpc"],
            "entries": {"memory-core": {"enabled": false}},
            "slots": {"memory": "none"},
        },
        "hooks": {"enabled": false},
        "update": {"checkOnStart": false},
    })
}
