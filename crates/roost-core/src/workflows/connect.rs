use roost_domain::integration::IntegrationName;

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
    pub fn connect(&self, ctx: &Ctx, view: &WorkflowView) -> Vec<Connect> {
        let url = |integration: &str| match integration.parse::<IntegrationName>() {
            Ok(name) => Ok(self.0.connection_link(view.agent.id, &name, ctx.now)),
            Err(error) => Err(error.to_string()),
        };
        let connect =
            |integration: &String| Connect { integration: integration.clone(), url: url(integration) };
        view.missing.iter().map(connect).collect()
    }
}
