//! Accounts: what they are called, what their plan allows, what they use of it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use roost_domain::account::Account;
use roost_domain::agent::State;
use roost_domain::id::AccountId;
use roost_domain::page::Limit;
use roost_domain::plan::{Feature, Plan};
use roost_ports::store::{AgentFilter, Reader, Writer};

use crate::{Core, Ctx, Error, Kind, Principal};

/// The use cases of accounts.
pub struct Accounts<'a>(pub(crate) &'a Core);

/// An account with its plan and what it uses of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountView {
    /// The account.
    pub account: Account,
    /// Its plan, with the bounds that hold: those of the plan and of the server.
    pub plan: Plan,
    /// Agents it has.
    pub agents: u64,
    /// Those of them that run, frozen ones included.
    pub running_agents: u64,
}

/// The plans of accounts that asked for something, as their last request found them.
#[derive(Default)]
pub(crate) struct ChosenPlans(Mutex<HashMap<AccountId, Option<String>>>);

impl ChosenPlans {
    pub(crate) fn learn(&self, account: &Account) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(&account.id) != Some(&account.plan) {
            known.insert(account.id, account.plan.clone());
        }
    }

    fn get(&self, id: AccountId) -> Option<Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

impl Accounts<'_> {
    /// Returns the caller's account. Every key may ask.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn get(&self, ctx: &Ctx) -> Result<AccountView, Error> {
        let (core, id) = (self.0.clone(), ctx.account());
        let read = move |reader: &dyn Reader| {
            let account = reader.account(id)?.ok_or_else(|| Error::not_found("account", id))?;
            core.view(reader, account)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns every account of this server, the oldest first, at most 1,000. For its owner only.
    ///
    /// # Errors
    ///
    /// `Forbidden` unless the server's owner asks.
    pub async fn list(&self, ctx: &Ctx) -> Result<Vec<AccountView>, Error> {
        owner_only(ctx)?;
        let core = self.0.clone();
        let read = move |reader: &dyn Reader| {
            reader.accounts()?.into_iter().map(|account| core.view(reader, account)).collect()
        };
        self.0.ports.store.read(read).await
    }

    /// Chooses an account's plan; `None` gives it the server's usual one. For the server's owner only.
    ///
    /// # Errors
    ///
    /// `Forbidden` unless the server's owner asks; `InvalidInput` if there is no such plan; `NotFound`.
    pub async fn set_plan(
        &self,
        ctx: &Ctx,
        id: AccountId,
        plan: Option<String>,
    ) -> Result<AccountView, Error> {
        owner_only(ctx)?;
        if let Some(plan) = &plan {
            self.0.settings.plans.named(plan).map_err(|problem| Error::invalid("plan", problem))?;
        }
        let core = self.0.clone();
        let set = move |writer: &mut dyn Writer| {
            writer.set_plan(id, plan.as_deref())?;
            let account = writer.account(id)?.ok_or_else(|| Error::not_found("account", id))?;
            core.chosen_plans.learn(&account);
            core.view(writer, account)
        };
        self.0.ports.store.write(set).await
    }
}

fn owner_only(ctx: &Ctx) -> Result<(), Error> {
    match &ctx.principal {
        Principal::Owner(_) => Ok(()),
        Principal::Key(_) => Err(Error::forbidden(
            "owner_only",
            "only the server's owner may do this, with `roost account` on the server's machine",
        )),
    }
}

impl Core {
    /// Returns an account's plan: its limits, features and allowances. The bound on agents is the plan's or the
    /// server's, whichever is lower.
    pub(crate) fn account_plan(&self, reader: &dyn Reader, account: AccountId) -> Result<Plan, Error> {
        let account = reader.account(account)?;
        Ok(self.plan_called(account.as_ref().and_then(|account| account.plan.as_deref())))
    }

    fn plan_called(&self, id: Option<&str>) -> Plan {
        let mut plan = self.settings.plans.of(id).clone();
        plan.limits.max_agents = Some(
            plan.limits.max_agents.map_or(self.settings.max_agents, |max| max.min(self.settings.max_agents)),
        );
        plan
    }

    /// Returns the plan of the caller's account, as the request's authentication found it.
    pub(crate) async fn plan_of(&self, ctx: &Ctx) -> Result<Plan, Error> {
        let id = ctx.account();
        if let Some(chosen) = self.chosen_plans.get(id) {
            return Ok(self.plan_called(chosen.as_deref()));
        }
        let core = self.clone();
        self.ports.store.read(move |reader| core.account_plan(reader, id)).await
    }

    fn view(&self, reader: &dyn Reader, account: Account) -> Result<AccountView, Error> {
        let plan = self.plan_called(account.plan.as_deref());
        let count = |states| {
            let filter = AgentFilter { states, ..AgentFilter::default() };
            Ok::<_, Error>(reader.agents(account.id, &filter, None, Limit::clamped(1, 1))?.total)
        };
        let (agents, running_agents) = (count(Vec::new())?, count(vec![State::Running, State::Frozen])?);
        Ok(AccountView { plan, agents, running_agents, account })
    }
}

/// Checks that a plan includes something.
pub(crate) fn require(plan: &Plan, feature: Feature) -> Result<(), Error> {
    if plan.includes(feature) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Forbidden,
        "plan_feature_missing",
        format!(
            "the plan {} does not include {}; the server's owner can change the plan with `roost account set-plan`",
            plan.id,
            feature.name()
        ),
    ))
}
