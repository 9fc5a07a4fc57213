//! What several tests of this crate need.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use roost_domain::conversation::{Answer, Conversation, Format, Message, ToolChoice, Wishes};
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::gate::{Decision, Permit, Profile, Rules, decide};
use roost_domain::guard::Guard;
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::network::NetworkRules;
use roost_domain::secret::Secret;
use roost_domain::tool::{ToolCall, ToolCallId, ToolSpec};
use roost_domain::unit::{MicroUsd, Tokens};
use roost_ports::model::{Chunk, Error, Models, Request};
use roost_ports::random::Random;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::draft::Decode;
use crate::options::{Options, Provider, Retries, Timeouts};
use crate::providers::Providers;

pub(crate) const KEY: &str = "sk-very-secret-0123456789";

/// Gives 1, 2, 3, …
#[derive(Default)]
pub(crate) struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// A server on loopback that ends with its owner.
pub(crate) struct Server {
    pub(crate) base: String,
    _task: JoinSet<()>,
}

pub(crate) async fn serve(router: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut task = JoinSet::new();
    task.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Server { base, _task: task }
}

/// One request that a stand-in received.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// A provider that gives prepared answers, the last one again and again, and remembers what it was asked.
pub(crate) struct StandIn {
    pub(crate) server: Server,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

pub(crate) type Prepared = Box<dyn Fn() -> Response + Send + Sync>;

impl StandIn {
    pub(crate) async fn new(answers: Vec<Prepared>) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let answers = Arc::new(answers);
        let log = seen.clone();
        let handler = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let mut log = log.lock().unwrap();
            let answer = answers[log.len().min(answers.len() - 1)]();
            let body = serde_json::from_slice(&body).unwrap();
            log.push(Seen { path: uri.to_string(), headers, body });
            std::future::ready(answer)
        };
        Self { server: serve(Router::new().fallback(handler)).await, seen }
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// An event stream, whole.
pub(crate) fn events(body: &'static str) -> Prepared {
    Box::new(move || ([("content-type", "text/event-stream")], body).into_response())
}

/// An event stream whose connection breaks after `body`.
pub(crate) fn events_then_cut(body: &'static str) -> Prepared {
    Box::new(move || {
        let stream = async_stream::stream! {
            yield Ok(Bytes::from_static(body.as_bytes()));
            tokio::task::yield_now().await;
            yield Err(std::io::Error::other("cut"));
        };
        ([("content-type", "text/event-stream")], Body::from_stream(stream)).into_response()
    })
}

/// An event stream that stays open after `body` and says nothing more.
pub(crate) fn events_then_silence(body: &'static str) -> Prepared {
    Box::new(move || {
        let head = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(body.as_bytes()))]);
        let stream = head.chain(futures_util::stream::pending());
        ([("content-type", "text/event-stream")], Body::from_stream(stream)).into_response()
    })
}

/// A refusal.
pub(crate) fn refusal(status: u16, headers: &'static [(&'static str, &'static str)], body: &str) -> Prepared {
    let body = body.to_owned();
    Box::new(move || {
        let mut response =
            (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body.clone())
                .into_response();
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        response
    })
}

/// Options with every provider at `base`, quick and with a key.
pub(crate) fn options(base: &str) -> Options {
    let at = |path: &str| Provider { base_url: format!("{base}{path}"), key: Some(Secret::new(KEY)) };
    Options {
        anthropic: at(""),
        openai: at("/v1"),
        google: at("/"),
        openrouter: at("/v1/"),
        ollama: Provider::at(format!("{base}/v1")),
        compatible: Vec::new(),
        scripts_dir: None,
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(20),
            silence: Duration::from_secs(20),
            whole: Duration::from_secs(25),
        },
        retries: Retries {
            max_attempts: 3,
            first_wait: Duration::from_millis(5),
            longest_wait: Duration::from_secs(3),
        },
        prices: Vec::new(),
        proxy: None,
    }
}

pub(crate) fn providers(options: Options) -> Providers {
    Providers::new(options, Arc::new(Counting::default())).unwrap()
}

/// Options that wait for the first byte as long as a busy machine needs, and for the next ones not at all.
pub(crate) fn impatient(base: &str) -> Options {
    let mut options = options(base);
    options.timeouts.silence = Duration::from_millis(200);
    options
}

pub(crate) fn permit(model: &str) -> Permit {
    permit_for(Action::CallModel { model: model.parse().unwrap(), worst_case: MicroUsd(1) })
}

pub(crate) fn permit_for(action: Action) -> Permit {
    let id = uuid::Uuid::from_u128(7);
    let effect = Effect {
        agent: AgentId::from_uuid(id),
        session: SessionId::from_uuid(id),
        turn: TurnId::from_uuid(id),
        cause: Cause::Loop,
        action,
        scripts: Vec::new(),
    };
    let (network, guard) = (NetworkRules::default(), Guard::default());
    match decide(&effect, &Rules::new(Profile::Open, &network, &guard)) {
        Decision::Allowed(permit, _) => permit,
        Decision::NeedsApproval(reason) | Decision::Blocked(reason) => panic!("{reason}"),
    }
}

