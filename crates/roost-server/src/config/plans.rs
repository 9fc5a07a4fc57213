//! What the configuration says about plans.

use roost_domain::plan::{Allowance, BuiltinPlan, Limits, Plan, Plans};

use super::models::micro_usd;
use super::{Config, ConfigError, file::PlanOptions};

impl Config {
    /// Returns the plans that accounts can have.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Setting`] if a plan has a name that cannot be typed or a feature that nobody knows, or if the
    /// plan that accounts have by default is none.
    pub(crate) fn plans(&self) -> Result<Plans, ConfigError> {
        let plans = self.file.plans.iter().map(|(id, options)| plan(id, options));
        let plans = plans.collect::<Result<Vec<_>, _>>()?;
        Plans::new(plans, &self.file.guard.plan)
            .map_err(|problem| ConfigError::Setting { setting: "guard.plan", problem: problem.to_string() })
    }
}

fn plan(id: &str, options: &PlanOptions) -> Result<Plan, ConfigError> {
    let wrong = |problem: String| ConfigError::Setting { setting: "plans", problem };
    let good = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || "-_".contains(character)
    };
    if !(1..=50).contains(&id.len()) || !id.chars().all(good) {
        return Err(wrong(format!(
            "the name {id:?} must have 1 to 50 lower-case letters, digits, dashes and underscores"
        )));
    }
    let like = options.like.map(|like| like.0).or_else(|| id.parse().ok());
    let base = like.unwrap_or(BuiltinPlan::Enterprise).plan();
    let features = match &options.features {
        None => base.features,
        Some(names) => names
            .iter()
            .map(|name| name.parse().map_err(|problem| wrong(format!("{id}.features: {problem}"))))
            .collect::<Result<_, _>>()?,
    };
    let direct_models = match options.direct_model_usd {
        None => base.limits.direct_models,
        Some(usd) => Some(micro_usd(usd).ok_or_else(|| {
            wrong(format!("{id}.direct_model_usd must be a number of dollars from 0 to 1,000,000"))
        })?),
    };
    let allowance = base.allowance;
    Ok(Plan {
        id: id.to_owned(),
        name: options
            .name
            .clone()
            .unwrap_or_else(|| if like.map(BuiltinPlan::id) == Some(id) { base.name } else { id.to_owned() }),
        limits: Limits {
            max_agents: options.max_agents.or(base.limits.max_agents),
            max_skills_per_agent: options.max_skills_per_agent.or(base.limits.max_skills_per_agent),
            direct_models,
        },
        features,
        allowance: Allowance {
            scans: options.scans.or(allowance.scans),
            evaluations: options.evaluations.or(allowance.evaluations),
            approvals: options.approvals.or(allowance.approvals),
            sandboxes: options.max_sandboxes.or(allowance.sandboxes),
            scan_retention: options.scan_retention.map(|span| span.0).or(allowance.scan_retention),
        },
    })
}
