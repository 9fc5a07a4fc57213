use std::time::Duration;

use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::approval::{Approval, Context, Question, Status, assess};
use roost_domain::effect::{Action, Cause, Effect, EffectHash};
use roost_domain::gate::{Decision, Used};
use roost_domain::guard::{Guard, Opinion, touches};
use roost_domain::id::{AgentId, ApprovalId, SessionId, TurnId};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::plan::Metered;
use roost_domain::policy::Ruling;
use roost_domain::subject::Subject;
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_ports::store::{DecisionEntry, DecisionFilter, Reader, Writer};
use roost_ports::tool::Plan;
use serde_json::{Map, Value};

use super::{Gate, check_subject};
use crate::gate::{Facts, insert, kept, masked, terms};
use crate::{Core, Ctx, Error, Principal};

/// How long a person has to decide for an agent that runs elsewhere, where its policy does not say.
const TTL: Duration = Duration::from_secs(300);

/// A call that an agent wants to make.
#[derive(Debug, Clone)]
pub struct Evaluate {
    /// The agent.
    pub subject: Subject,
    /// The tool, 1 to 200 characters.
    pub tool: String,
    /// Its parameters, at most 256 KiB as JSON.
    pub parameters: Map<String, Value>,
    /// What the agent calls the run, at most 200 characters. Calls of a run count together.
    pub run: Option<String>,
    /// What set it off, at most 200 characters.
    pub triggered_by: Option<String>,
}

/// What the gate decided.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// What it decided and why.
    pub opinion: Opinion,
    /// The approval that was asked for, if one is needed.
    pub approval: Option<ApprovalId>,
    /// When.
    pub at: Timestamp,
}

/// Which decisions to list.
#[derive(Debug, Clone)]
pub struct ListDecisions {
    /// Which ones.
    pub filter: DecisionFilter,
    /// How many to pass over.
    pub skip: u64,
    /// At most so many.
    pub limit: Limit,
}

impl Gate<'_> {
    /// Decides about a call of an agent that asks before it acts, writes the decision down and, where a person has
    /// to say yes, asks one. For an agent that is hosted here it is the decision of its own gate.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field; `NotFound` for another account's agent; `RateLimited` when the plan's
    /// evaluations or approvals are used up. Nothing is decided then.
    pub async fn evaluate(&self, ctx: &Ctx, call: Evaluate) -> Result<Evaluation, Error> {
        ctx.require(Scope::Gate)?;
        call.check()?;
        let counted = self.0.count(ctx, Metered::Evaluation).await?;
        // Whether a person has to be asked is looked at first, so that what is asked for can be counted.
        let asks = self.opinion(ctx, &call).await?.ruling == Ruling::RequireApproval;
        let asked = if asks { Some(self.0.count(ctx, Metered::Approval).await?) } else { None };
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let write = move |writer: &mut dyn Writer| {
            counted.write(writer, &ctx)?;
            if let Some(asked) = &asked {
                asked.write(writer, &ctx)?;
            }
            let judged = core.judge(writer, &ctx, &call)?;
            let approval = match judged.opinion.ruling {
                Ruling::RequireApproval => Some(judged.ask(&core, writer, &ctx, &call)?),
                Ruling::Allow | Ruling::Block => None,
            };
            let entry = entry(&ctx, call, &judged.opinion, approval);
            writer.insert_decision(&entry)?;
            core.announce_blocked(writer, &judged.guard, &entry)?;
            Ok::<_, Error>(Evaluation { opinion: judged.opinion, approval, at: ctx.now })
        };
        self.0.ports.store.write(write).await
    }

    /// Says what would be decided about a call, and changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Gate::evaluate`], but for what is counted.
    pub async fn explain(&self, ctx: &Ctx, call: Evaluate) -> Result<Opinion, Error> {
        ctx.require(Scope::Gate)?;
        call.check()?;
        self.opinion(ctx, &call).await
    }

    /// Returns decisions, newest first, and how many there are in all.
    ///
    /// # Errors
    ///
    /// `NotFound` for another account's agent.
    pub async fn log(&self, ctx: &Ctx, list: ListDecisions) -> Result<(Vec<DecisionEntry>, u64), Error> {
        ctx.require(Scope::Policy)?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            if let Some(subject) = &list.filter.subject {
                check_subject(reader, account, subject)?;
            }
            Ok(reader.decisions(account, &list.filter, list.skip, list.limit)?)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns an approval to whoever may ask the gate, to see how their question ends.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn approval(&self, ctx: &Ctx, id: ApprovalId) -> Result<Approval, Error> {
        if ctx.require(Scope::Approvals).is_err() {
            ctx.require(Scope::Gate)?;
        }
        let account = ctx.account();
        let read = move |reader: &dyn Reader| {
            reader.approval(account, id)?.ok_or_else(|| Error::not_found("approval", id))
        };
        self.0.ports.store.read(read).await
    }

    async fn opinion(&self, ctx: &Ctx, call: &Evaluate) -> Result<Opinion, Error> {
        let (core, ctx, call) = (self.0.clone(), ctx.clone(), call.clone());
        let read = move |reader: &dyn Reader| Ok::<_, Error>(core.judge(reader, &ctx, &call)?.opinion);
        self.0.ports.store.read(read).await
    }
}

