use roost_domain::integration::IntegrationName;
use roost_domain::key::Scope;

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
    /// Returns what somebody opens to connect an agent to the services that it misses. Whoever may only look is shown
    /// no link: a link connects.
    pub fn connect(&self, ctx: &Ctx, view: &WorkflowView) -> Vec<Connect> {
        let may_connect = ctx.require(Scope::AgentsWrite).is_ok();
        let url = |integration: &str| match integration.parse::<IntegrationName>() {
            Ok(_) if !may_connect => Err("the link is shown to keys with the scope agents:write".to_owned()),
            Ok(name) => Ok(self.0.connection_link(view.agent.id, &name, ctx.now)),
            Err(error) => Err(error.to_string()),
        };
        let connect =
            |integration: &String| Connect { integration: integration.clone(), url: url(integration) };
        view.missing.iter().map(connect).collect()
    }
}
