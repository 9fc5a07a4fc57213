//! The gate's facts: what holds for an agent at the moment of a decision, read in the transaction that writes the
//! intent, so that nothing can change between the decision and the act.

use std::time::Duration;

use jiff::Timestamp;
use roost_domain::agent::{Agent, Settings};
use roost_domain::approval::{Act, Approval, Context, Entry, Question, Status, Terms, Waiting, assess};
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::event::TurnEvent;
use roost_domain::files::FileRules;
use roost_domain::gate::{self, Decision, Permit, Rules, Used};
use roost_domain::guard::{Guard, Opinion};
use roost_domain::id::{AgentId, ApprovalId};
use roost_domain::network::{Bounds, NetworkRules};
use roost_domain::permissions::Compute;
use roost_domain::policy::{OnTimeout, Ruling};
use roost_domain::scan::{Finding, Severity};
use roost_domain::subject::Subject;
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_ports::store::{DecisionEntry, Reader, Turn, Writer};
use serde_json::{Value, json};

use crate::guard::confined;
use crate::log::Folded;
use crate::{Core, Error, log};

mod proposal;

pub(crate) use proposal::Comparison;

/// Everything that a decision about an agent's effect looks at.
pub(crate) struct Facts {
    /// The agent's settings, with what its permissions make of them.
    pub(crate) settings: Settings,
    /// What the account's records say about it.
    pub(crate) guard: Guard,
    /// The agents for whom this turn works, the nearest first, with what holds for them.
    pub(crate) callers: Vec<(Agent, Facts)>,
    /// The call as that of another tool by which the same could be done; what the rules say about that counts, too.
    operation: Option<ToolCall>,
}

impl Facts {
    /// Reads what holds for an agent now in a turn: whoever it works for is to allow what it does, too.
    pub(crate) fn of_turn(
        core: &Core,
        reader: &dyn Reader,
        agent: &Agent,
        turn: &Turn,
    ) -> Result<Self, Error> {
        let mut facts = Self::read(core, reader, agent)?;
        for caller in callers(turn) {
            if let Some(agent) = reader.agent_of_any_account(*caller)? {
                let held = Self::read(core, reader, &agent)?;
                facts.callers.push((agent, held));
            }
        }
        Ok(facts)
    }

    /// Reads what holds for an agent now.
    pub(crate) fn read(core: &Core, reader: &dyn Reader, agent: &Agent) -> Result<Self, Error> {
        let settings = Settings::read(&agent.config)?;
        let guard = core.editions.hosted(reader, agent)?;
        Ok(Self { settings: confined(settings, &guard), guard, callers: Vec::new(), operation: None })
    }

    /// Returns them with the host of a request listed: a person who connected the agent to a service let it go there.
    /// What is denied stays denied, and what it is confined to stays so.
    #[must_use]
    pub(crate) fn reaching(mut self, action: &Action) -> Self {
        if let Action::SendHttp { host, port, .. } = action
            && let Ok(rule) = format!("{host}:{port}").parse()
        {
            self.settings.network.allow.push(rule);
        }
        self
    }

    /// Returns them for a call that is an operation of a service: rules about the operation's own tool hold for it
    /// as well as those about the tool that was called.
    #[must_use]
    pub(crate) fn also_as(self, operation: ToolCall) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Decides about an effect, and by the approval that was given for it where it needs one.
    pub(crate) fn decide(
        &self,
        reader: &dyn Reader,
        agent: &Agent,
        effect: &Effect,
        leave: Option<ApprovalId>,
        used: Used,
        found: Option<&Finding>,
    ) -> Result<Decision, Error> {
        let rules = self.rules(reader, agent, effect, used, found)?;
        let mut decision = self.judged(effect, &rules);
        for (caller, facts) in &self.callers {
            let used = used_for(reader, effect, caller, facts, used)?;
            let rules = facts.rules(reader, caller, effect, used, found)?;
            decision = stricter(decision, self.judged(effect, &rules), Some(caller));
        }
        // What is blocked stays blocked, whatever was approved before it was.
        match (decision, leave) {
            (Decision::NeedsApproval(opinion), Some(id)) => {
                Ok(match by_approval(reader, agent, effect, id)? {
                    Some(permit) => Decision::Allowed(permit, approved(&opinion, id)),
                    None => Decision::NeedsApproval(opinion),
                })
            }
            (decision, _) => Ok(decision),
        }
    }

