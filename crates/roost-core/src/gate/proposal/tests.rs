use roost_domain::effect::Script;
use roost_domain::id::{AgentId, TurnId};
use roost_domain::tool::{ToolCall, ToolCallId};
use serde_json::json;

use super::*;

/// A proposal to write `b` and `c` where the document says `before`.
fn effect(before: &str) -> Effect {
    let agent: AgentId = "0190b5a4-2f6e-7cc1-9d2b-8a6c1d2e3f40".parse().unwrap();
    let arguments = json!({"document": "SOUL.md", "content": "b\nc\n", "reason": "Ann asked."});
    let call =
        ToolCall { id: ToolCallId::from_text("1".to_owned()), tool: "change_document".to_owned(), arguments };
    Effect {
        agent,
        session: agent.journal(),
        turn: TurnId::from_uuid(agent.uuid()),
        cause: Cause::Tool(call),
        action: Action::ChangeDocument { name: "SOUL.md".to_owned() },
        scripts: vec![Script { path: "SOUL.md".to_owned(), sha256: ContentHash::of(before).0 }],
    }
}

#[test]
fn the_difference_to_the_text_that_would_be_replaced_is_shown() {
    let compared = Comparison::new("SOUL.md", "a\nb\n", "b\nc\n");
    let text = described(&effect("a\nb\n"), Some(&compared)).unwrap();
    assert!(text.contains("reason: Ann asked.") && text.contains("-a\n b\n+c\n"), "{text}");
}

#[test]
fn a_difference_to_another_text_is_not_shown_but_the_whole_new_text_is() {
    let compared = Comparison::new("SOUL.md", "a\nb\n", "b\nc\n");
    for compared in [Some(&compared), None] {
        let text = described(&effect("x\n"), compared).unwrap();
        assert!(!text.contains("-a") && text.ends_with("\n\nb\nc\n"), "{text}");
        assert!(text.contains("reason: Ann asked."), "{text}");
    }
}
