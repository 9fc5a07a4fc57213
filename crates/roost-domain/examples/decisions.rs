//! Measures one decision of the gate under a policy of 1,000 rules, without a server or a store. Prints a table.

use std::sync::Arc;
use std::time::{Duration, Instant};

use roost_domain::guard::{Guard, touches};
use roost_domain::permissions::{Effective, Permissions};
use roost_domain::policy::{Compiled, Policy, Version};
use roost_domain::subject::Subject;
use serde_json::{Value, json};

const ROUNDS: usize = 200_000;

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn row(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |permille: usize| times[(times.len() - 1) * permille / 1_000].as_secs_f64() * 1_000_000.0;
    println!("{what:<44} p50 {:>8.2} µs   p99 {:>8.2} µs   p99.9 {:>8.2} µs", at(500), at(990), at(999));
}

fn guard(rules: &Value, permissions: &Value, subject: &Subject) -> Guard {
    let policy = Policy::read(rules, subject).expect("the policy is good");
    let permissions = Permissions::read(permissions, subject).expect("the permissions are good");
    Guard {
        policy: Some((Version::FIRST, Arc::new(Compiled::new(policy)))),
        permissions: Effective::new([(subject.to_string(), permissions)]),
        revoked: false,
    }
}

fn main() {
    let subject: Subject = "bench".parse().expect("is a subject");
    let literal: Vec<Value> = (0..1_000).map(|n| json!(format!("tool_{n}"))).collect();
    let globs: Vec<Value> = (0..1_000).map(|n| json!(format!("area_{n}_*"))).collect();
    let conditions: Vec<Value> = (0..1_000)
        .map(|n| json!({"tool": "send_*", "when": {"to": {"regex": format!("^user{n}@corp\\.example$")}}}))
        .collect();
    let permissions = json!({
        "tools": {"block": ["drop_*"]}, "data": {"deny": ["**/*.pem"]}, "network": {"allow": ["*.corp.example"]},
    });
    let table = [
        ("1,000 names", literal, "tool_999", json!({"path": "a/b"})),
        ("1,000 globs", globs, "area_999_send", json!({"url": "https://api.corp.example/"})),
        ("1,000 conditions on one tool", conditions, "send_mail", json!({"to": "user999@corp.example"})),
    ];
    for (what, allow, tool, parameters) in table {
        let guard = guard(&json!({"allow": allow}), &permissions, &subject);
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let opinion = guard.closed_opinion(tool, &parameters, &touches(tool, &parameters));
            times.push(begin.elapsed());
            assert_eq!(opinion.code, "allowed_by_rule");
        }
        row(what, &mut times);
    }
}