    /// Decides about an effect by somebody's rules, also as what else it is.
    fn judged(&self, effect: &Effect, rules: &Rules<'_>) -> Decision {
        let decision = gate::decide(effect, rules);
        let Some(operation) = &self.operation else { return decision };
        let other = Effect { cause: Cause::Tool(operation.clone()), ..effect.clone() };
        stricter(decision, gate::decide(&other, rules), None)
    }

    fn rules<'a>(
        &'a self,
        reader: &dyn Reader,
        agent: &Agent,
        effect: &Effect,
        used: Used,
        found: Option<&'a Finding>,
    ) -> Result<Rules<'a>, Error> {
        Ok(Rules {
            profile: self.settings.profile,
            network: &self.settings.network,
            budget: self.settings.budget,
            committed: reader.ledger(agent.id)?.committed(),
            guard: &self.guard,
            used,
            taint: reader.session_taint(effect.session)?,
            found,
        })
    }

    /// Returns where the agent's machine may connect to: where those allow for whom it works, too.
    pub(crate) fn network(&self) -> NetworkRules {
        let own = Bounds { profile: self.settings.profile, network: self.settings.network.clone() };
        let mut network = own.network.clone();
        for (_, facts) in &self.callers {
            let bounds = Bounds { profile: facts.settings.profile, network: facts.settings.network.clone() };
            if bounds != own && !bounds.are_none() && !network.also.contains(&bounds) {
                network.also.push(bounds);
            }
        }
        network
    }

    /// Returns which files its machine may touch: none that those may not for whom it works.
    pub(crate) fn files(&self) -> FileRules {
        let own = self.guard.permissions.files();
        let callers = self.callers.iter().map(|(_, facts)| facts.guard.permissions.files());
        let mut layers: Vec<_> =
            callers.filter(|files| *files != own && *files != FileRules::default()).collect();
        if layers.is_empty() {
            return own;
        }
        layers.push(own);
        FileRules::merge(layers)
    }

    /// Returns how an approval under the agent's policy is to be decided. `ttl` is how long people have where the
    /// policy does not say.
    pub(crate) fn terms(&self, ttl: Duration) -> Terms {
        let theirs = self.callers.iter().map(|(_, facts)| terms(&facts.guard, facts.settings.approval_ttl));
        theirs.fold(terms(&self.guard, ttl), stricter_terms)
    }
}

/// Returns terms that hold to both.
fn stricter_terms(own: Terms, theirs: Terms) -> Terms {
    let rank = |on_timeout| match on_timeout {
        OnTimeout::Block => 2,
        OnTimeout::Escalate => 1,
        OnTimeout::Allow => 0,
    };
    Terms {
        quorum: own.quorum.max(theirs.quorum),
        ttl: own.ttl.min(theirs.ttl),
        on_timeout: if rank(theirs.on_timeout) > rank(own.on_timeout) {
            theirs.on_timeout
        } else {
            own.on_timeout
        },
        escalate_to: own.escalate_to.or(theirs.escalate_to),
        distinct_keys: own.distinct_keys || theirs.distinct_keys,
    }
}

/// Returns what a turn that waits has used, with all that was done for it. Nothing is looked up where its agent is
/// not limited by it.
fn used_for(
    reader: &dyn Reader,
    effect: &Effect,
    caller: &Agent,
    facts: &Facts,
    own: Used,
) -> Result<Used, Error> {
    if facts.guard.permissions.compute() == Compute::default() {
        return Ok(Used::default());
    }
    let mut next = reader.turn(effect.turn)?;
    let now = next.as_ref().and_then(|turn| turn.created_at.checked_add(own.time).ok());
    while let Some(turn) = next {
        if turn.agent == caller.id {
            let mut used = used_below(reader, &turn)?;
            // silent-ok: a clock that went back means that no time has gone by.
            used.time =
                now.and_then(|now| now.duration_since(turn.created_at).try_into().ok()).unwrap_or_default();
            return Ok(used);
        }
        next = turn.caller.map(|caller| reader.turn(caller.turn)).transpose()?.flatten();
    }
    Ok(Used::default())
}

