//! Names of tool calls as callers see them: they name the turn too, so that a result finds its way back alone.

use roost_domain::id::TurnId;
use roost_domain::tool::ToolCallId;

const PREFIX: &str = "call_";

/// Returns the name by which a caller brings the result of a call: `call_<turn>_<offset>_<index>`.
pub(super) fn outside(turn: TurnId, call: &ToolCallId) -> ToolCallId {
    let own = call.as_str().strip_prefix(PREFIX).unwrap_or(call.as_str());
    ToolCallId::from_text(format!("{PREFIX}{}_{own}", turn.uuid().as_simple()))
}

/// Returns the turn and the call that a name of ours names.
pub(super) fn inside(id: &ToolCallId) -> Option<(TurnId, ToolCallId)> {
    let (turn, own) = id.as_str().strip_prefix(PREFIX)?.split_once('_')?;
    let turn = format!("{}{turn}", TurnId::PREFIX).parse().ok()?;
    let is_ours = own.split_once('_').is_some_and(|(offset, index)| {
        [offset, index].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    });
    is_ours.then(|| (turn, ToolCallId::from_text(format!("{PREFIX}{own}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_out_comes_back_and_nothing_else_does() {
        let turn: TurnId = "turn_0190b5a42f6e7cc19d2b8a6c1d2e3f40".parse().unwrap();
        let call = ToolCallId::from_text("call_7_0");
        let out = outside(turn, &call);
        assert_eq!(out.as_str(), "call_0190b5a42f6e7cc19d2b8a6c1d2e3f40_7_0");
        assert_eq!(inside(&out), Some((turn, call)));
        for foreign in ["call_7_0", "call_abc", "toolu_01", "", "call_0190b5a42f6e7cc19d2b8a6c1d2e3f40_7_x"] {
            assert_eq!(inside(&ToolCallId::from_text(foreign)), None, "{foreign}");
        }
    }
}
