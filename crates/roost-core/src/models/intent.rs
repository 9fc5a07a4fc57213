use jiff::tz::TimeZone;
use roost_domain::agent::Agent;
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::gate::{self, Decision, Permit, Profile, Rules, Used};
use roost_domain::guard::{Guard, Opinion};
use roost_domain::id::{AgentId, ModelCallId, TurnId};
use roost_domain::model::ModelName;
use roost_domain::network::NetworkRules;
use roost_domain::policy::Ruling;
use roost_domain::subject::Subject;
use roost_domain::tool::{ToolCall, ToolCallId};
use roost_domain::unit::MicroUsd;
use roost_ports::store::{DecisionEntry, ModelCall, Reader, UsageFilter, Writer};
use serde_json::json;

use crate::gate::Facts;
use crate::{Core, Ctx, Error, Kind};

/// The name under which policies and permissions know a model that an account asks itself.
const TOOL: &str = "call_model";

/// A call that the gate is to decide about.
pub(super) struct Intent {
    pub(super) core: Core,
    pub(super) ctx: Ctx,
    pub(super) agent: Option<Agent>,
    pub(super) id: ModelCallId,
    pub(super) model: ModelName,
    pub(super) worst_case: MicroUsd,
    pub(super) priced: bool,
}

impl Intent {
    /// Lets the gate decide, holds the worst case back, and writes the intent.
    pub(super) fn write(
        self,
        writer: &mut dyn Writer,
    ) -> Result<Result<(Permit, ModelCall), Opinion>, Error> {
        match self.decide(writer)? {
            Ok((permit, ledger)) => {
                if self.agent.is_none() {
                    self.check_plan(writer, ledger)?;
                }
                let began_at = self.ctx.now;
                let call = ModelCall {
                    id: self.id,
                    account: self.ctx.account(),
                    ledger,
                    model: self.model,
                    reserved: self.worst_case,
                    began_at,
                };
                writer.reserve(ledger, call.reserved)?;
                writer.insert_model_call(&call)?;
                Ok(Ok((permit, call)))
            }
            Err(opinion) => Ok(Err(opinion)),
        }
    }

    /// Lets the gate decide. Returns leave and whose ledger the call stands in; what is not allowed is noted.
    pub(super) fn decide(
        &self,
        writer: &mut dyn Writer,
    ) -> Result<Result<(Permit, AgentId), Opinion>, Error> {
        let (ledger, decision, guard) = match &self.agent {
            Some(agent) => {
                let facts = Facts::read(&self.core, writer, agent)?;
                if facts.settings.budget.is_some() && !self.priced {
                    let message = format!(
                        "the agent has a budget, but the price of {} is not known, so the budget cannot be held",
                        self.model
                    );
                    return Err(Error::new(Kind::InvalidInput, "price_unknown", message));
                }
                let effect = self.effect(agent.id, Cause::Loop);
                let decision = facts.decide(writer, agent, &effect, None, Used::default(), None)?;
                (agent.id, decision, facts.guard)
            }
            None => {
                let account = self.ctx.account();
                let ledger = writer.account_ledger(account, self.ctx.now)?;
                let guard = self.core.editions.guard(writer, account, &Subject::account(), None)?;
                let network = NetworkRules::default();
                let call = ToolCall {
                    id: ToolCallId::from_text(self.id.to_string()),
                    tool: TOOL.to_owned(),
                    arguments: json!({"model": self.model.as_str()}),
                };
                let effect = self.effect(ledger, Cause::Tool(call));
                let decision = gate::decide(&effect, &Rules::new(Profile::Open, &network, &guard));
                (ledger, decision, guard)
            }
        };
        match decision {
            Decision::Allowed(permit, _) => Ok(Ok((permit, ledger))),
            Decision::NeedsApproval(opinion) | Decision::Blocked(opinion) => {
                self.note(writer, &opinion, &guard)?;
                Ok(Err(opinion))
            }
        }
    }

    /// Holds what an account spends on models that it asks itself to what its plan allows in a month.
    fn check_plan(&self, reader: &dyn Reader, ledger: AgentId) -> Result<(), Error> {
        let account = self.ctx.account();
        let plan = self.core.account_plan(reader, account)?;
        let Some(limit) = plan.limits.direct_models else { return Ok(()) };
        if !self.priced {
            let message = format!(
                "the plan {} has a limit for models that are asked directly, but the price of {} is not known, so the \
                 limit cannot be held",
                plan.id, self.model
            );
            return Err(Error::new(Kind::InvalidInput, "price_unknown", message));
        }
        let today = self.ctx.now.to_zoned(TimeZone::UTC).date();
        let month = UsageFilter {
            account,
            agent: Some(ledger),
            from: today.first_of_month(),
            to: today.last_of_month(),
            by: Vec::new(),
        };
        let spent = reader.usage_total(&month)?.cost;
        let committed = spent.saturating_add(reader.ledger(ledger)?.reserved);
        if self.worst_case == MicroUsd::ZERO || committed.saturating_add(self.worst_case) <= limit {
            return Ok(());
        }
        let message = format!(
            "the call may cost {}, and {committed} of the {limit} are spent or held back that the plan {} allows in a \
             month for models that are asked directly (direct_model_usd); the month ends on {}",
            self.worst_case,
            plan.id,
            today.last_of_month()
        );
        Err(Error::new(Kind::QuotaExceeded, "budget_exceeded", message))
    }

    fn effect(&self, agent: AgentId, cause: Cause) -> Effect {
        Effect {
            agent,
            session: agent.journal(),
            turn: TurnId::from_uuid(self.id.uuid()),
            cause,
            action: Action::CallModel { model: self.model.clone(), worst_case: self.worst_case },
            scripts: Vec::new(),
        }
    }

    fn note(&self, writer: &mut dyn Writer, opinion: &Opinion, guard: &Guard) -> Result<(), Error> {
        let entry = DecisionEntry {
            account: self.ctx.account(),
            subject: self.agent.as_ref().map_or_else(Subject::account, |agent| Subject::hosted(agent.id)),
            key: None,
            tool: TOOL.to_owned(),
            parameters: Some(json!({"model": self.model.as_str()})),
            ruling: Ruling::Block,
            code: opinion.code.to_owned(),
            reason: opinion.why.clone(),
            rule: opinion.rule.clone(),
            version: opinion.version,
            approval: None,
            run: Some(self.id.to_string()),
            triggered_by: None,
            turn: None,
            at: self.ctx.now,
        };
        writer.insert_decision(&entry)?;
        self.core.announce_blocked(writer, guard, &entry)
    }
}

/// Says that the gate does not let a call be made.
pub(super) fn refused(opinion: &Opinion) -> Error {
    let kind = if opinion.code == "budget_exceeded" { Kind::QuotaExceeded } else { Kind::Forbidden };
    let waits = match opinion.ruling {
        Ruling::RequireApproval => {
            " This needs an approval, and a call outside of a turn cannot wait for one."
        }
        Ruling::Allow | Ruling::Block => "",
    };
    Error::new(kind, opinion.code, format!("{opinion}{waits}"))
}
