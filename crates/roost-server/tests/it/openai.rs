//! OpenAI's own clients against the server, and the quickstarts as OpenAI's documents print them.

use std::process::Command;

use crate::peers::{node, python};
use crate::roost::{Home, Options, Process, Server, finish, text};

const PYTHON: &str = include_str!("openai/suite.py");
const JAVASCRIPT: &str = include_str!("openai/suite.mjs");

/// What the agents' and the direct models think.
const SCRIPT: &str = r#"
rules:
  - when: '(?i)weather'
    then:
      - text: "Looking."
        calls:
          - tool: shell
            arguments: {command: "echo mine"}
          - tool: get_weather
            arguments: {city: Paris}
      - text: "It is {{result}}."
  - when: '(?i)direct'
    then:
      - calls:
          - tool: get_weather
            arguments: {city: Rome}
      - text: "Rome is {{result}}."
  - when: '(?i)unicorn'
    then:
      - text: "Under a quiet moon, a unicorn fell asleep."
default:
  - text: "You said: {{user}}"
"#;

/// Runs a client with the variables by which it finds its API.
fn run(mut command: Command, url: &str, key: &str, more: &[(&str, &str)]) -> String {
    command
        .env("OPENAI_BASE_URL", format!("{url}/v1"))
        .env("OPENAI_API_KEY", key)
        .env("NO_PROXY", "127.0.0.1")
        .envs(more.iter().copied());
    let output = finish(command);
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{printed}");
    printed
}

fn server() -> Server {
    Server::start(Options { scripts: vec![("any", SCRIPT.to_owned())], ..Options::default() })
}

/// A server that lets a key ask once a minute.
fn strict() -> Server {
    let config = "[api]\nrequests_per_minute = 1\n".to_owned();
    Server::start(Options { config, ..Options::default() })
}

#[tokio::test]
async fn the_python_client_does_what_it_does_with_openai() {
    let Some(command) = python("py-openai", PYTHON) else { return };
    let (server, strict) = (server(), strict());
    let agent = server.agent("Ada", "scripted/any", &[]);
    let strict_url = format!("{}/v1", strict.url);
    let more = [("AGENT", agent.as_str()), ("STRICT_URL", &strict_url), ("STRICT_KEY", &strict.key)];
    let printed = run(command, &server.url, &server.key, &more);
    assert!(printed.trim_end().ends_with("all well"), "{printed}");
}

#[tokio::test]
async fn the_javascript_client_does_what_it_does_with_openai() {
    let home = Home::new(Options::default());
    let Some(command) = node("npm-openai", JAVASCRIPT, home.path()) else { return };
    let (server, strict) = (server(), strict());
    let agent = server.agent("Ada", "scripted/any", &[]);
    let strict_url = format!("{}/v1", strict.url);
    let more = [("AGENT", agent.as_str()), ("STRICT_URL", &strict_url), ("STRICT_KEY", &strict.key)];
    let printed = run(command, &server.url, &server.key, &more);
    assert!(printed.trim_end().ends_with("all well"), "{printed}");
}

/// Starts the fake model, and a server whose key for OpenAI leads there.
fn behind() -> (Process, Server) {
    let home = Home::new(Options { scripts: vec![("any", SCRIPT.to_owned())], ..Options::default() });
    let script = home.path().join("scripts/any.yaml");
    let script = script.to_str().expect("a plain path");
    let mut fake = Process::start(home.roost(&["fake-model", "--listen", "127.0.0.1:0", "--script", script]));
    let url = fake.line("listening on ");
    let environment =
        vec![("OPENAI_BASE_URL", format!("{url}/v1")), ("OPENAI_API_KEY", "sk-test".to_owned())];
    (fake, Server::start(Options { environment, ..Options::default() }))
}

const STORY: &str = "Under a quiet moon, a unicorn fell asleep.";

#[tokio::test]
async fn openais_python_quickstart_runs_as_it_is_printed() {
    let quickstarts = [
        r#"from openai import OpenAI
client = OpenAI()

response = client.responses.create(
    model="gpt-5.5",
    input="Write a one-sentence bedtime story about a unicorn."
)

print(response.output_text)
"#,
        r#"from openai import OpenAI
client = OpenAI()

completion = client.chat.completions.create(
    model="gpt-5.5",
    messages=[
        {
            "role": "user",
            "content": "Write a one-sentence bedtime story about a unicorn."
        }
    ]
)

print(completion.choices[0].message.content)
"#,
    ];
    let (_fake, server) = behind();
    server.agent("Ada", "openai/gpt-5.5", &[]);
    for quickstart in quickstarts {
        for script in [quickstart.to_owned(), quickstart.replace("gpt-5.5", "agent:Ada")] {
            let Some(command) = python("py-openai", &script) else { return };
            assert_eq!(run(command, &server.url, &server.key, &[]).trim_end(), STORY);
        }
    }
}

#[tokio::test]
async fn openais_javascript_quickstart_runs_as_it_is_printed() {
    let quickstarts = [
        r#"import OpenAI from "openai";
const client = new OpenAI();

const response = await client.responses.create({
    model: "gpt-5.5",
    input: "Write a one-sentence bedtime story about a unicorn.",
});

console.log(response.output_text);
"#,
        r#"import OpenAI from "openai";
const client = new OpenAI();

const completion = await client.chat.completions.create({
    model: "gpt-5.5",
    messages: [
        {
            role: "user",
            content: "Write a one-sentence bedtime story about a unicorn.",
        },
    ],
});

console.log(completion.choices[0].message.content);
"#,
    ];
    let (_fake, server) = behind();
    server.agent("Ada", "openai/gpt-5.5", &[]);
    let home = Home::new(Options::default());
    for quickstart in quickstarts {
        for script in [quickstart.to_owned(), quickstart.replace("gpt-5.5", "agent:Ada")] {
            let Some(command) = node("npm-openai", &script, home.path()) else { return };
            assert_eq!(run(command, &server.url, &server.key, &[]).trim_end(), STORY);
        }
    }
}
