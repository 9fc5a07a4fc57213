use roost_domain::document::{Document, DocumentName, Mark, RuleName, Version};
use roost_domain::id::{AgentId, SessionId};
use roost_domain::page::{Limit, Page};
use roost_ports::store::{DocumentEntry, Documents, DocumentsMut, Error, NewVersion, VersionEntry};
use rusqlite::params;

use super::{Columns, Noun, Tx, micros, noun, signed};

const DOCUMENT: Noun = noun!("document");

/// How many versions of a document are kept.
const VERSIONS: i64 = 200;

/// How many deleted documents of an agent are kept.
const DELETED: i64 = 200;

impl Documents for Tx<'_> {
    fn document(&self, agent: AgentId, name: &DocumentName) -> Result<Option<Document>, Error> {
        let latest = self.first(
            DOCUMENT,
            "select version, content, deleted, updated_at from documents
             where agent_id = $1 and name = $2 order by version desc limit 1",
            params![agent.uuid().as_bytes(), name.to_string()],
            |columns| document(name, columns),
        )?;
        Ok(latest.flatten())
    }

    fn document_in(
        &self,
        agent: AgentId,
        session: SessionId,
        name: &DocumentName,
    ) -> Result<Option<Document>, Error> {
        let seen = self.first(
            DOCUMENT,
            "select version, content, deleted, updated_at from documents
             where agent_id = $1 and name = $2 and place <= max(
                 (select documents_place from agents where id = $1),
                 coalesce((select documents_place from sessions where id = $3), 0))
             order by version desc limit 1",
            params![agent.uuid().as_bytes(), name.to_string(), session.uuid().as_bytes()],
            |columns| document(name, columns),
        )?;
        if let Some(seen) = seen {
            return Ok(seen);
        }
        // Either it was not there yet, or what the session saw is no longer kept and the oldest that is comes closest.
        let oldest = self.first(
            DOCUMENT,
            "select version, content, deleted, updated_at from documents
             where agent_id = $1 and name = $2 order by version limit 1",
            params![agent.uuid().as_bytes(), name.to_string()],
            |columns| document(name, columns),
        )?;
        Ok(oldest.flatten().filter(|document| document.version > 1))
    }

    fn rules_in(&self, agent: AgentId, session: SessionId) -> Result<Vec<RuleName>, Error> {
        let seen = self.all(
            DOCUMENT,
            "select name from documents
             where agent_id = $1 and name > 'rules/' and name < 'rules0' and deleted = 0 and version = (
                 select max(version) from documents as others
                 where others.agent_id = documents.agent_id and others.name = documents.name
                   and others.place <= max(
                       (select documents_place from agents where id = $1),
                       coalesce((select documents_place from sessions where id = $2), 0)))
             order by name limit 1000",
            params![agent.uuid().as_bytes(), session.uuid().as_bytes()],
            |columns| columns.parsed(),
        )?;
        let rule = |name| match name {
            DocumentName::Rule(rule) => Some(rule),
            DocumentName::Soul | DocumentName::Identity | DocumentName::Workflow => None,
        };
        Ok(seen.into_iter().filter_map(rule).collect())
    }

    fn documents(&self, agent: AgentId) -> Result<Vec<DocumentEntry>, Error> {
        self.all(
            DOCUMENT,
            "select name, version, length(cast(content as blob)), deleted, written_by, note, updated_at
             from documents
             where agent_id = $1 and version = (
                 select max(version) from documents as others
                 where others.agent_id = documents.agent_id and others.name = documents.name)
             order by name limit 1000",
            params![agent.uuid().as_bytes()],
            |columns| {
                Ok(DocumentEntry {
                    name: columns.parsed()?,
                    version: columns.count()?,
                    size: size(columns)?,
                    mark: mark(columns)?,
                })
            },
        )
    }

    fn document_versions(
        &self,
        agent: AgentId,
        name: &DocumentName,
        before: Option<u64>,
        limit: Limit,
    ) -> Result<Page<VersionEntry, u64>, Error> {
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            DOCUMENT,
            "select version, length(cast(content as blob)), deleted, written_by, note, updated_at
             from documents
             where agent_id = $1 and name = $2 and version < $3 order by version desc limit $4",
            params![
                agent.uuid().as_bytes(),
                name.to_string(),
                before.map_or(Ok(i64::MAX), |before| signed(DOCUMENT, before))?,
                i64::from(limit.get()) + 1,
            ],
            |columns| {
                Ok(VersionEntry { number: columns.count()?, size: size(columns)?, mark: mark(columns)? })
            },
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let next = rows.last().filter(|_| more).map(|last| last.number);
        let total = self.only(
            DOCUMENT,
            "select count(*) from documents where agent_id = $1 and name = $2",
            params![agent.uuid().as_bytes(), name.to_string()],
            |columns| columns.count(),
        )?;
        Ok(Page { rows, next, total })
    }

    fn document_version(
        &self,
        agent: AgentId,
        name: &DocumentName,
        number: u64,
    ) -> Result<Option<Version>, Error> {
        self.first(
            DOCUMENT,
            "select content, deleted, written_by, note, updated_at from documents
             where agent_id = $1 and name = $2 and version = $3",
            params![agent.uuid().as_bytes(), name.to_string(), signed(DOCUMENT, number).unwrap_or(i64::MAX)],
            |columns| {
                let content: String = columns.take()?;
                let deleted: bool = columns.take()?;
                let mark = mark(columns)?;
                Ok(Version { name: name.clone(), number, content: (!deleted).then_some(content), mark })
            },
        )
    }
}

