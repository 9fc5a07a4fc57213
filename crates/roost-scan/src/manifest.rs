//! Manifests of MCP servers: what is started, with which secrets, from where, and what its tools tell the model.

use serde_json::Value;

use crate::language::Language;
use crate::rule::Check;
use crate::scanner::Scan;
use crate::snippet::masked;

/// How deep a manifest is read.
const DEPTH_MAX: usize = 24;

/// Looks at a manifest.
pub(crate) fn scan(scan: &mut Scan<'_>, source: &str) {
    let Ok(manifest) = serde_json::from_str::<Value>(source) else {
        scan.check(Check::Unparsable, 1, String::new(), Some("this is no JSON"));
        return;
    };
    let servers = ["mcpServers", "servers"].iter().filter_map(|key| manifest.get(key)?.as_object());
    for (name, server) in servers.flatten() {
        server_entry(scan, source, name, server);
    }
    let mut waiting = vec![(&manifest, 0)];
    while let Some((value, depth)) = waiting.pop() {
        if depth > DEPTH_MAX {
            continue;
        }
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(description)) = fields.get("description")
                    && steers_the_model(description)
                {
                    scan.check(Check::McpToolText, line_of(source, description), masked(description), None);
                }
                waiting.extend(fields.values().map(|value| (value, depth + 1)));
            }
            Value::Array(items) => waiting.extend(items.iter().map(|value| (value, depth + 1))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

fn server_entry(scan: &mut Scan<'_>, source: &str, name: &str, server: &Value) {
    let line = line_of(source, name);
    let text = |key: &str| server.get(key).and_then(Value::as_str).unwrap_or("");
    let args: Vec<&str> = server
        .get("args")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let program = text("command").rsplit('/').next().unwrap_or("");
    let command = format!("{} {}", text("command"), args.join(" "));
    if matches!(program, "npx" | "uvx" | "pipx" | "bunx")
        && !args.iter().find(|arg| !arg.starts_with('-')).is_some_and(|package| is_pinned(package))
    {
        scan.check(Check::McpUnpinned, line, masked(&command), None);
    }
    let url = [text("url"), text("serverUrl")].concat();
    if url.starts_with("http://")
        && !["localhost", "127.0.0.1", "[::1]"].iter().any(|host| url[7..].starts_with(host))
    {
        scan.check(Check::McpPlainHttp, line, masked(&url), None);
    }
    for key in ["env", "headers"] {
        for (name, value) in server.get(key).and_then(Value::as_object).into_iter().flatten() {
            if let Value::String(value) = value
                && is_secret(name, value)
            {
                let line = line_of(source, value);
                scan.check(Check::McpSecret, line, format!("{name}: ***"), None);
            }
        }
    }
    let whole = |arg: &&&str| matches!(**arg, "/" | "~" | "$HOME" | "C:\\" | "/home" | "/Users" | "/root");
    let opened = server.get("autoApprove").or_else(|| server.get("alwaysAllow")).and_then(Value::as_array);
    let approves_all = opened.is_some_and(|tools| tools.iter().any(|tool| tool == "*"));
    if approves_all || args.iter().find(whole).is_some() {
        scan.check(Check::McpBroad, line, masked(&command), None);
    }
    if matches!(program, "sh" | "bash" | "zsh") {
        if let Some(script) = args.iter().skip_while(|arg| **arg != "-c").nth(1) {
            scan.piece(Language::Bash, script, line.saturating_sub(1), 1);
        }
    } else {
        scan.piece(Language::Bash, &command, line.saturating_sub(1), 1);
    }
}

fn is_pinned(arg: &str) -> bool {
    let version = arg.get(1..).and_then(|rest| rest.split_once('@')).or_else(|| arg.split_once("=="));
    version.is_some_and(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()))
        || arg.starts_with("./")
        || arg.starts_with('/')
}

fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let named =
        ["key", "token", "secret", "password", "authorization"].iter().any(|word| name.contains(word));
    let lower = value.to_ascii_lowercase();
    let stands_for = ["$", "{", "<", "your", "xxx", "...", "example", "changeme", "placeholder", "replace"];
    let value = value.trim_start_matches("Bearer ");
    named && value.len() >= 12 && !value.contains(' ') && !stands_for.iter().any(|one| lower.contains(one))
}

/// Tells whether a tool's description speaks to the model about other things than the tool.
pub(crate) fn steers_the_model(description: &str) -> bool {
    const ORDERS: [&str; 18] = [
        "<important>",
        "<hidden>",
        "<secret>",
        "ignore previous",
        "ignore all",
        "do not tell",
        "don't tell",
        "do not mention",
        "never mention",
        "without telling",
        "before using any other tool",
        "before calling any other",
        "~/.ssh",
        "id_rsa",
        ".env file",
        "/etc/passwd",
        "do not inform",
        "hide this",
    ];
    let text = description.to_lowercase();
    ORDERS.iter().any(|order| text.contains(order))
}

/// Returns the line on which a text first stands in the source.
pub(crate) fn line_of(source: &str, text: &str) -> u32 {
    let start: String = text.chars().take(60).take_while(|c| !matches!(c, '"' | '\\' | '\n')).collect();
    let at = source.find(start.as_str()).unwrap_or(0);
    u32::try_from(source[..at].matches('\n').count() + 1).unwrap_or(u32::MAX)
}
