//! What a policy would have made of what was done, and the smallest policy that covers it.

use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::gate::{Decision, Used};
use roost_domain::guard::{Guard, touches};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::policy::{Compiled, Observed, Policy, Ruling, Version, suggest};
use roost_domain::subject::Subject;
use roost_ports::store::{DecisionEntry, DecisionFilter, Kept, Reader};
use serde_json::Value;
use std::sync::Arc;

use super::{Policies, check_subject, invalid};
use crate::gate::Facts;
use crate::{Core, Ctx, Error, Kind};

/// The most decisions that are looked at, newest first.
const MOST: Limit = Limit::clamped(10_000, 10_000);

/// The most changes that are named.
const MOST_NAMED: usize = 500;

/// A policy to be tried on what was done.
#[derive(Debug, Clone)]
pub struct TestPolicy {
    /// Whose.
    pub subject: Subject,
    /// What it says.
    pub document: Value,
    /// On what was decided since then.
    pub since: Timestamp,
}

/// What a policy would have made of what was done.
#[derive(Debug, Clone)]
pub struct Backtest {
    /// Decisions that were looked at.
    pub looked_at: u64,
    /// Decisions that there are since then; only the newest 10,000 are looked at.
    pub total: u64,
    /// Those that would have been the same.
    pub same: u64,
    /// Those that cannot be tried, because their parameters were too long to be kept.
    pub unknown: u64,
    /// Those that would have been others.
    pub changed: u64,
    /// The newest of these, at most 500.
    pub changes: Vec<Change>,
}

/// A decision that would have been another.
#[derive(Debug, Clone)]
pub struct Change {
    /// What was decided.
    pub was: DecisionEntry,
    /// What would have been.
    pub would: Ruling,
    /// Why.
    pub why: String,
}

impl Policies<'_> {
    /// Tries a policy on what was decided about a subject, and changes nothing. Limits of a run, taint and findings
    /// of scans count as they did then.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the place in the document; `NotFound` for another account's agent.
    pub async fn test(&self, ctx: &Ctx, test: TestPolicy) -> Result<Backtest, Error> {
        ctx.require(Scope::Policy)?;
        let policy = Policy::read(&test.document, &test.subject).map_err(invalid)?;
        let policy = Arc::new(Compiled::new(policy));
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let read = move |reader: &dyn Reader| {
            let account = ctx.account();
            check_subject(reader, account, &test.subject)?;
            let agent = match test.subject.agent() {
                Some(id) => reader.agent(account, id)?,
                None => None,
            };
            let latest = reader.latest_version(account, &test.subject, Kept::Policy)?;
            let policy = Some((latest.map_or(Version::FIRST, |(version, _)| version.next()), policy));
            let judge = match &agent {
                Some(agent) => {
                    let mut facts = Facts::read(&core, reader, agent)?;
                    facts.guard.policy = policy;
                    Judge::Hosted(agent, Box::new(facts))
                }
                None => {
                    let guard = core.editions.guard(reader, account, &test.subject, None)?;
                    Judge::Elsewhere(Guard { policy, ..guard })
                }
            };
            let (entries, total) = decided(reader, &ctx, &test.subject, test.since)?;
            let mut result =
                Backtest { looked_at: 0, total, same: 0, unknown: 0, changed: 0, changes: Vec::new() };
            for was in entries {
                result.looked_at += 1;
                match judge.again(&core, reader, &was, ctx.now)? {
                    None => result.unknown += 1,
                    Some((would, _)) if would == was.ruling => result.same += 1,
                    Some((would, why)) => {
                        result.changed += 1;
                        if result.changes.len() < MOST_NAMED {
                            result.changes.push(Change { was, would, why });
                        }
                    }
                }
            }
            Ok(result)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns the smallest policy that covers what a subject did since a time.
    ///
    /// # Errors
    ///
    /// `NotFound` for another account's agent; `InvalidState` with the code `nothing_observed` if it did nothing.
    pub async fn suggest(&self, ctx: &Ctx, subject: Subject, since: Timestamp) -> Result<Value, Error> {
        ctx.require(Scope::Policy)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            check_subject(reader, ctx.account(), &subject)?;
            let (entries, _) = decided(reader, &ctx, &subject, since)?;
            let observed: Vec<_> = entries.into_iter().map(observed).collect();
            if observed.is_empty() {
                let message = format!("{subject} asked for nothing since {since}; name an earlier time");
                return Err(Error::new(Kind::InvalidState, "nothing_observed", message));
            }
            Ok(suggest(&observed))
        };
        self.0.ports.store.read(read).await
    }
}

fn decided(
    reader: &dyn Reader,
    ctx: &Ctx,
    subject: &Subject,
    since: Timestamp,
) -> Result<(Vec<DecisionEntry>, u64), Error> {
    let filter = DecisionFilter { subject: Some(subject.clone()), since: Some(since), ruling: None };
    Ok(reader.decisions(ctx.account(), &filter, 0, MOST)?)
}

fn observed(entry: DecisionEntry) -> Observed {
    Observed { tool: entry.tool, parameters: entry.parameters, ruling: entry.ruling }
}

enum Judge<'a> {
    Hosted(&'a Agent, Box<Facts>),
    Elsewhere(Guard),
}

impl Judge<'_> {
    /// Decides again; `None` where that is not possible.
    fn again(
        &self,
        core: &Core,
        reader: &dyn Reader,
        was: &DecisionEntry,
        now: Timestamp,
    ) -> Result<Option<(Ruling, String)>, Error> {
        let Some(parameters) = &was.parameters else { return Ok(None) };
        let opinion = match self {
            Self::Elsewhere(guard) => {
                guard.closed_opinion(&was.tool, parameters, &touches(&was.tool, parameters))
            }
            Self::Hosted(agent, facts) => {
                let Ok(effect) = core.effect_of(agent.id, &was.tool, parameters.clone(), now) else {
                    return Ok(None);
                };
                match facts.decide(reader, agent, &effect, None, Used::default(), None)? {
                    Decision::Allowed(_, opinion)
                    | Decision::NeedsApproval(opinion)
                    | Decision::Blocked(opinion) => opinion,
                }
            }
        };
        // What had nothing to do with rules about tools would have been so under any policy.
        let beside =
            matches!(was.code.as_str(), "tainted" | "scan_finding" | "compute_exceeded" | "budget_exceeded");
        let would = if beside { opinion.ruling.max(was.ruling) } else { opinion.ruling };
        // A call that a person had approved was asked about.
        let would =
            if was.code == "approved" && would == Ruling::RequireApproval { Ruling::Allow } else { would };
        Ok(Some((would, opinion.why)))
    }
}
