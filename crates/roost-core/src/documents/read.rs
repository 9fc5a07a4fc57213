use roost_domain::document::{Document, DocumentName, RuleName};
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_ports::store::{DocumentEntry, Reader};

use super::Documents;
use crate::agents::own;
use crate::{Ctx, Error};

/// Who an agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Personality {
    /// SOUL.md
    pub soul: Option<Document>,
    /// IDENTITY.md
    pub identity: Option<Document>,
}

/// What an agent's job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// WORKFLOW.md
    pub workflow: Option<Document>,
    /// The names of its rules, sorted.
    pub rules: Vec<RuleName>,
}

impl Documents<'_> {
    /// Returns an agent's SOUL.md and IDENTITY.md, whatever the agent is doing.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn personality(&self, ctx: &Ctx, agent: AgentId) -> Result<Personality, Error> {
        self.look(ctx, agent, |reader, agent| {
            Ok(Personality {
                soul: reader.document(agent, &DocumentName::Soul)?,
                identity: reader.document(agent, &DocumentName::Identity)?,
            })
        })
        .await
    }

    /// Returns an agent's WORKFLOW.md and the names of its rules, whatever the agent is doing.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn workflow(&self, ctx: &Ctx, agent: AgentId) -> Result<Workflow, Error> {
        self.look(ctx, agent, |reader, agent| {
            Ok(Workflow {
                workflow: reader.document(agent, &DocumentName::Workflow)?,
                rules: rules(reader, agent)?.into_iter().map(|(name, _)| name).collect(),
            })
        })
        .await
    }

    /// Returns an agent's rules by name, with their sizes in bytes.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn rules(&self, ctx: &Ctx, agent: AgentId) -> Result<Vec<(RuleName, u64)>, Error> {
        self.look(ctx, agent, rules).await
    }

    /// Returns one document.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the document.
    pub async fn get(&self, ctx: &Ctx, agent: AgentId, name: DocumentName) -> Result<Document, Error> {
        self.look(ctx, agent, move |reader, agent| {
            reader.document(agent, &name)?.ok_or_else(|| Error::not_found("document", &name))
        })
        .await
    }

    /// Returns an agent's documents by name, deleted ones too.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn list(&self, ctx: &Ctx, agent: AgentId) -> Result<Vec<DocumentEntry>, Error> {
        self.look(ctx, agent, |reader, agent| Ok(reader.documents(agent)?)).await
    }

    /// Looks at what belongs to one of the caller's agents.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        look: impl FnOnce(&dyn Reader, AgentId) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        ctx.require(Scope::AgentsRead)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| look(reader, own(reader, &ctx, agent)?.id);
        self.0.ports.store.read(read).await
    }
}

/// Returns an agent's rules by name, with their sizes in bytes.
pub(crate) fn rules(reader: &dyn Reader, agent: AgentId) -> Result<Vec<(RuleName, u64)>, Error> {
    let there = |entry: DocumentEntry| match (entry.name, entry.size) {
        (DocumentName::Rule(name), Some(size)) => Some((name, size)),
        _ => None,
    };
    Ok(reader.documents(agent)?.into_iter().filter_map(there).collect())
}
