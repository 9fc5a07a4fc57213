use roost_domain::artifact::{Artifact, File};
use roost_domain::id::{AccountId, AgentId, ArtifactId, FileId, FormId, RunId};
use roost_domain::page::{Limit, Page};
use roost_domain::unit::Bytes;
use roost_domain::workflow::ArtifactKind;
use roost_ports::store::{ArtifactCursor, ArtifactFilter, Artifacts, ArtifactsMut, Error};
use rusqlite::params;

use super::{Columns, LAST_ID, LAST_TIME, Noun, Tx, micros, noun, signed};

const ARTIFACT: Noun = noun!("artifact");
const FILE: Noun = noun!("file");

impl Artifacts for Tx<'_> {
    fn artifact(
        &self,
        account: AccountId,
        agent: AgentId,
        id: ArtifactId,
    ) -> Result<Option<Artifact>, Error> {
        self.first(
            ARTIFACT,
            "select id, account_id, agent_id, run_id, step, title, version, kind, size_bytes, sha256, created_at
             from artifacts where id = $1 and agent_id = $2 and account_id = $3",
            params![id.uuid().as_bytes(), agent.uuid().as_bytes(), account.uuid().as_bytes()],
            artifact,
        )
    }

    fn artifact_content(&self, id: ArtifactId) -> Result<Option<String>, Error> {
        self.first(
            ARTIFACT,
            "select content from artifacts where id = $1",
            params![id.uuid().as_bytes()],
            |columns| columns.take(),
        )
    }

    fn artifacts(
        &self,
        agent: AgentId,
        filter: &ArtifactFilter,
        after: Option<ArtifactCursor>,
        limit: Limit,
    ) -> Result<Page<Artifact, ArtifactCursor>, Error> {
        let (created_at, id) =
            after.map_or((LAST_TIME, LAST_ID), |last| (micros(last.created_at), last.id.uuid().into_bytes()));
        let run = filter.run.map(|run| run.uuid().into_bytes());
        // One row more than asked for tells whether there is a next page.
        let mut rows = self.all(
            ARTIFACT,
            "select id, account_id, agent_id, run_id, step, title, version, kind, size_bytes, sha256, created_at
             from artifacts
             where agent_id = $1 and ($2 is null or run_id = $2) and ($3 is null or title = $3)
               and (created_at, id) < ($4, $5)
             order by created_at desc, id desc limit $6",
            params![agent.uuid().as_bytes(), run, filter.title, created_at, id, i64::from(limit.get()) + 1],
            artifact,
        )?;
        let more = rows.len() > limit.get() as usize;
        rows.truncate(limit.get() as usize);
        let cursor = |last: &Artifact| ArtifactCursor { created_at: last.created_at, id: last.id };
        let next = rows.last().filter(|_| more).map(cursor);
        let total = self.only(
            ARTIFACT,
            "select count(*) from artifacts
             where agent_id = $1 and ($2 is null or run_id = $2) and ($3 is null or title = $3)",
            params![agent.uuid().as_bytes(), run, filter.title],
            |columns| columns.count(),
        )?;
        Ok(Page { rows, next, total })
    }

    fn artifact_version(&self, agent: AgentId, title: &str) -> Result<u64, Error> {
        self.only(
            ARTIFACT,
            "select coalesce(max(version), 0) from artifacts where agent_id = $1 and title = $2",
            params![agent.uuid().as_bytes(), title],
            |columns| columns.count(),
        )
    }

    fn run_file(&self, account: AccountId, run: RunId, id: FileId) -> Result<Option<File>, Error> {
        self.first(
            FILE,
            "select id, account_id, agent_id, run_id, form_id, field, name, media_type, size_bytes, created_at
             from run_files where id = $1 and run_id = $2 and account_id = $3",
            params![id.uuid().as_bytes(), run.uuid().as_bytes(), account.uuid().as_bytes()],
            file,
        )
    }

    fn run_file_content(&self, id: FileId) -> Result<Option<Vec<u8>>, Error> {
        self.first(
            FILE,
            "select content from run_files where id = $1",
            params![id.uuid().as_bytes()],
            |columns| columns.take(),
        )
    }

    fn form_files(&self, form: FormId) -> Result<(u64, u64), Error> {
        self.only(
            FILE,
            "select count(*), coalesce(sum(size_bytes), 0) from run_files where form_id = $1",
            params![form.uuid().as_bytes()],
            |columns| Ok((columns.count()?, columns.count()?)),
        )
    }
}

impl ArtifactsMut for Tx<'_> {
    fn insert_artifact(&mut self, artifact: &Artifact, content: &str) -> Result<(), Error> {
        self.change_one(
            ARTIFACT,
            "insert into artifacts
                 (id, account_id, agent_id, run_id, step, title, version, kind, size_bytes, sha256, created_at,
                  content)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            params![
                artifact.id.uuid().as_bytes(),
                artifact.account.uuid().as_bytes(),
                artifact.agent.uuid().as_bytes(),
                artifact.run.uuid().as_bytes(),
                artifact.step,
                artifact.title,
                signed(ARTIFACT, artifact.version)?,
                artifact.kind.name(),
                signed(ARTIFACT, artifact.size.0)?,
                artifact.sha256,
                micros(artifact.created_at),
                content,
            ],
        )
    }

    fn insert_run_file(&mut self, file: &File, content: &[u8]) -> Result<(), Error> {
        self.change_one(
            FILE,
            "insert into run_files
                 (id, account_id, agent_id, run_id, form_id, field, name, media_type, size_bytes, created_at,
                  content)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            params![
                file.id.uuid().as_bytes(),
                file.account.uuid().as_bytes(),
                file.agent.uuid().as_bytes(),
                file.run.uuid().as_bytes(),
                file.form.uuid().as_bytes(),
                file.field,
                file.name,
                file.media_type,
                signed(FILE, file.size.0)?,
                micros(file.created_at),
                content,
            ],
        )
    }

    fn delete_artifacts_of_run(&mut self, run: RunId) -> Result<(), Error> {
        self.change(ARTIFACT, "delete from artifacts where run_id = $1", params![run.uuid().as_bytes()])?;
        self.change(FILE, "delete from run_files where run_id = $1", params![run.uuid().as_bytes()])?;
        Ok(())
    }
}

fn artifact(columns: &mut Columns<'_>) -> Result<Artifact, Error> {
    Ok(Artifact {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        run: columns.id()?,
        step: columns.take()?,
        title: columns.take()?,
        version: columns.count()?,
        kind: columns.named(&ArtifactKind::ALL, ArtifactKind::name)?,
        size: Bytes(columns.count()?),
        sha256: columns.take()?,
        created_at: columns.time()?,
    })
}

fn file(columns: &mut Columns<'_>) -> Result<File, Error> {
    Ok(File {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        run: columns.id()?,
        form: columns.id()?,
        field: columns.take()?,
        name: columns.take()?,
        media_type: columns.take()?,
        size: Bytes(columns.count()?),
        created_at: columns.time()?,
    })
}
