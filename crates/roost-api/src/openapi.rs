//! The OpenAPI document: what the routes say of themselves, with what holds for all of them.

use std::sync::OnceLock;

use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::app::documents;
use crate::chat::Delta;
use crate::envelope::ErrorBody;

/// What no route says: where the reading starts, and schemas that only prose mentions.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Roost",
        description = include_str!("../assets/intro.md"),
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "agents", description = "Make agents, change them, start and stop them, see how they are."),
        (name = "chat", description = "Talk with agents, and follow what happens."),
        (name = "knowledge", description = "Give agents texts that they find again, and search them."),
        (name = "documents", description = "What shapes agents: read it, write it, look back, restore."),
        (name = "secrets", description = "Set what agents may use and nobody may see; bind it to hosts."),
        (name = "approvals", description = "Decide what agents may not do on their own."),
        (name = "gate", description = "Ask before acting, for agents that run elsewhere; see what was decided."),
        (name = "policies", description = "What agents may do, what it would have changed, and what covers what they did."),
        (name = "permissions", description = "What agents may reach, whatever their policies say."),
        (name = "scans", description = "Find what is wrong with code."),
        (name = "skills", description = "Find skills, make your own, put them on agents."),
        (name = "sandboxes", description = "Run code in ephemeral machines."),
        (name = "workflows", description = "What agents do step by step: put it, look back, let it be started."),
        (name = "runs", description = "Start runs of workflows, follow them, answer what they ask, do them again."),
        (name = "artifacts", description = "See and download what runs made for people."),
        (name = "snapshots", description = "Save agents' states, go back to them, make other agents from them."),
        (name = "integrations", description = "Connect agents to other services, and find what can be done there."),
        (name = "triggers", description = "What starts agents' workflows by itself: times, messages from outside, the end of a run."),
        (name = "webhooks", description = "Be told what happens, by signed messages to a URL of yours."),
        (name = "account", description = "The account, its plan, what it uses of it."),
        (name = "usage", description = "What was used of models, and what it cost."),
        (name = "keys", description = "API keys."),
        (name = "server", description = "The server itself; needs no key."),
    ),
    components(schemas(ErrorBody, Delta)),
)]
pub(crate) struct Frame;

/// Get this document
#[utoipa::path(
    get, path = "/openapi.json", tag = "server",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
pub(crate) async fn document() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| openapi().to_string());
    ([(header::CONTENT_TYPE, "application/json")], text.as_str())
}

/// Returns the OpenAPI document of the native API.
pub fn openapi() -> Value {
    let mut document = json!(documents());
    document["components"]["securitySchemes"] = json!({
        "ApiKey": {
            "type": "apiKey", "in": "header", "name": "X-API-Key",
            "description": "An API key. An operation names the scope that the key needs.",
        },
        "Bearer": {"type": "http", "scheme": "bearer", "description": "The same key as a bearer token."},
    });
    document["components"]["headers"] = headers();
    document["components"]["responses"] = failures();
    // What a router calls the rest of a path has no name of its own in OpenAPI.
    if let Some(paths) = document["paths"].as_object_mut() {
        let named = |(path, item): (String, Value)| (path.replace("{*", "{"), item);
        *paths = std::mem::take(paths).into_iter().map(named).collect();
    }
    for (path, item) in members(&mut document["paths"]) {
        for operation in members(item).map(|(_, operation)| operation) {
            complete(path, operation);
        }
    }
    document
}

fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

/// What can go wrong anywhere: the name of the response, its status, when.
const FAILURES: [(&str, &str, &str); 10] = [
    ("Invalid", "400", "The request is wrong; the message names the field and says what would be right."),
    ("Unauthenticated", "401", "The key is missing, unknown or revoked."),
    ("Forbidden", "403", "The key lacks the scope, or a bound of the account is reached."),
    ("NotFound", "404", "There is no such thing, or it is another account's."),
    ("TooLarge", "413", "The body is too long."),
    ("NotJson", "415", "The body is not JSON."),
    ("TooMany", "429", "The key has made its requests; `Retry-After` says when to ask again."),
    ("Internal", "500", "The server failed; its log says how, under the request's id."),
    ("Unavailable", "503", "Something that the server needs is not there right now."),
    ("Slow", "504", "It took too long; what was asked for may still be done."),
];

/// Adds to an operation what holds for all.
fn complete(path: &str, operation: &mut Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let id = format!("{}_{}", text(&operation["tags"][0]), text(&operation["operationId"]));
    operation["operationId"] = json!(id);
    if operation["security"].is_null() {
        return;
    }
    let reads =
        !operation["requestBody"].is_null() || operation["parameters"].to_string().contains(r#""query""#);
    let named = path.contains('{');
    let has_body = !operation["requestBody"].is_null();
    for (_, response) in members(&mut operation["responses"]) {
        response["headers"] = limit_headers();
    }
    for (name, status, _) in FAILURES {
        let applies = match status {
            "400" => reads,
            "404" => named,
            "413" | "415" => has_body,
            _ => true,
        };
        if applies {
            operation["responses"][status] = json!({"$ref": format!("#/components/responses/{name}")});
        }
    }
}

fn failures() -> Value {
    let response = |(name, status, when): (&str, &str, &str)| {
        let mut headers = if status == "401" { json!({}) } else { limit_headers() };
        if status == "429" {
            headers["Retry-After"] = json!({"$ref": "#/components/headers/RetryAfter"});
        }
        let schema = json!({"$ref": "#/components/schemas/ErrorBody"});
        let content = json!({"application/json": {"schema": schema}});
        (name.to_owned(), json!({"description": when, "headers": headers, "content": content}))
    };
    FAILURES.into_iter().map(response).collect::<Map<_, _>>().into()
}

fn headers() -> Value {
    let whole = |description: &str| json!({"description": description, "schema": {"type": "integer"}});
    json!({
        "RateLimit": whole("How many requests the key may make in any minute."),
        "RateRemaining": whole("How many more it could make now."),
        "RateReset": whole("When the oldest request that counts stops counting, in Unix seconds."),
        "RetryAfter": whole("After how many seconds to ask again."),
    })
}

fn limit_headers() -> Value {
    json!({
        "X-RateLimit-Limit": {"$ref": "#/components/headers/RateLimit"},
        "X-RateLimit-Remaining": {"$ref": "#/components/headers/RateRemaining"},
        "X-RateLimit-Reset": {"$ref": "#/components/headers/RateReset"},
    })
}
