use jiff::Timestamp;
use roost_domain::agent::Agent;
use roost_domain::document::{Author, ContentHash, Document, DocumentName, MAX_RULES, Mark};
use roost_domain::event::Journal;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_ports::store::{NewVersion, Writer};

use super::read::rules;
use super::{Documents, author_of, check_content, mismatch};
use crate::agents::own;
use crate::{Ctx, Error, Kind, log};

/// A document to be written.
#[derive(Debug, Clone)]
pub struct PutDocument {
    /// Which one.
    pub name: DocumentName,
    /// Its text, at most 48,000 bytes.
    pub content: String,
    /// The hash of the text that the writer took for the present one; without it, whatever is there is replaced.
    pub expected: Option<ContentHash>,
    /// What the caller calls the text, for messages about it.
    pub field: &'static str,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The documents as they are now, in the order in which they were given.
    pub documents: Vec<Document>,
    /// Whether something waits for the agent's next restart.
    pub needs_restart: bool,
}

/// What is to become of a document, and by whom.
pub(crate) struct Change {
    pub(crate) name: DocumentName,
    /// The new text; `None` deletes the document.
    pub(crate) content: Option<String>,
    pub(crate) expected: Option<ContentHash>,
    pub(crate) author: Author,
    pub(crate) note: Option<String>,
}

impl Documents<'_> {
    /// Writes documents, all of them or none. Each gets a new version, unless it has that text already.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` names the field; `Conflict` with the code `hash_mismatch` if a document is not what
    /// the writer took it for; `QuotaExceeded` with the code `too_many_rules`.
    pub async fn put(&self, ctx: &Ctx, agent: AgentId, puts: Vec<PutDocument>) -> Result<Written, Error> {
        ctx.require(Scope::AgentsWrite)?;
        puts.iter().try_for_each(|put| check_content(put.field, &put.content))?;
        let caller = ctx.clone();
        let put = move |writer: &mut dyn Writer| {
            let mut agent = own(writer, &caller, agent)?;
            let mut documents = Vec::new();
            for put in puts {
                let PutDocument { name, content, expected, field: _ } = put;
                let (content, author, note) = (Some(content), author_of(&caller), None);
                let change = Change { name: name.clone(), content, expected, author, note };
                agent = write(writer, agent, change, caller.now)?;
                documents.extend(writer.document(agent.id, &name)?);
            }
            Ok::<_, Error>(Written { documents, needs_restart: agent.needs_restart })
        };
        let written = self.0.ports.store.write(put).await?;
        self.0.hub.tick(agent.journal());
        Ok(written)
    }

    /// Deletes a document; its versions are kept. Returns whether something waits for the agent's next restart.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the document; `Conflict` with the code `hash_mismatch`.
    pub async fn delete(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        name: DocumentName,
        expected: Option<ContentHash>,
    ) -> Result<bool, Error> {
        ctx.require(Scope::AgentsWrite)?;
        let caller = ctx.clone();
        let delete = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, agent)?;
            if writer.document(agent.id, &name)?.is_none() {
                return Err(Error::not_found("document", &name));
            }
            let (content, author, note) = (None, author_of(&caller), None);
            let change = Change { name, content, expected, author, note };
            Ok(write(writer, agent, change, caller.now)?.needs_restart)
        };
        let needs_restart = self.0.ports.store.write(delete).await?;
        self.0.hub.tick(agent.journal());
        Ok(needs_restart)
    }
}

/// Makes a new version of a document, unless it is that already, and returns the agent as it is then.
pub(crate) fn write(
    writer: &mut dyn Writer,
    agent: Agent,
    change: Change,
    now: Timestamp,
) -> Result<Agent, Error> {
    let Change { name, content, expected, author, note } = change;
    let present = writer.document(agent.id, &name)?.map(|document| document.content);
    let hash = ContentHash::of(present.as_deref().unwrap_or_default());
    if expected.is_some_and(|expected| expected != hash) {
        return Err(mismatch(&name, hash));
    }
    if present == content {
        return Ok(agent);
    }
    if let DocumentName::Rule(_) = &name
        && present.is_none()
        && rules(writer, agent.id)?.len() >= MAX_RULES
    {
        let message = format!("the agent has {MAX_RULES} rules, as many as it may; delete one first");
        return Err(Error::new(Kind::QuotaExceeded, "too_many_rules", message));
    }
    let what = name.to_string();
    let mark = Mark { author, note, at: now };
    writer.put_document(agent.id, &NewVersion { name, content, mark })?;
    let agent = agent.changed();
    writer.update_agent(&agent)?;
    log::journal(writer, agent.id, now, Journal::Changed { what })?;
    Ok(agent)
}
