//! The account: its plan, and what it uses of it.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use roost_core::AccountView;
use roost_domain::plan::Feature;
use roost_http::{Caller, Failure};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::envelope::Data;

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    #[schema(example = "acct_0197c1f08c007000800000000000feed")]
    id: String,
    name: String,
    plan: Plan,
    usage: Used,
}

/// What an account may use.
#[derive(Debug, Serialize, ToSchema)]
struct Plan {
    #[schema(example = "pro")]
    id: String,
    #[schema(example = "Pro")]
    name: String,
    /// Always `active`.
    status: &'static str,
    limits: Limits,
    /// What the plan includes, by name.
    #[schema(value_type = BTreeMap<String, bool>, example = json!({"api_access": true, "swarms": true}))]
    features: BTreeMap<&'static str, bool>,
}

/// How much an account may have; null is without limit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Limits {
    max_agents: Option<u64>,
    max_skills_per_agent: Option<u64>,
    /// Dollars that the account may spend in a calendar month, in UTC, on models that it asks directly.
    direct_model_usd: Option<f64>,
}

/// What an account has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Used {
    agents: u64,
    /// Those that run, idle ones whose machines are frozen included.
    running_agents: u64,
}

/// Get the account
///
/// Every key may ask.
#[utoipa::path(
    get, path = "/v1/account", tag = "account", operation_id = "get_account",
    security(("ApiKey" = []), ("Bearer" = [])),
    responses((status = 200, description = "The account of the key.", body = Data<Account>)),
)]
pub(crate) async fn get(
    State(app): State<App>,
    Caller(ctx): Caller,
) -> Result<Answer<Data<Account>>, Failure> {
    Ok(Answer(Data { data: Account::new(app.core.accounts().get(&ctx).await?) }))
}

impl Account {
    fn new(view: AccountView) -> Self {
        let AccountView { account, plan, agents, running_agents } = view;
        let features = Feature::ALL.map(|feature| (feature.name(), plan.includes(feature)));
        Self {
            id: account.id.to_string(),
            name: account.name,
            plan: Plan {
                id: plan.id,
                name: plan.name,
                status: "active",
                limits: Limits {
                    max_agents: plan.limits.max_agents,
                    max_skills_per_agent: plan.limits.max_skills_per_agent,
                    direct_model_usd: plan.limits.direct_models.map(|most| most.0 as f64 / 1_000_000.0),
                },
                features: features.into_iter().collect(),
            },
            usage: Used { agents, running_agents },
        }
    }
}