impl Evaluate {
    fn check(&self) -> Result<(), Error> {
        const LONGEST: usize = 256 * 1024;
        if !(1..=200).contains(&self.tool.chars().count()) {
            return Err(Error::invalid("tool_name", "must have 1 to 200 characters"));
        }
        if Value::from(self.parameters.clone()).to_string().len() > LONGEST {
            return Err(Error::invalid("parameters", "must have at most 256 KiB as JSON"));
        }
        for (field, text) in [("context.run_id", &self.run), ("context.triggered_by", &self.triggered_by)] {
            if text.as_ref().is_some_and(|text| !(1..=200).contains(&text.chars().count())) {
                return Err(Error::invalid(field, "must have 1 to 200 characters"));
            }
        }
        Ok(())
    }
}

struct Judged {
    opinion: Opinion,
    guard: Guard,
    /// What the call does, where the agent is hosted here.
    action: Option<Action>,
    /// How long people have where the policy does not say.
    ttl: Duration,
}

impl Core {
    fn judge(&self, reader: &dyn Reader, ctx: &Ctx, call: &Evaluate) -> Result<Judged, Error> {
        let account = ctx.account();
        check_subject(reader, account, &call.subject)?;
        let hosted = match call.subject.agent() {
            Some(id) => reader.agent(account, id)?,
            None => None,
        };
        if let Some(agent) = hosted {
            return self.judge_hosted(reader, &agent, call, ctx.now);
        }
        let guard = self.editions.guard(reader, account, &call.subject, None)?;
        let parameters = Value::from(call.parameters.clone());
        let opinion = guard.closed_opinion(&call.tool, &parameters, &touches(&call.tool, &parameters));
        let opinion = match over_run(reader, ctx, call, &guard)? {
            Some(over) if opinion.ruling != Ruling::Block => over,
            Some(_) | None => opinion,
        };
        Ok(Judged { opinion, guard, action: None, ttl: TTL })
    }

    fn judge_hosted(
        &self,
        reader: &dyn Reader,
        agent: &Agent,
        call: &Evaluate,
        now: Timestamp,
    ) -> Result<Judged, Error> {
        let facts = Facts::read(self, reader, agent)?;
        let ttl = facts.settings.approval_ttl;
        let parameters = Value::from(call.parameters.clone());
        let effect = match self.effect_of(agent.id, &call.tool, parameters, now) {
            Ok(effect) => effect,
            Err(problem) => {
                let opinion = Opinion {
                    ruling: Ruling::Block,
                    code: "bad_call",
                    why: problem,
                    grant: "Call it as the tool's description says".to_owned(),
                    version: facts.guard.version(),
                    rule: None,
                };
                return Ok(Judged { opinion, guard: facts.guard, action: None, ttl });
            }
        };
        let opinion = match facts.decide(reader, agent, &effect, None, Used::default(), None)? {
            Decision::Allowed(_, opinion) | Decision::NeedsApproval(opinion) | Decision::Blocked(opinion) => {
                opinion
            }
        };
        Ok(Judged { opinion, guard: facts.guard, action: Some(effect.action), ttl })
    }

