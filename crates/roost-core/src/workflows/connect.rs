use super::{WorkflowView, Workflows};
use crate::Ctx;

/// A service that somebody has to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The service.
    pub integration: String,
    /// What somebody opens in a browser, or why there is nothing to open.
    pub url: Result<String, String>,
}

impl Workflows<'_> {
    /// Returns what somebody opens to connect an agent to the services that it misses.
    pub fn connect(&self, _ctx: &Ctx, view: &WorkflowView) -> Vec<Connect> {
        let connect = |integration: &String| Connect {
            integration: integration.clone(),
            url: Ok(format!("{}/connect/{}/{integration}", self.0.settings.public_url, view.agent.id)),
        };
        view.missing.iter().map(connect).collect()
    }
}