/// Recursion is as deep as agents may wait for one another.
fn used_below(reader: &dyn Reader, turn: &Turn) -> Result<Used, Error> {
    let Some(agent) = reader.agent_of_any_account(turn.agent)? else { return Ok(Used::default()) };
    let mut used = log::fold(reader, &agent, turn, &Folded::default())?.used(Duration::ZERO);
    for below in reader.turns_for(turn.id)? {
        let theirs = used_below(reader, &below)?;
        used.tool_calls = used.tool_calls.saturating_add(theirs.tool_calls);
        used.tokens = used.tokens.saturating_add(theirs.tokens);
    }
    Ok(used)
}

/// Returns the agents for whom a turn works, the nearest first.
pub(crate) fn callers(turn: &Turn) -> &[AgentId] {
    turn.caller.as_ref().map_or(&[], |caller| &caller.above)
}

/// How many agents may wait for one another in a row.
pub(crate) const MOST_CALLERS: usize = 4;

/// Returns the stricter of two decisions; the other one may be by the rules of an agent for whom this one works.
fn stricter(own: Decision, theirs: Decision, caller: Option<&Agent>) -> Decision {
    let told = |opinion: Opinion| match caller {
        Some(caller) => {
            Opinion { why: format!("The task comes from {}. {}", caller.name, opinion.why), ..opinion }
        }
        None => opinion,
    };
    match (own, theirs) {
        (Decision::Blocked(opinion), _) => Decision::Blocked(opinion),
        (_, Decision::Blocked(opinion)) => Decision::Blocked(told(opinion)),
        (Decision::NeedsApproval(opinion), _) => Decision::NeedsApproval(opinion),
        (Decision::Allowed(..), Decision::NeedsApproval(opinion)) => Decision::NeedsApproval(told(opinion)),
        (allowed @ Decision::Allowed(..), Decision::Allowed(..)) => allowed,
    }
}

/// Returns how approvals about a subject are to be decided.
pub(crate) fn terms(guard: &Guard, ttl: Duration) -> Terms {
    let policy = guard.policy.as_ref().map(|(_, policy)| policy.policy());
    Terms {
        quorum: policy.map_or(1, |policy| policy.approvals.quorum),
        ttl: policy.and_then(|policy| policy.approvals.ttl).unwrap_or(ttl),
        on_timeout: policy.map_or(OnTimeout::Block, |policy| policy.on_timeout),
        escalate_to: policy.and_then(|policy| policy.approvals.escalate_to.clone()),
        distinct_keys: policy.is_some_and(|policy| policy.approvals.distinct_keys),
    }
}

fn approved(opinion: &Opinion, id: ApprovalId) -> Opinion {
    Opinion {
        ruling: Ruling::Allow,
        code: "approved",
        why: format!("Approved by {id}. {}", opinion.why),
        grant: String::new(),
        ..opinion.clone()
    }
}

/// Returns leave if the approval was given for exactly this effect. If it was given for another, the effect is
/// decided anew: the agent's configuration may have changed what the same call does.
fn by_approval(
    reader: &dyn Reader,
    agent: &Agent,
    effect: &Effect,
    id: ApprovalId,
) -> Result<Option<Permit>, Error> {
    let Some(approval) = reader.approval(agent.account, id)? else { return Ok(None) };
    match approval.permit(effect) {
        Ok(permit) => Ok(Some(permit)),
        Err(why) => {
            tracing::warn!(approval = %id, %why, "an approval does not cover the effect it was asked for");
            Ok(None)
        }
    }
}

