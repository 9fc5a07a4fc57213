//! What a policy would have made of what was done, and the smallest policy that covers it.

use std::sync::Arc;

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

use super::{Policies, check_subject, invalid};
use crate::gate::Facts;
use crate::{Core, Ctx, Error, Kind};

/// The most decisions that are looked at, newest first.
const MOST: u64 = 10_000;

/// Decisions that are looked at in one go.
const PAGE: Limit = Limit::clamped(200, 200);

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
        let mut result =
            Backtest { looked_at: 0, total: 0, same: 0, unknown: 0, changed: 0, changes: Vec::new() };
        // Page by page, so that a long history holds up no reader and is not in memory as a whole.
        loop {
            let (core, ctx, policy) = (self.0.clone(), ctx.clone(), policy.clone());
            let (subject, since, skip) = (test.subject.clone(), test.since, result.looked_at);
            let read = move |reader: &dyn Reader| {
                check_subject(reader, ctx.account(), &subject)?;
                let agent = match subject.agent() {
                    Some(id) => reader.agent(ctx.account(), id)?,
                    None => None,
                };
                let judge = core.judge_by(reader, &ctx, &subject, agent.as_ref(), policy)?;
                let (entries, total) = decided(reader, &ctx, &subject, since, skip)?;
                let mut judged = Vec::with_capacity(entries.len());
                for was in entries {
                    let again = judge.again(&core, reader, &was, ctx.now)?;
                    judged.push((was, again));
                }
                Ok::<_, Error>((judged, total))
            };
            let (judged, total) = self.0.ports.store.read(read).await?;
            result.total = total;
            if !result.take(judged) {
                return Ok(result);
            }
        }
    }

    /// Returns the smallest policy that covers what a subject did since a time.
    ///
    /// # Errors
    ///
    /// `NotFound` for another account's agent; `InvalidState` with the code `nothing_observed` if it did nothing.
    pub async fn suggest(&self, ctx: &Ctx, subject: Subject, since: Timestamp) -> Result<Value, Error> {
        ctx.require(Scope::Policy)?;
        let mut observed: Vec<Observed> = Vec::new();
        loop {
            let (ctx, subject, skip) = (ctx.clone(), subject.clone(), observed.len() as u64);
            let read = move |reader: &dyn Reader| {
                check_subject(reader, ctx.account(), &subject)?;
                decided(reader, &ctx, &subject, since, skip)
            };
            let (entries, _) = self.0.ports.store.read(read).await?;
            let last = entries.len() < PAGE.get() as usize;
            observed.extend(entries.into_iter().map(seen));
            if last || observed.len() as u64 >= MOST {
                break;
            }
        }
        if observed.is_empty() {
            let message = format!("{subject} asked for nothing since {since}; name an earlier time");
            return Err(Error::new(Kind::InvalidState, "nothing_observed", message));
        }
        Ok(suggest(&observed))
    }
}

impl Backtest {
    /// Counts a page, and tells whether there is more to be looked at.
    fn take(&mut self, judged: Vec<(DecisionEntry, Option<(Ruling, String)>)>) -> bool {
        let full = judged.len() == PAGE.get() as usize;
        for (was, again) in judged {
            self.looked_at += 1;
            match again {
                None => self.unknown += 1,
                Some((would, _)) if would == was.ruling => self.same += 1,
                Some((would, why)) => {
                    self.changed += 1;
                    if self.changes.len() < MOST_NAMED {
                        self.changes.push(Change { was, would, why });
                    }
                }
            }
        }
        full && self.looked_at < MOST
    }
}

impl Core {
    fn judge_by<'a>(
        &self,
        reader: &dyn Reader,
        ctx: &Ctx,
        subject: &Subject,
        agent: Option<&'a Agent>,
        policy: Arc<Compiled>,
    ) -> Result<Judge<'a>, Error> {
        let latest = reader.latest_version(ctx.account(), subject, Kept::Policy)?;
        let policy = Some((latest.map_or(Version::FIRST, |(version, _)| version.next()), policy));
        Ok(match agent {
            Some(agent) => {
                let mut facts = Facts::read(self, reader, agent)?;
                facts.guard.policy = policy;
                Judge::Hosted(agent, Box::new(facts))
            }
            None => {
                let guard = self.editions.guard(reader, ctx.account(), subject, None)?;
                Judge::Elsewhere(Guard { policy, ..guard })
            }
        })
    }
}

fn decided(
    reader: &dyn Reader,
    ctx: &Ctx,
    subject: &Subject,
    since: Timestamp,
    skip: u64,
) -> Result<(Vec<DecisionEntry>, u64), Error> {
    let filter = DecisionFilter { subject: Some(subject.clone()), since: Some(since), ruling: None };
    Ok(reader.decisions(ctx.account(), &filter, skip, PAGE)?)
}

/// Keeps of a decision what a suggestion is made from. Long parameters say nothing for one.
fn seen(entry: DecisionEntry) -> Observed {
    let parameters = entry.parameters.filter(|parameters| parameters.to_string().len() <= 2_000);
    Observed { tool: entry.tool, parameters, ruling: entry.ruling }
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
