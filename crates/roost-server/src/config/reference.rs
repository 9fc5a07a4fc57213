//! The reference page of the configuration, written from the sections themselves.

use std::fmt::Write as _;

use toml::Value;

use super::file;
use super::section::{OptionDoc, Section};

const HEAD: &str = "\
# Configuration

Roost works without any configuration. What you want otherwise stands in a file `roost.toml`, in the environment, or
on the command line: a flag wins over the environment, the environment over the file, the file over the default.

The file is the one that `--config FILE` or `ROOST_CONFIG` names; else `roost.toml` in the directory where the command
is run; else `~/.config/roost/roost.toml` (`$XDG_CONFIG_HOME/roost/roost.toml`). A key that Roost does not know is
refused with its line, so a misspelt one is never passed over. Paths in the file are relative to the file. Times and
sizes are texts with a unit: `\"500ms\"`, `\"30s\"`, `\"10m\"`, `\"24h\"`, `\"7d\"`; `\"512KiB\"`, `\"64MiB\"`, `\"2GiB\"`.

Every option has been there since 0.1.0. This page is written from the source by a test; do not edit it by hand.

## Environment

| variable | meaning |
|---|---|
| `ROOST_CONFIG` | the configuration file, as `--config` |
| `ROOST_LISTEN` | where the server listens, as `--listen` and `listen` |
| `ROOST_DATA` | the data directory, as `--data` and `data` |
| `ROOST_MASTER_KEY` | the key under which all secrets are encrypted: 64 hexadecimal digits or 44 characters of base64. Without it, the file `master.key` in the data directory, made at the first start |
| `ROOST_LOG`, `RUST_LOG` | how much the server logs, as `log.filter` |
| `ROOST_URL`, `ROOST_KEY` | the server and the key that `roost chat` and the other client commands use, as `--url` and `--key` |
| `ANTHROPIC_API_KEY`, `OPENAI_API_KEY`, `GEMINI_API_KEY` (or `GOOGLE_API_KEY`), `OPENROUTER_API_KEY` | the server's own keys for model providers |
| `ANTHROPIC_BASE_URL`, `GEMINI_BASE_URL` | where the provider is, a bare host, as the vendors' own clients read it |
| `OPENAI_BASE_URL` | where OpenAI is, up to and with `/v1`, as OpenAI's own clients read it |
| `HTTPS_PROXY`, `ALL_PROXY` | a proxy for model providers, where `models.proxy` names none |

## Options
";

/// Writes the page.
fn page() -> String {
    let mut page = HEAD.to_owned();
    section::<file::File>(&mut page, "");
    section::<file::Server>(&mut page, "server");
    section::<file::Region>(&mut page, "regions.eu");
    section::<file::Region>(&mut page, "regions.us");
    section::<file::Log>(&mut page, "log");
    section::<file::Limits>(&mut page, "limits");
    section::<file::Api>(&mut page, "api");
    section::<file::Guard>(&mut page, "guard");
    section::<file::Fullpilot>(&mut page, "fullpilot");
    section::<file::PlanOptions>(&mut page, "plans.NAME");
    section::<file::Machines>(&mut page, "machines");
    section::<file::Docker>(&mut page, "machines.docker");
    section::<file::Openclaw>(&mut page, "openclaw");
    section::<file::Sandboxes>(&mut page, "sandboxes");
    section::<file::Runtime>(&mut page, "runtime");
    section::<file::Skills>(&mut page, "skills");
    section::<file::Integrations>(&mut page, "integrations");
    section::<file::Triggers>(&mut page, "triggers");
    section::<file::Webhooks>(&mut page, "webhooks");
    section::<file::Knowledge>(&mut page, "knowledge");
    section::<file::Embeddings>(&mut page, "embeddings");
    section::<file::Store>(&mut page, "store");
    section::<file::Models>(&mut page, "models");
    section::<file::Anthropic>(&mut page, "models.anthropic");
    section::<file::Openai>(&mut page, "models.openai");
    section::<file::Google>(&mut page, "models.google");
    section::<file::Openrouter>(&mut page, "models.openrouter");
    section::<file::Ollama>(&mut page, "models.ollama");
    section::<file::Timeouts>(&mut page, "models.timeouts");
    section::<file::Retries>(&mut page, "models.retries");
    section::<file::Compatible>(&mut page, "[models.compatible]");
    section::<file::PriceEntry>(&mut page, "[models.prices]");
    writeln!(page, "\n## Example\n\n```toml\n{EXAMPLE}```").expect("writing to a text never fails");
    page
}