/// What to ask a person.
pub(crate) struct Ask<'a> {
    pub(crate) id: ApprovalId,
    pub(crate) turn: &'a Turn,
    pub(crate) effect: &'a Effect,
    pub(crate) question: Question,
    pub(crate) reason: String,
    pub(crate) terms: Terms,
    pub(crate) found: Option<&'a Finding>,
    /// What a proposed text for a document changes.
    pub(crate) compared: Option<&'a Comparison>,
}

/// Writes an approval and returns the event that goes with it.
pub(crate) fn ask(
    core: &Core,
    writer: &mut dyn Writer,
    ask: Ask<'_>,
    now: Timestamp,
) -> Result<TurnEvent, Error> {
    let call = cause_call(&ask.effect.cause);
    let summary = match proposal::described(ask.effect, ask.compared) {
        Some(change) => capped(change),
        None => summary(ask.effect),
    };
    let (tool, parameters) = named(ask.effect);
    let tainted = writer.session_taint(ask.turn.session)?.is_some();
    let found = ask.found.map(|finding| finding.severity);
    let expires_at = now.checked_add(ask.terms.ttl).unwrap_or(Timestamp::MAX);
    // What others may have put there is not done because nobody looked.
    let suspicious = tainted || found.is_some_and(|severity| severity >= Severity::High);
    let on_timeout = if suspicious && ask.terms.on_timeout == OnTimeout::Allow {
        OnTimeout::Block
    } else {
        ask.terms.on_timeout
    };
    let terms = Terms { on_timeout, ..ask.terms };
    let approval = Approval {
        id: ask.id,
        account: ask.turn.account,
        subject: Subject::hosted(ask.turn.agent),
        waiting: Some(Waiting {
            agent: ask.turn.agent,
            session: ask.turn.session,
            turn: ask.turn.id,
            call: call.clone(),
        }),
        context: Context { run: Some(ask.turn.id.to_string()), triggered_by: None },
        question: ask.question,
        risk: assess(Some(&ask.effect.action), &tool, tainted, found),
        tool,
        parameters,
        summary: summary.clone(),
        reason: ask.reason.clone(),
        effect: ask.effect.hash(),
        terms,
        status: Status::Pending,
        requested_at: now,
        expires_at,
        votes: Vec::new(),
        escalated: None,
        decided_at: None,
        decided_by: None,
        note: None,
        executed_at: None,
    };
    insert(core, writer, &approval)?;
    let question = ask.question;
    Ok(TurnEvent::ApprovalRequested {
        approval: ask.id,
        call,
        question,
        summary,
        reason: ask.reason,
        expires_at,
    })
}

/// Adds an approval, with what stands in the record about it.
pub(crate) fn insert(core: &Core, writer: &mut dyn Writer, approval: &Approval) -> Result<(), Error> {
    writer.insert_approval(approval)?;
    record(writer, approval, Act::Requested, "agent", Some(approval.reason.clone()), approval.requested_at)?;
    core.announce_approval(writer, "approval.requested", approval, approval.requested_at)
}

/// Adds to the approvals' record.
pub(crate) fn record(
    writer: &mut dyn Writer,
    approval: &Approval,
    act: Act,
    actor: &str,
    detail: Option<String>,
    at: Timestamp,
) -> Result<(), Error> {
    let entry = Entry {
        approval: approval.id,
        subject: approval.subject.clone(),
        act,
        actor: actor.to_owned(),
        detail,
        at,
    };
    Ok(writer.insert_approval_entry(approval.account, &entry)?)
}

/// Writes down that what an approval was given for has begun.
pub(crate) fn executed(
    writer: &mut dyn Writer,
    agent: &Agent,
    leave: ApprovalId,
    now: Timestamp,
) -> Result<(), Error> {
    if let Some(approval) = writer.approval(agent.account, leave)? {
        let approval = Approval { executed_at: Some(now), ..approval };
        writer.update_approval(&approval)?;
        record(writer, &approval, Act::Executed, "system", None, now)?;
    }
    Ok(())
}