impl DocumentsMut for Tx<'_> {
    fn put_document(&mut self, agent: AgentId, new: &NewVersion) -> Result<u64, Error> {
        let name = new.name.to_string();
        let version: i64 = self.only(
            DOCUMENT,
            "select coalesce(max(version), 0) + 1 from documents where agent_id = $1 and name = $2",
            params![agent.uuid().as_bytes(), name],
            |columns| columns.take(),
        )?;
        self.change_one(
            DOCUMENT,
            "insert into documents (
                 agent_id, name, version, content, deleted, written_by, note, updated_at, place)
             values ($1, $2, $3, $4, $5, $6, $7, $8,
                 (select coalesce(max(place), 0) + 1 from documents where agent_id = $1))",
            params![
                agent.uuid().as_bytes(),
                name,
                version,
                new.content.as_deref().unwrap_or_default(),
                new.content.is_none(),
                new.mark.author.to_string(),
                new.mark.note,
                micros(new.mark.at),
            ],
        )?;
        self.change(
            DOCUMENT,
            "delete from documents where agent_id = $1 and name = $2 and version <= $3",
            params![agent.uuid().as_bytes(), name, version - VERSIONS],
        )?;
        if new.content.is_none() {
            self.forget_deleted(agent)?;
        }
        u64::try_from(version).map_err(|error| super::failed(DOCUMENT.writing, error))
    }

    fn refresh_documents(&mut self, agent: AgentId) -> Result<(), Error> {
        self.change_one(
            DOCUMENT,
            "update agents set documents_place = (
                 select coalesce(max(place), 0) from documents where agent_id = $1)
             where id = $1",
            params![agent.uuid().as_bytes()],
        )
    }
}

impl Tx<'_> {
    /// Removes all versions of the document that was deleted first, where more are kept than are worth it.
    fn forget_deleted(&self, agent: AgentId) -> Result<(), Error> {
        self.change(
            DOCUMENT,
            "delete from documents where agent_id = $1 and name in (
                 select name from documents as latest
                 where agent_id = $1 and deleted = 1 and version = (
                     select max(version) from documents as others
                     where others.agent_id = latest.agent_id and others.name = latest.name)
                 order by place desc limit -1 offset $2)",
            params![agent.uuid().as_bytes(), DELETED],
        )?;
        Ok(())
    }
}

fn document(name: &DocumentName, columns: &mut Columns<'_>) -> Result<Option<Document>, Error> {
    let (version, content, deleted) = (columns.count()?, columns.take()?, columns.take::<bool>()?);
    let document = Document { name: name.clone(), version, content, updated_at: columns.time()? };
    Ok((!deleted).then_some(document))
}

fn size(columns: &mut Columns<'_>) -> Result<Option<u64>, Error> {
    let (size, deleted) = (columns.count()?, columns.take::<bool>()?);
    Ok((!deleted).then_some(size))
}

fn mark(columns: &mut Columns<'_>) -> Result<Mark, Error> {
    Ok(Mark { author: columns.parsed()?, note: columns.take()?, at: columns.time()? })
}