const EXAMPLE: &str = "\
listen = \"127.0.0.1:7700\"
data = \"/var/lib/roost\"

[server]
max_connections = 4096

[log]
format = \"json\"

[models]
default = \"anthropic/claude-sonnet-4-6\"

[plans.team]
like = \"pro\"
max_agents = 50

[models.timeouts]
first_byte = \"5m\"

[[models.compatible]]
name = \"vllm\"
base_url = \"http://10.0.0.5:8000/v1\"
api_key_env = \"VLLM_API_KEY\"

[[models.prices]]
model = \"vllm/qwen3\"
input_usd = 0.2
output_usd = 0.6
context = 32768
max_output = 8192
";

fn section<S: Section>(page: &mut String, name: &str) {
    let defaults = Value::try_from(S::default()).expect("every section can be written");
    let about = text(S::ABOUT);
    let heading = if name.is_empty() { "Top of the file".to_owned() } else { format!("`[{name}]`") };
    writeln!(page, "\n### {heading}\n\n{about}\n\n| key | value | default | meaning |\n|---|---|---|---|")
        .expect("writing to a text never fails");
    for OptionDoc { key, doc, kind } in S::OPTIONS {
        let default = defaults.get(key).map_or_else(|| "–".to_owned(), |value| format!("`{value}`"));
        writeln!(page, "| `{key}` | {kind} | {default} | {} |", text(doc))
            .expect("writing to a text never fails");
    }
}

fn text(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Returns every key of a value, with the path to it.
fn keys(value: &Value, path: &str, found: &mut Vec<String>) {
    let Value::Table(table) = value else { return found.push(path.to_owned()) };
    for (key, value) in table {
        keys(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, found);
    }
}

#[test]
fn the_reference_page_is_what_the_sections_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let (page, there) = (page(), std::fs::read_to_string(path).unwrap_or_default());
    if page != there {
        std::fs::write(path, page).expect("the page can be written");
        panic!(
            "docs/configuration.md was out of date and has been written anew; look at it and run the test again"
        );
    }
}

#[test]
fn every_key_that_the_file_can_have_is_on_the_page() {
    let (page, mut found) = (page(), Vec::new());
    keys(&Value::try_from(file::File::default()).expect("the file can be written"), "", &mut found);
    assert!(found.len() > 25, "{found:?}");
    for path in found {
        let (section, key) = path.rsplit_once('.').unwrap_or(("", &path));
        // Lists of sections are empty by default; their keys are seen by their own section.
        if matches!(key, "compatible" | "prices") {
            assert!(page.contains(&format!("`[[models.{key}]]`")), "no section for {path}");
            continue;
        }
        let heading =
            if section.is_empty() { "### Top of the file".to_owned() } else { format!("### `[{section}]`") };
        let (_, part) = page.split_once(&heading).unwrap_or_else(|| panic!("no section for {path}"));
        let part = part.split("\n### ").next().expect("there is a first part");
        assert!(part.contains(&format!("| `{key}` |")), "{path} is not on the page");
    }
}

#[test]
fn the_example_is_read_without_complaint() {
    let file = super::parse("roost.toml".as_ref(), EXAMPLE).expect("the example is right");
    assert_eq!(file.server.max_connections, 4_096);
    assert_eq!(file.models.compatible[0].name, "vllm");
    assert_eq!(file.plans["team"].max_agents, Some(50));
    assert_eq!(file.models.prices[0].output_usd, 0.6);
}
