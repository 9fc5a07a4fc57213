//! Triggers of the real binary: times that fire once whatever dies, and messages that others' libraries sign.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::DEADLINE;
use crate::peers::node;
use crate::roost::{Options, Server};

/// Lets tests look again and again until something has come to be.
const GENEROUS: &str = "[api]\nrequests_per_minute = 1000000\n[log]\nfilter = 'trace'\n";

/// A server with an agent that has these triggers, turned on, and the agent's id.
async fn armed(triggers: Value) -> (Server, String) {
    let server = Server::start(Options { config: GENEROUS.to_owned(), ..Options::default() });
    let agent = server.agent("robin", "scripted/demo", &[]);
    let config = json!({"triggers": triggers, "steps": [{"type": "wait", "until": "1 day"}]});
    let (status, put) = server.put(&format!("/v1/agents/{agent}/workflow/config"), &config).await;
    assert_eq!(status, 200, "{put}");
    let (status, armed) = server.post(&format!("/v1/agents/{agent}/arm"), &json!({})).await;
    assert_eq!(status, 200, "{armed}");
    (server, agent)
}

/// For which times runs of an agent began, and how many for each.
async fn due_times(server: &Server, agent: &str) -> BTreeMap<String, usize> {
    let (status, listed) = server.get(&format!("/v1/agents/{agent}/runs?limit=200")).await;
    assert_eq!(status, 200, "{listed}");
    let mut times = BTreeMap::new();
    for run in listed["data"].as_array().expect("a list") {
        let id = run["id"].as_str().expect("an id");
        let (_, run) = server.get(&format!("/v1/agents/{agent}/runs/{id}")).await;
        let due = run["data"]["input"]["due_at"].as_str().unwrap_or_else(|| panic!("no time: {run}"));
        *times.entry(due.to_owned()).or_default() += 1;
    }
    times
}

async fn until_more_than(server: &Server, agent: &str, known: usize) -> BTreeMap<String, usize> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let times = due_times(server, agent).await;
        if times.len() > known {
            return times;
        }
        assert!(Instant::now() < deadline, "nothing fires: {times:?}\n{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn each_time_fires_once_also_across_kill_9() {
    let every_second = json!([{"type": "cron", "name": "tick", "cron": "* * * * * *", "missed": "all"}]);
    let (mut server, agent) = armed(every_second).await;
    let mut known = 0;
    for round in 0..6 {
        known = until_more_than(&server, &agent, known).await.len();
        // Somewhere else in the second each time.
        tokio::time::sleep(Duration::from_millis(170 * round)).await;
        server.kill9();
        server.restart();
    }
    let times = until_more_than(&server, &agent, known).await;
    assert!(times.values().all(|runs| *runs == 1), "a time fired twice: {times:?}");
    // Every second from the first on, those included at which no server was up.
    let seconds: Vec<i64> =
        times.keys().map(|time| time.parse::<jiff::Timestamp>().expect("a time").as_second()).collect();
    let expected: Vec<i64> = (seconds[0]..).take(seconds.len()).collect();
    assert_eq!(seconds, expected, "a time was left out");
}

#[tokio::test]
async fn messages_signed_by_their_senders_own_libraries_begin_runs() {
    let (server, agent) = armed(json!([{"type": "webhook", "name": "hook", "signed": true}])).await;
    let home = tempfile::tempdir().expect("a directory");
    let Some(mut command) = node("npm-hooks", SENDERS, home.path()) else { return };
    let rotated = server.json(&["triggers", "rotate", "hook", "--agent", "robin", "--new-secret", "--json"]);
    let (path, secret) =
        (rotated["path"].as_str().expect("a path"), rotated["secret"].as_str().expect("a secret"));
    let url = format!("{}{path}", server.url);
    let output = command.env("HOOK_URL", &url).env("HOOK_SECRET", secret).output().expect("Node runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let answers: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    for sender in ["standardwebhooks", "svix", "github", "stripe"] {
        assert_eq!(answers[sender], json!([202, 200, 401]), "{sender}: signed, again, changed: {answers}");
    }
    let (_, runs) = server.get(&format!("/v1/agents/{agent}/runs")).await;
    assert_eq!(runs["pagination"]["total"], 4);
    for hidden in [&secret["whsec_".len()..], &path["/hooks/".len()..]] {
        assert!(!server.log().contains(hidden), "the log holds a secret");
    }
}

/// Signs a message with each library and prints the statuses of: sent, sent again, sent with another body.
const SENDERS: &str = r#"
import { Webhook } from "standardwebhooks";
import { Webhook as Svix } from "svix";
import { sign } from "@octokit/webhooks-methods";
import Stripe from "stripe";
const { HOOK_URL: url, HOOK_SECRET: secret } = process.env;
const post = async (headers, body) => {
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  await answer.text();
  return answer.status;
};
const three = async (headers, body) =>
  [await post(headers, body), await post(headers, body), await post({ ...headers, "x-github-delivery": "d" }, body + " ")];
const now = new Date();
const at = Math.floor(now / 1000).toString();
const answers = {};
const message = JSON.stringify({ type: "order", data: { id: 1, name: "größer" } });
answers.standardwebhooks = await three({
  "webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": new Webhook(secret).sign("msg_1", now, message),
}, message);
answers.svix = await three({
  "svix-id": "msg_2", "svix-timestamp": at, "svix-signature": new Svix(secret).sign("msg_2", now, message),
}, message);
answers.github = await three({
  "x-github-delivery": "72d3162e", "x-github-event": "issues", "x-hub-signature-256": await sign(secret, message),
}, message);
const event = JSON.stringify({ id: "evt_1", object: "event" });
const stripe = new Stripe("sk_test_none");
answers.stripe = await three({
  "stripe-signature": stripe.webhooks.generateTestHeaderString({ payload: event, secret }),
}, event);
console.log(JSON.stringify(answers));
"#;

#[tokio::test]
async fn triggers_are_seen_and_tried_on_the_command_line() {
    let triggers = json!([
        {"type": "webhook", "name": "orders"},
        {"type": "cron", "name": "morning", "cron": "0 6 * * *", "timezone": "Europe/Berlin"},
    ]);
    let (server, _) = armed(triggers).await;
    let table = server.print(&["triggers", "list", "robin"]);
    assert!(
        table.contains("0 6 * * * Europe/Berlin") && table.contains(&format!("{}/hooks/", server.url)),
        "{table}"
    );
    let fired = server.json(&[
        "triggers",
        "fire",
        "orders",
        "--agent",
        "robin",
        "--event",
        "{\"body\": 1}",
        "--json",
    ]);
    assert!(fired["runId"].as_str().is_some_and(|run| run.starts_with("wrun_")), "{fired}");
    assert!(server.print(&["triggers", "list", "robin"]).contains("running"));
    let rotated =
        server.print(&["triggers", "rotate", "orders", "--agent", "robin", "--new-path", "--new-secret"]);
    assert!(rotated.contains("URL: ") && rotated.contains("Secret: whsec_"), "{rotated}");
    let nothing = server.run(&["triggers", "rotate", "orders"]);
    assert!(!nothing.status.success(), "it has to be said what is to change");
}