pub(crate) fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str, parameters: Value| ToolSpec {
        name: name.into(),
        description: format!("The tool {name}."),
        parameters,
        idempotent: true,
    };
    vec![
        tool("read_file", json!({"type": "object", "properties": {"path": {"type": "string"}}})),
        tool(
            "shell",
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {"command": {"type": "string"}},
                "required": ["command"],
                "additionalProperties": false,
            }),
        ),
    ]
}

pub(crate) fn call(id: &str, tool: &str, arguments: Value) -> ToolCall {
    ToolCall { id: ToolCallId::from_text(id), tool: tool.into(), arguments }
}

pub(crate) fn result(id: &str, tool: &str, text: &str, is_error: bool) -> Message {
    Message::ToolResult { call: ToolCallId::from_text(id), tool: tool.into(), text: text.into(), is_error }
}

pub(crate) fn conversation(messages: Vec<Message>) -> Conversation {
    Conversation { system: "You help.".into(), messages, tools: tools(), max_output: Tokens(1_000) }
}

pub(crate) fn hello() -> Conversation {
    conversation(vec![Message::User("Hello".into())])
}

/// A story with everything that requests can hold.
pub(crate) fn story() -> Conversation {
    conversation(vec![
        Message::User("Look around.".into()),
        Message::Assistant {
            text: "I look.".into(),
            calls: vec![
                call("call_2_0", "shell", json!({"command": "ls"})),
                call("call_2_1 with: odd text", "made up!", json!("not an object")),
            ],
        },
        result("call_2_0", "shell", "a\nb", false),
        result("call_2_1 with: odd text", "made up!", "there is no such tool", true),
        Message::Assistant {
            text: String::new(),
            calls: vec![call("call_5_0", "shell", json!({"command": "pwd"}))],
        },
        result("call_5_0", "shell", "", false),
        Message::Assistant { text: "Two files.".into(), calls: vec![] },
        Message::User("Thanks — grüße!".into()),
    ])
}

/// Every wish there is.
pub(crate) fn wishes() -> Wishes {
    Wishes {
        temperature: Some(0.5),
        top_p: Some(0.25),
        stop: vec!["END".into()],
        max_output: None,
        choice: ToolChoice::Named("shell".into()),
        format: Format::JsonSchema { name: "s".into(), schema: json!({"type": "object"}), strict: true },
    }
}

/// All that a call gave: the texts, then the answer or what went wrong.
pub(crate) async fn ask(
    providers: &Providers,
    model: &str,
    conversation: Conversation,
) -> (Vec<String>, Result<Answer, Error>) {
    let request =
        Request { model: model.parse().unwrap(), conversation, wishes: Wishes::default(), key: None };
    let talk = async {
        match providers.stream(&permit(model), request).await {
            Ok(chunks) => told(chunks.collect().await),
            Err(error) => (Vec::new(), Err(error)),
        }
    };
    tokio::time::timeout(Duration::from_secs(30), talk).await.expect("a call that never ends")
}

/// Takes the items of a stream apart, checking that it keeps its promise: texts, then exactly one end.
pub(crate) fn told(mut items: Vec<Result<Chunk, Error>>) -> (Vec<String>, Result<Answer, Error>) {
    let end = match items.pop().expect("a stream without an end") {
        Ok(Chunk::End(answer)) => Ok(answer),
        Ok(Chunk::Text(text)) => panic!("the stream ended with the text {text:?}"),
        Err(error) => Err(error),
    };
    let texts: Vec<String> = items
        .into_iter()
        .map(|item| match item {
            Ok(Chunk::Text(text)) => text,
            Ok(Chunk::End(_)) => panic!("something followed the end"),
            Err(error) => panic!("something followed the error {error}"),
        })
        .collect();
    if let Ok(answer) = &end {
        assert_eq!(texts.concat(), answer.text, "the pieces are not the whole");
    }
    (texts, end)
}

/// Reads a recorded stream that came in one piece.
pub(crate) async fn read(body: &str, decoder: impl Decode + 'static) -> (Vec<String>, Result<Answer, Error>) {
    told(crate::http::read_cut(vec![Bytes::copy_from_slice(body.as_bytes())], Box::new(decoder)).await)
}

/// Cuts bytes at places, given as parts of 65,535.
pub(crate) fn cut(body: &[u8], places: &[u16]) -> Vec<Bytes> {
    let mut places: Vec<usize> =
        places.iter().map(|place| usize::from(*place) * body.len() / 65_535).collect();
    places.sort_unstable();
    places.push(body.len());
    let mut from = 0;
    let mut pieces = Vec::new();
    for place in places {
        pieces.push(Bytes::copy_from_slice(&body[from..place]));
        from = place;
    }
    pieces
}

/// Checks that an answer is the same however its stream is cut.
pub(crate) fn same_however_cut<D: Decode + 'static>(body: &str, places: &[u16], decoder: impl Fn() -> D) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let whole = runtime.block_on(read(body, decoder()));
    let pieces = cut(body.as_bytes(), places);
    let parts = told(runtime.block_on(crate::http::read_cut(pieces, Box::new(decoder()))));
    assert_eq!(whole.1.unwrap(), parts.1.unwrap());
    assert_eq!(whole.0, parts.0);
}
