//! Drives one turn: performs what is due until the turn ends, waits for a person, or belongs to somebody else. Tools
//! that only look run at once; those that change something run one after another, in the order the model wanted.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use roost_core::{Core, Error, Kind, Parked, Work};
use roost_domain::tool::ToolCallId;
use roost_domain::turn::{Act, State};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// What driving a turn needs besides the turn.
#[derive(Clone)]
pub(crate) struct Drive {
    pub(crate) core: Core,
    /// Cancelled when the turn is to be cut short because the server goes down.
    pub(crate) cut: CancellationToken,
    pub(crate) retry_delay: Duration,
}

/// How often a worker says that it is alive: well within a lease.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// How many tools of one turn run at once.
const MOST_AT_ONCE: usize = 16;

/// What an act that is being performed is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Doing {
    Model,
    Tool {
        call: ToolCallId,
        /// Whether it changes what others may look at, so that it runs in its turn and by itself.
        alone: bool,
    },
}

struct Done {
    doing: Doing,
    /// Whether the turn ended with it and is no longer ours.
    ended: bool,
}

type Acts = FuturesUnordered<BoxFuture<'static, Result<Done, Error>>>;

/// Drives a leased turn.
///
/// # Errors
///
/// What the core could not write. The turn is then as its log says, and its lease runs out.
pub(crate) async fn drive(context: &Drive, work: &Work) -> Result<(), Error> {
    match go_on(context, work).await {
        // The agent was deleted, or another worker took over: nothing of it is ours any more.
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Conflict) => {
            tracing::info!(turn = %work.turn.id, %error, "let go of a turn");
            Ok(())
        }
        result => result,
    }
}

async fn go_on(context: &Drive, work: &Work) -> Result<(), Error> {
    let turns = context.core.turns();
    let mut watch = turns.watch(work);
    turns.begin(work).await?;
    let mut acts = Acts::new();
    let mut doing = HashSet::new();
    let mut sign_of_life = tokio::time::interval(SIGN_OF_LIFE);
    sign_of_life.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sign_of_life.reset();
    loop {
        let (state, paused) = turns.state(work).await?;
        if state.ended().is_some() {
            // An act that wrote the end has still to tell of it.
            while let Some(done) = acts.next().await {
                done?;
            }
            return Ok(());
        }
        if state.is_cancelled() && !acts.is_empty() {
            // Dropping an act ends what it started; its outcome is ours to write.
            acts.clear();
            doing.clear();
            turns.abort(work).await?;
            continue;
        }
        if !paused || state.is_cancelled() {
            for act in state.due() {
                if let Act::End(ending) = act {
                    return turns.end(work, ending).await;
                }
                perform(context, work, &state, act, &acts, &mut doing);
            }
        }
        if acts.is_empty() {
            match turns.park(work).await? {
                Parked::Done => return Ok(()),
                Parked::GoOn => continue,
            }
        }
        tokio::select! {
            Some(done) = acts.next() => {
                let done = done?;
                doing.remove(&done.doing);
                if done.ended {
                    return Ok(());
                }
            }
            () = watch.changed() => {}
            _ = sign_of_life.tick() => {
                if !turns.extend(work).await? {
                    return Err(Error::new(Kind::Conflict, "lease_lost", "another worker took the turn over"));
                }
            }
            () = context.cut.cancelled() => {
                acts.clear();
                return turns.interrupt(work).await;
            }
        }
    }
}

/// Begins an act unless it is being performed already.
fn perform(context: &Drive, work: &Work, state: &State, act: Act, acts: &Acts, doing: &mut HashSet<Doing>) {
    let (core, work) = (context.core.clone(), work.clone());
    match act {
        Act::AskModel { leave } => {
            if !doing.insert(Doing::Model) {
                return;
            }
            let delay = pause_before(state.failures(), context.retry_delay);
            acts.push(Box::pin(async move {
                // Even a sleep of nothing takes until the timer's next tick.
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                let ended = core.turns().ask_model(&work, leave).await?;
                Ok(Done { doing: Doing::Model, ended })
            }));
        }
        Act::UseTool { call, leave } => {
            let alone = core.turns().runs_alone(&call);
            let others = doing
                .iter()
                .any(|doing| matches!(doing, Doing::Tool { alone: other, .. } if alone || *other));
            let tool = Doing::Tool { call: call.id.clone(), alone };
            if others || acts.len() >= MOST_AT_ONCE || !doing.insert(tool.clone()) {
                return;
            }
            acts.push(Box::pin(async move {
                core.turns().use_tool(&work, &call, leave).await?;
                Ok(Done { doing: tool, ended: false })
            }));
        }
        Act::HandOut { call, leave } => {
            let tool = Doing::Tool { call: call.id.clone(), alone: false };
            let others = doing.iter().any(|doing| matches!(doing, Doing::Tool { alone: true, .. }));
            if others || acts.len() >= MOST_AT_ONCE || !doing.insert(tool.clone()) {
                return;
            }
            acts.push(Box::pin(async move {
                core.turns().hand_out(&work, &call, leave).await?;
                Ok(Done { doing: tool, ended: false })
            }));
        }
        Act::End(_) => {}
    }
}

/// Returns how long to wait before a model is asked again: nothing at first, then twice as long each time.
fn pause_before(failures: u32, first: Duration) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => first.saturating_mul(2_u32.saturating_pow(doublings)),
    }
}
