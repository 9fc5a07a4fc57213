//! Agents are connected to a service whose OAuth server is a certified one (npm `oidc-provider`), and use it.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use url::Url;

use crate::DEADLINE;
use crate::peers::node;
use crate::roost::{Options, Process, Server};

const PROVIDER: &str = include_str!("connections/provider.mjs");

/// Lets OAuth servers be on this machine, and tests look again and again.
const CONFIG: &str = "[integrations]\nallow_private = ['127.0.0.1']\n[api]\nrequests_per_minute = 1000000\n";

/// What the agent's model does: it calls the operation that the message names.
const SCRIPT: &str = r#"
rules:
  - when: '^get (\w+)'
    then:
      - calls: [{tool: call_operation, arguments: {service: pets, operation: get_pet, arguments: {id: "$1"}}}]
      - text: "{{result}}"
  - when: '^add (\w+)'
    then:
      - calls: [{tool: pets__add_pet, arguments: {body: {name: "$1", tags: [a, b]}}}]
      - text: "{{result}}"
  - when: '^find (.+)'
    then:
      - calls: [{tool: find_operations, arguments: {service: pets, query: "$1"}}]
      - text: "{{result}}"
  - when: '^wrong'
    then:
      - calls: [{tool: call_operation, arguments: {service: pets, operation: add_pet, arguments: {body: {name: 7}}}}]
      - text: "{{result}}"
default:
  - text: "What?"
"#;

struct World {
    server: Server,
    agent: String,
    provider: String,
    _process: Process,
    _home: tempfile::TempDir,
}

/// A browser: keeps cookies, and follows to where it is told to stop.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

struct Page {
    status: u16,
    location: Option<String>,
    text: String,
}

impl Browser {
    async fn ask(&mut self, method: Method, url: &str) -> Page {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().tls_certs_only([]).redirect(reqwest::redirect::Policy::none());
        let http = http.build().expect("a client");
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = http.request(method, url).header(COOKIE, cookies.join("; "));
        let answer =
            tokio::time::timeout(DEADLINE, request.send()).await.expect("in time").expect("an answer");
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().expect("a text").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a pair");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = answer.headers().get(LOCATION).map(|to| to.to_str().expect("a text").to_owned());
        let base = Url::parse(url).expect("a URL");
        let location = location.map(|to| base.join(&to).expect("a URL").to_string());
        let status = answer.status().as_u16();
        Page { status, location, text: answer.text().await.expect("it is whole") }
    }

    /// Follows redirects until one leads back to the server, and returns that.
    async fn until_back(&mut self, from: &str, server: &str) -> String {
        let mut url = from.to_owned();
        for _ in 0..12 {
            let page = self.ask(Method::GET, &url).await;
            url =
                page.location.unwrap_or_else(|| panic!("{url} leads nowhere: {} {}", page.status, page.text));
            if url.starts_with(server) {
                return url;
            }
        }
        panic!("it leads round and round: {url}");
    }
}

impl World {
    async fn start() -> Option<Self> {
        let config = CONFIG.to_owned();
        let server = Server::start(Options {
            config,
            scripts: vec![("any", SCRIPT.to_owned())],
            ..Options::default()
        });
        let home = tempfile::tempdir().expect("a directory");
        let mut command = node("npm-oauth", PROVIDER, home.path())?;
        command.arg(format!("{}/oauth/callback", server.url));
        let mut process = Process::start(command);
        let line = process.line("provider at ");
        let provider = line.split(' ').next().expect("a URL").to_owned();
        let agent = server.agent("robin", "scripted/any", &["--allow-private", "127.0.0.1"]);
        let world = Self { server, agent, provider, _process: process, _home: home };
        world.set_up().await;
        Some(world)
    }

