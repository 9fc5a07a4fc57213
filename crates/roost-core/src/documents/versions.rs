use roost_domain::document::{ContentHash, DocumentName, Version};
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::page::{Limit, Page};
use roost_ports::store::{Reader, VersionEntry, Writer};

use super::write::{Change, write};
use super::{Documents, Written, author_of, unified};
use crate::agents::own;
use crate::{Ctx, Error};

/// What changed between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The version before; 0 is the empty text.
    pub from: u64,
    /// The version after.
    pub to: u64,
    /// As `diff -u` writes it; empty if nothing changed.
    pub text: String,
}

/// A version to be made the present one.
#[derive(Debug, Clone)]
pub struct RestoreDocument {
    /// Which document.
    pub name: DocumentName,
    /// Which version.
    pub version: u64,
    /// The hash of the text that the caller took for the present one.
    pub expected: Option<ContentHash>,
}

impl Documents<'_> {
    /// Returns the versions of a document that are kept, the latest first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent, or for a document that never was.
    pub async fn versions(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        name: DocumentName,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<VersionEntry, u64>, Error> {
        self.look(ctx, agent, move |reader, agent| {
            let page = reader.document_versions(agent, &name, before, limit)?;
            if page.total == 0 { Err(Error::not_found("document", &name)) } else { Ok(page) }
        })
        .await
    }

    /// Returns one version of a document.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the version.
    pub async fn version(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        name: DocumentName,
        number: u64,
    ) -> Result<Version, Error> {
        self.look(ctx, agent, move |reader, agent| found(reader, agent, &name, number)).await
    }

    /// Returns what changed between two versions: without `to`, up to the latest; without `from`, from the one before.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent, the document or a version.
    pub async fn diff(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        name: DocumentName,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Result<Diff, Error> {
        let called = name.clone();
        let (before, after) = self
            .look(ctx, agent, move |reader, agent| {
                let one = Limit::clamped(1, 1);
                let latest = reader.document_versions(agent, &name, None, one)?.rows.into_iter().next();
                let latest = latest.ok_or_else(|| Error::not_found("document", &name))?.number;
                let to = to.unwrap_or(latest);
                let from = from.unwrap_or_else(|| to.saturating_sub(1));
                let before = match from {
                    0 => (0, None),
                    from => (from, found(reader, agent, &name, from)?.content),
                };
                Ok((before, (to, found(reader, agent, &name, to)?.content)))
            })
            .await?;
        // Comparing takes a while for long texts that differ everywhere.
        let compare = move || {
            let title = |number: u64| format!("{called} (version {number})");
            let text = unified(
                (&title(before.0), before.1.as_deref().unwrap_or_default()),
                (&title(after.0), after.1.as_deref().unwrap_or_default()),
            );
            Diff { from: before.0, to: after.0, text }
        };
        tokio::task::spawn_blocking(compare).await.map_err(Error::internal)
    }

    /// Writes what a version said as a new version.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the version; `InvalidInput` if the version is a deletion; `Conflict` with the code
    /// `hash_mismatch`; `QuotaExceeded` with the code `too_many_rules`.
    pub async fn restore(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        restore: RestoreDocument,
    ) -> Result<Written, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let caller = ctx.clone();
        let write = move |writer: &mut dyn Writer| {
            let RestoreDocument { name, version, expected } = restore;
            let agent = own(writer, &caller, agent)?;
            let Some(content) = found(writer, agent.id, &name, version)?.content else {
                return Err(Error::invalid(
                    "version",
                    format!("{version} is a deletion; choose one with a text"),
                ));
            };
            let note = Some(format!("restored from version {version}"));
            let (content, author) = (Some(content), author_of(&caller));
            let change = Change { name: name.clone(), content, expected, author, note };
            let agent = write(writer, agent, change, caller.now)?;
            let documents = writer.document(agent.id, &name)?.into_iter().collect();
            Ok::<_, Error>(Written { documents, needs_restart: agent.needs_restart })
        };
        let written = self.0.ports.store.write(write).await?;
        self.0.hub.tick(agent.journal());
        Ok(written)
    }
}

fn found(reader: &dyn Reader, agent: AgentId, name: &DocumentName, number: u64) -> Result<Version, Error> {
    reader.document_version(agent, name, number)?.ok_or_else(|| {
        Error::not_found("version", format!("{number} of {name}; older ones may not be kept any more"))
    })
}
