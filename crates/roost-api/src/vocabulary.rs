//! One state inside, a word for it in each vocabulary outside.

use roost_core::{Ctx, Principal};
use roost_domain::agent::State;
use roost_domain::key::Style;
use roost_http::Failure;

/// Returns how a caller's contract calls a state: Agento knows no frozen agents, GoPilot calls them paused.
pub(crate) fn word(ctx: &Ctx, state: State) -> &'static str {
    word_in(style(ctx), state)
}

/// Returns the states that a caller calls by this word.
///
/// # Errors
///
/// 400 with the words that there are.
pub(crate) fn states(ctx: &Ctx, wanted: &str) -> Result<Vec<State>, Failure> {
    let style = style(ctx);
    let states: Vec<State> =
        State::ALL.into_iter().filter(|state| word_in(style, *state) == wanted).collect();
    if states.is_empty() {
        return Err(Failure::invalid("status", "must be provisioning, running, paused, stopped or error"));
    }
    Ok(states)
}

const fn style(ctx: &Ctx) -> Style {
    match &ctx.principal {
        Principal::Key(key) => key.style,
        Principal::Owner(_) => Style::Native,
    }
}

const fn word_in(style: Style, state: State) -> &'static str {
    match (state, style) {
        (State::Frozen, Style::Agento) => State::Running.name(),
        (
            State::Frozen,
            Style::Native | Style::Gopilot | Style::Shinzo | Style::Fullpilot | Style::Agentcop,
        ) => State::Paused.name(),
        (State::Provisioning | State::Running | State::Paused | State::Stopped | State::Error, _) => {
            state.name()
        }
    }
}