    /// Returns what a call would do if a hosted agent made it, outside any session. For asking only: leave for it
    /// fits no act.
    pub(super) fn effect_of(
        &self,
        agent: AgentId,
        tool: &str,
        parameters: Value,
        now: Timestamp,
    ) -> Result<Effect, String> {
        let call =
            ToolCall { id: ToolCallId::from_text("asked"), tool: tool.to_owned(), arguments: parameters };
        let action = match self.plan(&call).map_err(|problem| problem.to_string())? {
            Plan::Act { action, .. } => action,
            Plan::Ask { .. } => Action::AskPeer,
        };
        Ok(Effect {
            agent,
            session: self.ports.random.id::<SessionId>(now),
            turn: self.ports.random.id::<TurnId>(now),
            cause: Cause::Tool(call),
            action,
            scripts: Vec::new(),
        })
    }
}

/// Says that a run has used its calls, if it has.
fn over_run(
    reader: &dyn Reader,
    ctx: &Ctx,
    call: &Evaluate,
    guard: &Guard,
) -> Result<Option<Opinion>, Error> {
    let (Some(run), Some(max)) = (&call.run, guard.permissions.compute().max_tool_calls_per_run) else {
        return Ok(None);
    };
    let used = reader.allowed_in_run(ctx.account(), &call.subject, run)?;
    Ok((used >= max).then(|| Opinion {
        ruling: Ruling::Block,
        code: "compute_exceeded",
        why: format!("The run {run} has used its {max} tool calls"),
        grant: "Raise compute.max_tool_calls_per_run of the agent's permissions to let it go on".to_owned(),
        version: guard.version(),
        rule: None,
    }))
}

impl Judged {
    fn ask(
        &self,
        core: &Core,
        writer: &mut dyn Writer,
        ctx: &Ctx,
        call: &Evaluate,
    ) -> Result<ApprovalId, Error> {
        let id = core.ports.random.id::<ApprovalId>(ctx.now);
        let parameters = Value::from(call.parameters.clone());
        let terms = terms(&self.guard, self.ttl);
        let approval = Approval {
            id,
            account: ctx.account(),
            subject: call.subject.clone(),
            waiting: None,
            context: Context { run: call.run.clone(), triggered_by: call.triggered_by.clone() },
            question: Question::MayAct,
            tool: call.tool.clone(),
            summary: shortened(format!("{} {}", call.tool, masked(&parameters))),
            reason: self.opinion.to_string(),
            risk: assess(self.action.as_ref(), &call.tool, false, None),
            effect: EffectHash::of_call(&call.subject, &call.tool, &parameters),
            parameters: masked(&parameters),
            expires_at: ctx.now.checked_add(terms.ttl).unwrap_or(Timestamp::MAX),
            terms,
            status: Status::Pending,
            requested_at: ctx.now,
            votes: Vec::new(),
            escalated: None,
            decided_at: None,
            decided_by: None,
            note: None,
            executed_at: None,
        };
        insert(core, writer, &approval)?;
        Ok(id)
    }
}

fn shortened(mut text: String) -> String {
    const CAP: usize = 4_000;
    if let Some((end, _)) = text.char_indices().nth(CAP) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn entry(ctx: &Ctx, call: Evaluate, opinion: &Opinion, approval: Option<ApprovalId>) -> DecisionEntry {
    DecisionEntry {
        account: ctx.account(),
        subject: call.subject,
        key: match &ctx.principal {
            Principal::Key(key) => Some(key.id),
            Principal::Owner(_) => None,
        },
        tool: call.tool,
        parameters: kept(masked(&call.parameters.into())),
        ruling: opinion.ruling,
        code: opinion.code.to_owned(),
        reason: opinion.why.clone(),
        rule: opinion.rule.clone(),
        version: opinion.version,
        approval,
        run: call.run,
        triggered_by: call.triggered_by,
        turn: None,
        at: ctx.now,
    }
}
