//! Artifacts: pages and scripts that runs make for people, and files that people give to runs.

use jiff::{SignedDuration, Timestamp};
use roost_domain::agent::Agent;
use roost_domain::artifact::{self, Artifact, File, MAX_TITLE, sha256};
use roost_domain::id::{AgentId, ArtifactId, FileId, RunId};
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_domain::run::StepKey;
use roost_domain::unit::Bytes;
use roost_domain::workflow::ArtifactKind;
use roost_ports::store::{ArtifactCursor, ArtifactFilter, Reader, Writer};

use crate::agents::own;
use crate::links::{Link, Purpose};
use crate::{Core, Ctx, Error};

/// How long a link to an artifact is good: a person looks at it now.
const LINK_LASTS: SignedDuration = SignedDuration::from_hours(1);

/// The use cases of artifacts.
pub struct Artifacts<'a>(pub(crate) &'a Core);

/// Which artifacts to list.
#[derive(Debug, Clone)]
pub struct ListArtifacts {
    /// Whose.
    pub agent: AgentId,
    /// Which of them.
    pub filter: ArtifactFilter,
    /// Where to begin.
    pub after: Option<ArtifactCursor>,
    /// At most so many.
    pub limit: Limit,
}

/// An artifact with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactContent {
    /// The artifact.
    pub artifact: Artifact,
    /// As it was made.
    pub content: String,
}

/// An artifact with a link under which a browser shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactLink {
    /// The artifact.
    pub artifact: Artifact,
    /// The whole URL.
    pub url: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Something that a step made, to be kept.
pub(crate) struct NewArtifact<'a> {
    /// The run.
    pub(crate) run: RunId,
    /// The step.
    pub(crate) step: &'a StepKey,
    /// What it is called; cut to 200 characters.
    pub(crate) title: &'a str,
    /// What it is.
    pub(crate) kind: ArtifactKind,
    /// What it holds, as `roost_domain::artifact::content` leaves it.
    pub(crate) content: &'a str,
}

impl Artifacts<'_> {
    /// Returns an agent's artifacts, newest first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent.
    pub async fn list(
        &self,
        ctx: &Ctx,
        list: ListArtifacts,
    ) -> Result<Page<Artifact, ArtifactCursor>, Error> {
        ctx.require(Scope::Runs)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, list.agent)?;
            Ok(reader.artifacts(list.agent, &list.filter, list.after, list.limit)?)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns an artifact with what it holds.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the artifact.
    pub async fn get(&self, ctx: &Ctx, agent: AgentId, id: ArtifactId) -> Result<ArtifactContent, Error> {
        ctx.require(Scope::Runs)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, agent)?;
            let artifact = reader.artifact(ctx.account(), agent, id)?;
            with_content(reader, artifact, id)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns an artifact with a link under which a browser shows it, for an hour.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the artifact.
    pub async fn link(&self, ctx: &Ctx, agent: AgentId, id: ArtifactId) -> Result<ArtifactLink, Error> {
        ctx.require(Scope::Runs)?;
        let caller = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &caller, agent)?;
            reader.artifact(caller.account(), agent, id)?.ok_or_else(|| Error::not_found("artifact", id))
        };
        let artifact = self.0.ports.store.read(read).await?;
        Ok(self.0.artifact_link(artifact, ctx.now))
    }

    /// Returns the artifact behind a link.
    ///
    /// # Errors
    ///
    /// `NotFound` for a token that leads nowhere; `InvalidState` with the code `link_expired`.
    pub async fn shown(&self, token: &str, now: Timestamp) -> Result<ArtifactContent, Error> {
        let link = self.0.follow(Purpose::Artifact, token, now)?;
        let id = ArtifactId::from_uuid(link.what);
        let read = move |reader: &dyn Reader| {
            let artifact = reader.artifact(link.account, link.agent, id)?;
            with_content(reader, artifact, id)
        };
        self.0.ports.store.read(read).await
    }

    /// Returns a file that was given to a run, with what it holds.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the file.
    pub async fn file(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        run: RunId,
        id: FileId,
    ) -> Result<(File, Vec<u8>), Error> {
        ctx.require(Scope::Runs)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, agent)?;
            let file = reader.run_file(ctx.account(), run, id)?.filter(|file| file.agent == agent);
            let file = file.ok_or_else(|| Error::not_found("file", id))?;
            let content = reader.run_file_content(id)?.ok_or_else(|| Error::not_found("file", id))?;
            Ok((file, content))
        };
        self.0.ports.store.read(read).await
    }
}

fn with_content(
    reader: &dyn Reader,
    artifact: Option<Artifact>,
    id: ArtifactId,
) -> Result<ArtifactContent, Error> {
    let artifact = artifact.ok_or_else(|| Error::not_found("artifact", id))?;
    let content = reader.artifact_content(id)?.ok_or_else(|| Error::not_found("artifact", id))?;
    Ok(ArtifactContent { artifact, content })
}

/// Keeps what a step made, as the next version of its title.
///
/// # Errors
///
/// If the store fails.
pub(crate) fn keep(
    core: &Core,
    writer: &mut dyn Writer,
    agent: &Agent,
    new: &NewArtifact<'_>,
    now: Timestamp,
) -> Result<Artifact, Error> {
    let title: String = new.title.trim().chars().filter(|char| !char.is_control()).take(MAX_TITLE).collect();
    let title = if title.is_empty() { new.step.step.to_string() } else { title };
    let artifact = Artifact {
        id: core.ports.random.id(now),
        account: agent.account,
        agent: agent.id,
        run: new.run,
        step: new.step.to_string(),
        version: writer.artifact_version(agent.id, &title)? + 1,
        title,
        kind: new.kind,
        size: Bytes(new.content.len() as u64),
        sha256: sha256(new.content),
        created_at: now,
    };
    debug_assert!(new.content.len() <= artifact::MAX_BYTES);
    writer.insert_artifact(&artifact, new.content)?;
    Ok(artifact)
}

impl Core {
    /// Returns an artifact with a link under which a browser shows it, for an hour.
    pub(crate) fn artifact_link(&self, artifact: Artifact, now: Timestamp) -> ArtifactLink {
        let expires_at = now.saturating_add(LINK_LASTS).unwrap_or(Timestamp::MAX);
        let token = self.link(&Link {
            purpose: Purpose::Artifact,
            account: artifact.account,
            agent: artifact.agent,
            run: artifact.run,
            what: artifact.id.uuid(),
            expires_at,
        });
        ArtifactLink { url: format!("{}/artifacts/{token}", self.settings.public_url), artifact, expires_at }
    }
}