/// What a decision was about.
pub(crate) struct Noted<'a> {
    pub(crate) turn: &'a Turn,
    pub(crate) effect: &'a Effect,
    pub(crate) facts: &'a Facts,
}

/// Writes a decision about a hosted agent's effect down. Model calls that are simply allowed stand in the session's
/// events and nowhere else.
pub(crate) fn note(
    core: &Core,
    writer: &mut dyn Writer,
    Noted { turn, effect, facts }: Noted<'_>,
    opinion: &Opinion,
    approval: Option<ApprovalId>,
    now: Timestamp,
) -> Result<(), Error> {
    if matches!(effect.cause, Cause::Loop) && opinion.ruling == Ruling::Allow {
        return Ok(());
    }
    let (tool, parameters) = named(effect);
    let entry = DecisionEntry {
        account: turn.account,
        subject: Subject::hosted(turn.agent),
        key: None,
        tool,
        parameters: kept(parameters),
        ruling: opinion.ruling,
        code: opinion.code.to_owned(),
        reason: opinion.why.clone(),
        rule: opinion.rule.clone(),
        version: opinion.version,
        approval,
        run: Some(turn.id.to_string()),
        triggered_by: None,
        turn: Some((turn.session, turn.id)),
        at: now,
    };
    writer.insert_decision(&entry)?;
    core.announce_blocked(writer, &facts.guard, &entry)
}

/// Returns parameters without the values of what is named like a credential, for records that many may read.
pub(crate) fn masked(value: &Value) -> Value {
    const WORDS: [&str; 8] =
        ["authorization", "cookie", "token", "secret", "password", "passwd", "apikey", "credential"];
    let is_credential = |key: &str| {
        let key: String = key.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        WORDS.iter().any(|word| key.contains(word))
    };
    match value {
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| {
                let shown =
                    if is_credential(key) && !value.is_null() { json!("•••") } else { masked(value) };
                (key.clone(), shown)
            };
            map.iter().map(entry).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(list) => list.iter().map(masked).collect::<Vec<_>>().into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Returns parameters as they are kept: not at all where they are very long.
pub(crate) fn kept(parameters: Value) -> Option<Value> {
    const LONGEST: usize = 16 * 1024;
    (parameters.to_string().len() <= LONGEST).then_some(parameters)
}

/// Returns the tool and parameters as records name them.
fn named(effect: &Effect) -> (String, Value) {
    match &effect.cause {
        Cause::Tool(call) => (call.tool.clone(), masked(&call.arguments)),
        Cause::Loop => {
            let model = if let Action::CallModel { model, .. } = &effect.action {
                Some(model.as_str())
            } else {
                None
            };
            let parameters = model.map_or_else(|| json!({}), |model| json!({"model": model}));
            (effect.action.name().to_owned(), parameters)
        }
    }
}

/// Says all that a person has to see before they say yes. What is left out for its length is said to be.
fn summary(effect: &Effect) -> String {
    let text = match (&effect.action, &effect.cause) {
        (Action::RunCommand { command }, _) => format!("run the command {command:?}"),
        (
            Action::SendHttp { .. }
            | Action::WriteFile { .. }
            | Action::ChangeDocument { .. }
            | Action::WriteKnowledge { .. }
            | Action::AskAgent { .. },
            Cause::Tool(call),
        ) => {
            format!("{}: {} {}", effect.action, call.tool, masked(&call.arguments))
        }
        (action, _) => action.to_string(),
    };
    capped(text)
}

fn capped(mut text: String) -> String {
    const CAP: usize = 4_000;
    if let Some((end, _)) = text.char_indices().nth(CAP) {
        let more = text[end..].chars().count();
        text.truncate(end);
        text.push_str(&format!("… and {more} more characters that stand in the session's events"));
    }
    text
}

fn cause_call(cause: &Cause) -> Option<ToolCallId> {
    match cause {
        Cause::Loop => None,
        Cause::Tool(call) => Some(call.id.clone()),
    }
}
