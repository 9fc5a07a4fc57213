//! The page of a run, behind a link of its own.

use jiff::{SignedDuration, Timestamp};
use roost_domain::id::{AgentId, RunId};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_ports::store::{ArtifactFilter, Reader};

use super::{RunView, Runs, view};
use crate::agents::own;
use crate::links::{Link, Purpose};
use crate::{ArtifactLink, Ctx, Error, Kind};

/// How long a link to a run is good.
const LINK_LASTS: SignedDuration = SignedDuration::from_hours(24);
/// The most artifacts that a page shows.
const MOST_ARTIFACTS: Limit = Limit::clamped(20, 20);

/// A link under which a browser shows a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLink {
    /// The whole URL.
    pub url: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// What the page of a run shows.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPage {
    /// The agent's name.
    pub agent: String,
    /// The run.
    pub run: RunView,
    /// The pages of the forms that wait, in the order of the run's.
    pub form_urls: Vec<String>,
    /// What it made, newest first.
    pub artifacts: Vec<ArtifactLink>,
}

impl Runs<'_> {
    /// Returns a link under which a browser shows a run, for a day. Whoever has it can also answer the run's forms.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the run.
    pub async fn link(&self, ctx: &Ctx, agent: AgentId, run: RunId) -> Result<RunLink, Error> {
        ctx.require(Scope::Runs)?;
        let caller = ctx.clone();
        let look = move |reader: &dyn Reader| {
            own(reader, &caller, agent)?;
            reader.run(caller.account(), agent, run)?.ok_or_else(|| Error::not_found("run", run))
        };
        self.0.ports.store.read(look).await?;
        let expires_at = ctx.now.saturating_add(LINK_LASTS).unwrap_or(Timestamp::MAX);
        let (account, what) = (ctx.account(), run.uuid());
        let token = self.0.link(&Link { purpose: Purpose::Run, account, agent, run, what, expires_at });
        Ok(RunLink { url: format!("{}/runs/{token}", self.0.settings.public_url), expires_at })
    }

    /// Returns what the page behind a link shows.
    ///
    /// # Errors
    ///
    /// `NotFound` for a token that leads nowhere; `InvalidState` with the code `link_expired`.
    pub async fn shown(&self, token: &str, now: Timestamp) -> Result<RunPage, Error> {
        let link = self.0.follow(Purpose::Run, token, now)?;
        let core = self.0.clone();
        let read = move |reader: &dyn Reader| {
            let gone =
                || Error::new(Kind::NotFound, "not_found", "what this link leads to is no longer there");
            let agent = reader.agent(link.account, link.agent)?.ok_or_else(gone)?;
            let kept = reader.run(link.account, link.agent, link.run)?.ok_or_else(gone)?;
            let plan = core.plans.get(reader, link.agent, kept.run.version)?;
            let run = view(reader, &plan, kept)?;
            let of_run = ArtifactFilter { run: Some(link.run), title: None };
            let artifacts = reader.artifacts(link.agent, &of_run, None, MOST_ARTIFACTS)?.rows;
            Ok(RunPage {
                agent: agent.name,
                form_urls: run.forms.iter().map(|form| core.forms().url(&run.run, form, now)).collect(),
                artifacts: artifacts.into_iter().map(|artifact| core.artifact_link(artifact, now)).collect(),
                run,
            })
        };
        self.0.ports.store.read(read).await
    }
}