    async fn set_up(&self) {
        let at = |path: &str| format!("{}{path}", self.provider);
        let pets = json!({
            "title": "Pets", "categories": ["animals"], "base": at("/api"), "headers": {"X-Version": "2"},
            "oauth": {
                "authorize": at("/auth"), "token": at("/token"), "revoke": at("/token/revocation"),
                "scopes": ["openid", "offline_access"], "clientAuth": "basic", "parameters": {"prompt": "consent"},
            },
        });
        self.good(self.server.put("/v1/integrations/pets", &pets).await);
        let client = json!({"clientId": "roost", "clientSecret": "the-secret-of-the-client"});
        self.good(self.server.put("/v1/integrations/pets/client", &client).await);
        let document = json!({
            "openapi": "3.1.0", "info": {"title": "Pets", "version": "1"},
            "paths": {
                "/pets/{id}": {"get": {"operationId": "getPet", "summary": "Get a pet", "parameters": [
                    {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}]}},
                "/pets": {"post": {"operationId": "addPet", "summary": "Add a pet", "requestBody": {"required": true,
                    "content": {"application/json": {"schema": {"type": "object", "required": ["name"], "properties": {
                        "name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}}}}}}}},
            },
        });
        let described =
            self.server.put("/v1/integrations/pets/openapi", &json!({"document": document})).await;
        assert_eq!(self.good(described)["operations"], 2);
        let config = json!({"config": {
            "integrations": ["pets"], "operations": ["pets__add_pet"], "network": {"allowPrivate": ["127.0.0.1"]},
        }});
        self.good(self.server.patch(&format!("/v1/agents/{}", self.agent), &config).await);
    }

    fn good(&self, (status, body): (u16, Value)) -> Value {
        assert!((200..300).contains(&status), "{status} {body}\nThe server's log:\n{}", self.server.log());
        body["data"].clone()
    }

    async fn connections(&self) -> Value {
        self.good(self.server.get(&format!("/v1/agents/{}/connections", self.agent)).await)
    }

    async fn control(&self, ask: &str) -> Value {
        let page = Browser::default().ask(Method::GET, &format!("{}/control/{ask}", self.provider)).await;
        serde_json::from_str(&page.text).unwrap_or_else(|error| panic!("{error}: {}", page.text))
    }

    /// Returns where a person says yes.
    async fn begin(&self) -> String {
        let path = format!("/v1/agents/{}/connections", self.agent);
        let begun = self.good(self.server.post(&path, &json!({"integration": "pets"})).await);
        assert_eq!(begun["status"], "auth_required");
        begun["authorizationUrl"].as_str().expect("a URL").to_owned()
    }

    /// A person says yes, and comes back with the answer, which is returned and not given.
    async fn say_yes(&self) -> String {
        let url = self.begin().await;
        Browser::default().until_back(&url, &self.server.url).await
    }

    async fn connect(&self) {
        let back = self.say_yes().await;
        let page = Browser::default().ask(Method::GET, &back).await;
        assert_eq!(page.status, 200, "{}\nThe server's log:\n{}", page.text, self.server.log());
        assert!(page.text.contains("Connected to Pets"), "{}", page.text);
    }

    /// Says something in a session of its own and returns the answer.
    async fn say(&self, text: &str) -> String {
        let begun = self
            .good(self.server.post(&format!("/v1/agents/{}/chat/sessions", self.agent), &json!({})).await);
        let session = begun["id"].as_str().or_else(|| begun["sessionId"].as_str()).expect("a session");
        let path = format!("/v1/agents/{}/chat/messages", self.agent);
        let body = json!({"message": text, "sessionId": session, "stream": false});
        let (status, answer) = self.server.post(&path, &body).await;
        assert_eq!(status, 200, "{answer}\nThe server's log:\n{}", self.server.log());
        answer.to_string()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_is_connected_uses_the_service_and_its_token_is_renewed_and_revoked() {
    let Some(world) = World::start().await else { return };
    let before = world.connections().await;
    assert_eq!(
        (&before["status"], &before["missing"][0]["reason"]),
        (&json!("auth_required"), &json!("not_connected"))
    );
    world.connect().await;
    let now = world.connections().await;
    assert_eq!((&now["status"], &now["missing"]), (&json!("ready"), &json!([])));
    let one = &now["connections"][0];
    assert_eq!(
        (&one["kind"], &one["status"], &one["renewable"]),
        (&json!("oauth"), &json!("active"), &json!(true))
    );

    // The credential is added where the request leaves the server, and taken out of what comes back.
    let answer = world.say("get rex").await;
    assert!(answer.contains("ann") && answer.contains("/api/pets/rex"), "{answer}");
    assert!(answer.contains("{{secret:connection:pets}}"), "{answer}");
    let answer = world.say("add tom").await;
    assert!(answer.contains("/api/pets"), "{answer}");
    let seen = world.control("look").await;
    let call = seen["calls"].as_array().expect("calls").last().expect("one").clone();
    assert_eq!(
        (&call["method"], &call["url"], &call["version"]),
        (&json!("POST"), &json!("/api/pets"), &json!("2"))
    );
    let sent: Value = serde_json::from_str(call["body"].as_str().expect("a body")).expect("it is JSON");
    assert_eq!(sent, json!({"name": "tom", "tags": ["a", "b"]}));
    let found = world.say("find add a new pet").await;
    assert!(found.contains("add_pet: Add a pet (POST /pets)"), "{found}");
    let wrong = world.say("wrong").await;
    assert!(wrong.contains("arguments.body.name"), "{wrong}");

    // Its token lasts a minute and is due to be renewed a second later; each use looks.
    let deadline = std::time::Instant::now() + DEADLINE;
    while world.control("look").await["refreshes"] == 0 {
        assert!(std::time::Instant::now() < deadline, "it is not renewed");
        assert!(world.say("get rex").await.contains("ann"));
    }
    // A token that the service forgot is renewed once and the request sent again.
    world.control("forget-access").await;
    let refreshes = world.control("look").await["refreshes"].as_u64().expect("a count");
    let answer = world.say("get rex").await;
    assert!(answer.contains("ann"), "{answer}");
    let seen = world.control("look").await;
    assert!(seen["refreshes"].as_u64() > Some(refreshes), "{seen}");

    // What renews it is refused: the agent needs a person again.
    let held = seen["tokens"].clone();
    world.control("forget-refresh").await;
    world.control("forget-access").await;
    let answer = world.say("get rex").await;
    assert!(answer.contains("no longer accepts") || answer.contains("401"), "{answer}");
    let now = world.connections().await;
    assert_eq!(
        (&now["status"], &now["missing"][0]["reason"]),
        (&json!("auth_required"), &json!("expired")),
        "{now}"
    );

    by_link(&world).await;
    let answer = world.say("get rex").await;
    assert!(answer.contains("ann"), "{answer}");
    let now = world.connections().await;
    let id = now["connections"][0]["id"].as_str().expect("an id").to_owned();
    let (status, revoked) = {
        let http = world.server.roost(&["connections", "revoke", &id, "--yes", "--json"]);
        let output = crate::roost::finish(http);
        (output.status.success(), crate::roost::text(&output.stdout))
    };
    assert!(status, "{revoked}");
    assert!(
        revoked.contains("\"revokedAtService\": true") || revoked.contains("\"revokedAtService\":true"),
        "{revoked}"
    );
    let seen = world.control("look").await;
    assert_eq!(
        (&seen["access"], &seen["refresh"]),
        (&json!(0), &json!(0)),
        "the service holds none any more"
    );
    assert_eq!(world.connections().await["status"], "auth_required");

    // No token stands in a log, an event or a file in clear.
    let events = world.server.get(&format!("/v1/agents/{}/logs?limit=1000", world.agent)).await.1.to_string();
    let told = format!("{events}{}{}{now}", world.server.log(), world.server.print(&["connections", "list"]));
    let files = files(&world.server.home().data());
    for token in held.as_array().expect("tokens").iter().chain(seen["tokens"].as_array().expect("tokens")) {
        let token = token.as_str().expect("a text");
        assert!(token.len() > 20, "{token}");
        assert!(!told.contains(token), "a token is told");
        assert!(!contains(&files, token.as_bytes()), "a token is in a file");
    }
    assert!(!told.contains("the-secret-of-the-client") && !contains(&files, b"the-secret-of-the-client"));
}

/// A person opens the link that the agent's owner sent them.
async fn by_link(world: &World) {
    let path = format!("/v1/agents/{}/connections/links", world.agent);
    let links = world.good(world.server.post(&path, &json!({})).await);
    let url = links[0]["connectionUrl"].as_str().expect("a link").to_owned();
    assert!(url.starts_with(&format!("{}/connect/", world.server.url)), "{url}");
    let mut browser = Browser::default();
    let page = browser.ask(Method::GET, &url).await;
    assert!(
        page.status == 200 && page.text.contains("robin") && page.text.contains("Go to Pets"),
        "{}",
        page.text
    );
    let onward = browser.ask(Method::POST, &url).await;
    assert_eq!(onward.status, 303, "{}", onward.text);
    let back = browser.until_back(&onward.location.expect("a location"), &world.server.url).await;
    let page = browser.ask(Method::GET, &back).await;
    assert!(page.status == 200 && page.text.contains("It has all that it needs."), "{}", page.text);
    assert_eq!(
        world.good(world.server.post(&path, &json!({})).await),
        json!([]),
        "nothing is missing any more"
    );
    let (begin, end) = url.split_at(url.len() - 6);
    let forged = format!("{begin}{}", end.chars().rev().collect::<String>());
    let page = browser.ask(Method::GET, &forged).await;
    assert!(page.status == 404 && page.text.contains("link_invalid"), "{} {}", page.status, page.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_not_right_connects_nothing() {
    let Some(world) = World::start().await else { return };
    let refused = async |url: &str, status: u16, code: &str| {
        let page = Browser::default().ask(Method::GET, url).await;
        assert!(page.status == status && page.text.contains(code), "{url}: {} {}", page.status, page.text);
        assert!(page.text.contains("Not connected"), "{}", page.text);
        assert_eq!(world.connections().await["connections"], json!([]), "{url} connected something");
    };
    let callback = format!("{}/oauth/callback", world.server.url);
    refused(&callback, 400, "oauth_state_unknown").await;
    refused(&format!("{callback}?state=nobodys&code=abc"), 400, "oauth_state_unknown").await;

    // The code of one answer with the state of another: the challenge was made of another verifier.
    let (one, other) = (world.say_yes().await, world.say_yes().await);
    let part = |url: &str, name: &str| {
        let url = Url::parse(url).expect("a URL");
        url.query_pairs().find(|(known, _)| known == name).expect("it is there").1.into_owned()
    };
    let mixed = format!("{callback}?code={}&state={}", part(&one, "code"), part(&other, "state"));
    refused(&mixed, 503, "oauth_exchange_failed").await;
    refused(&other, 409, "oauth_state_used").await;
    // The code was used up by whoever tried it with the wrong verifier, as RFC 6749 wants; begin again.
    let code_less = format!("{callback}?state={}", part(&world.say_yes().await, "state"));
    refused(&code_less, 400, "oauth_no_code").await;

    world.control("deny?yes=1").await;
    let denied = world.say_yes().await;
    assert!(denied.contains("error=access_denied"), "{denied}");
    refused(&denied, 403, "They said no (access_denied)").await;
    world.control("deny?yes=0").await;
    world.connect().await;
    assert_eq!(world.connections().await["status"], "ready");
}

fn files(directory: &std::path::Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            all.push(std::fs::read(&path).unwrap_or_default());
        }
    }
    all
}

fn contains(files: &[Vec<u8>], what: &[u8]) -> bool {
    files.iter().any(|file| file.windows(what.len()).any(|part| part == what))
}
