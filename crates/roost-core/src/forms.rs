//! Forms: pages on which people answer what runs ask, each behind a link of its own.

use jiff::{SignedDuration, Timestamp};
use roost_domain::artifact::File;
use roost_domain::id::{AgentId, FileId, FormId, RunId};
use roost_domain::key::Scope;
use roost_domain::run::Run;
use roost_domain::unit::Bytes;
use roost_domain::workflow::{Field, FieldKind, FileAnswer, check_answers};
use roost_ports::store::{FormStatus, KeptForm, KeptRun, Reader, Writer};
use serde_json::{Map, Value};

use crate::agents::own;
use crate::links::{Link, Purpose};
use crate::runs::{FormView, ToAnswer, check, fields, take, view};
use crate::{Core, Ctx, Error, Kind};

/// How long a link to a form is good, where the form itself has no end: whoever looks at the run gets a new one.
const LINK_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The most files of one form.
const MOST_FILES: u64 = 50;
/// The most bytes of the files of one form.
const MOST_BYTES: u64 = 100 << 20;

/// The use cases of forms.
pub struct Forms<'a>(pub(crate) &'a Core);

/// The page of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct FormPage {
    /// What stands above it.
    pub title: String,
    /// What is explained.
    pub description: Option<String>,
    /// What is asked.
    pub fields: Vec<Field>,
    /// Who asks: the agent's name.
    pub agent: String,
    /// Until when it can be answered.
    pub expires_at: Option<Timestamp>,
    /// Why the answer before was not taken.
    pub problem: Option<String>,
    /// How much its files may have, besides those that it has.
    pub room: Bytes,
    /// Whether it can be answered.
    pub state: FormState,
}

/// Whether a form can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormState {
    /// It can.
    Open,
    /// It was.
    Answered {
        /// When.
        at: Option<Timestamp>,
    },
    /// Its time is over.
    Expired,
    /// Its run does not need it any more.
    Closed,
}

/// A file that somebody sends.
#[derive(Clone)]
pub struct FormFile {
    /// The field that it is for.
    pub field: String,
    /// What it is called where it comes from.
    pub name: String,
    /// Its media type, as the sender names it.
    pub media_type: String,
    /// What it holds.
    pub content: Vec<u8>,
}

/// A file for a form, from a program.
#[derive(Clone)]
pub struct UploadFile {
    /// Whose run.
    pub agent: AgentId,
    /// The run.
    pub run: RunId,
    /// The form.
    pub form: FormId,
    /// The file.
    pub upload: FormFile,
}

/// What came of an answer on a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Submitted {
    /// It was taken.
    Taken,
    /// It was not: the fields that are wrong, with what is wrong.
    Wrong(Box<FormPage>, Vec<(String, String)>),
}

/// A form that a link leads to.
struct Found {
    kept: KeptRun,
    form: KeptForm,
    page: FormPage,
}

impl Forms<'_> {
    /// Returns the URL of a form's page: whoever has it can answer, until the form's end or for a week.
    pub fn url(&self, run: &Run, form: &FormView, now: Timestamp) -> String {
        let week = now.saturating_add(LINK_LASTS).unwrap_or(Timestamp::MAX);
        let token = self.0.link(&Link {
            purpose: Purpose::Form,
            account: run.account,
            agent: run.agent,
            run: run.id,
            what: form.id.uuid(),
            // Whoever comes too late is told that the form's time is over, for a week.
            expires_at: form.expires_at.map_or(week, |end| end.max(week)),
        });
        format!("{}/forms/{token}", self.0.settings.public_url)
    }

    /// Returns the page behind a link.
    ///
    /// # Errors
    ///
    /// `NotFound` for a token that leads nowhere; `InvalidState` with the code `link_expired`.
    pub async fn page(&self, token: &str, now: Timestamp) -> Result<FormPage, Error> {
        let link = self.0.follow(Purpose::Form, token, now)?;
        let core = self.0.clone();
        let read = move |reader: &dyn Reader| Ok(find(&core, reader, &link, now)?.page);
        self.0.ports.store.read(read).await
    }

    /// Answers a form on its page: all of it or nothing, its files too.
    ///
    /// # Errors
    ///
    /// As [`Forms::page`]; `Conflict` with the codes `run_not_waiting`, `already_answered` and `form_expired`.
    pub async fn submit(
        &self,
        token: &str,
        mut values: Map<String, Value>,
        uploads: Vec<FormFile>,
        now: Timestamp,
    ) -> Result<Submitted, Error> {
        let link = self.0.follow(Purpose::Form, token, now)?;
        let core = self.0.clone();
        let look = move |reader: &dyn Reader| {
            let Found { kept, form, page } = find(&core, reader, &link, now)?;
            let files: Vec<(File, Vec<u8>)> =
                uploads.into_iter().map(|upload| file(&core, &kept, &form, upload, now)).collect();
            let coming: Vec<_> = files.iter().map(|(file, _)| answer_of(file)).collect();
            for ((file, _), answer) in files.iter().zip(&coming) {
                values.insert(file.field.clone(), answer.value());
            }
            if page.state == FormState::Open
                && let Err(wrong) = check_answers(&page.fields, &values)
            {
                return Ok::<_, Error>(Err(Submitted::Wrong(Box::new(page), wrong)));
            }
            let by = "the form's page".to_owned();
            let to = ToAnswer { form: form.id, values, files: coming, by, tainted: true };
            Ok(Ok((check(&core, reader, &kept, to, now)?, files)))
        };
        let (checked, files) = match self.0.ports.store.read(look).await? {
            Ok(checked) => checked,
            Err(wrong) => return Ok(wrong),
        };
        let work = move |writer: &mut dyn Writer| {
            let form = take(writer, checked, now)?;
            keep_files(writer, &form, &files)
        };
        self.0.ports.store.write(work).await?;
        self.0.run_went_on(link.run);
        Ok(Submitted::Taken)
    }

    /// Keeps a file for a form that waits; the answer then names it.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent, the run or the form; `InvalidInput` for a field that takes no files, or not this one;
    /// `Conflict` with the code `run_not_waiting`; `QuotaExceeded` with the code `too_many_files`.
    pub async fn upload(&self, ctx: &Ctx, new: UploadFile) -> Result<FileAnswer, Error> {
        ctx.require(Scope::Runs)?;
        let (core, caller) = (self.0.clone(), ctx.clone());
        let look = move |reader: &dyn Reader| {
            own(reader, &caller, new.agent)?;
            let kept = reader.run(caller.account(), new.agent, new.run)?;
            let kept = kept.ok_or_else(|| Error::not_found("run", new.run))?;
            let form = reader.form(new.form)?.filter(|form| form.run == new.run);
            let form = form.ok_or_else(|| Error::not_found("form", new.form))?;
            check_open(&form, &kept)?;
            let plan = core.plans.get(reader, kept.run.agent, kept.run.version)?;
            let asked = plan.step(&form.step.step).map(fields).unwrap_or_default();
            let field = asked.iter().find(|field| field.name == new.upload.field);
            let field = field.filter(|field| matches!(field.kind, FieldKind::File { .. }));
            let field = field
                .ok_or_else(|| Error::invalid("field", "names no field of the form that takes a file"))?;
            let (file, content) = file(&core, &kept, &form, new.upload, caller.now);
            let values = Map::from_iter([(field.name.clone(), answer_of(&file).value())]);
            if let Err(wrong) = check_answers(std::slice::from_ref(field), &values) {
                let (_, problem) = wrong.into_iter().next().unwrap_or_default();
                return Err(Error::invalid("file", problem));
            }
            Ok((file, content))
        };
        let (file, content) = self.0.ports.store.read(look).await?;
        let reference = answer_of(&file);
        let work = move |writer: &mut dyn Writer| {
            let form = writer.form(file.form)?.ok_or_else(|| Error::not_found("form", file.form))?;
            let kept = writer.run_of_any_account(file.run)?;
            check_open(&form, &kept.ok_or_else(|| Error::not_found("run", file.run))?)?;
            keep_files(writer, &form, &[(file, content)])
        };
        self.0.ports.store.write(work).await?;
        Ok(reference)
    }
}

/// Refuses a file for a form that does not wait.
fn check_open(form: &KeptForm, kept: &KeptRun) -> Result<(), Error> {
    if form.status == FormStatus::Open && !kept.run.status.is_over() {
        return Ok(());
    }
    let message = format!("the run does not wait for {} any more", form.id);
    Err(Error::new(Kind::Conflict, "run_not_waiting", message))
}

/// Returns the form that a link leads to, with its page.
fn find(core: &Core, reader: &dyn Reader, link: &Link, now: Timestamp) -> Result<Found, Error> {
    let gone = || Error::new(Kind::NotFound, "not_found", "what this link leads to is no longer there");
    let agent = reader.agent(link.account, link.agent)?.ok_or_else(gone)?;
    let kept = reader.run(link.account, link.agent, link.run)?.ok_or_else(gone)?;
    let form =
        reader.form(FormId::from_uuid(link.what))?.filter(|form| form.run == link.run).ok_or_else(gone)?;
    let plan = core.plans.get(reader, link.agent, kept.run.version)?;
    let step = plan.step(&form.step.step).ok_or_else(gone)?;
    let shown = view(reader, &plan, kept.clone())?;
    let open = shown.forms.into_iter().find(|open| open.id == form.id);
    let expired = form.expires_at.is_some_and(|at| at <= now);
    let state = match form.status {
        FormStatus::Answered => FormState::Answered { at: form.closed_at },
        FormStatus::Open if expired => FormState::Expired,
        FormStatus::Closed if expired => FormState::Expired,
        FormStatus::Open if open.is_some() && !kept.run.status.is_over() => FormState::Open,
        FormStatus::Open | FormStatus::Closed => FormState::Closed,
    };
    let (_, taken) = reader.form_files(form.id)?;
    let page = FormPage {
        room: Bytes(MOST_BYTES.saturating_sub(taken)),
        title: open.as_ref().map_or_else(|| step.name.clone(), |open| open.title.clone()),
        description: open.as_ref().and_then(|open| open.description.clone()),
        fields: fields(step),
        agent: agent.name,
        expires_at: form.expires_at,
        problem: open.and_then(|open| open.problem).map(|problem| problem.message),
        state,
    };
    Ok(Found { kept, form, page })
}

fn file(core: &Core, kept: &KeptRun, form: &KeptForm, upload: FormFile, now: Timestamp) -> (File, Vec<u8>) {
    // Some clients send the whole path.
    let name = upload.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|char| !char.is_control()).take(200).collect();
    let is_type = |text: &str| {
        text.len() <= 200 && text.contains('/') && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let media_type = upload.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let file = File {
        id: core.ports.random.id::<FileId>(now),
        account: kept.run.account,
        agent: kept.run.agent,
        run: kept.run.id,
        form: form.id,
        field: upload.field,
        name: if name.is_empty() { "file".to_owned() } else { name },
        media_type: if is_type(&media_type) { media_type } else { "application/octet-stream".to_owned() },
        size: Bytes(upload.content.len() as u64),
        created_at: now,
    };
    (file, upload.content)
}

fn answer_of(file: &File) -> FileAnswer {
    FileAnswer {
        file: file.id.to_string(),
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        size: file.size.0,
    }
}

fn keep_files(writer: &mut dyn Writer, form: &KeptForm, files: &[(File, Vec<u8>)]) -> Result<(), Error> {
    if files.is_empty() {
        return Ok(());
    }
    let (count, bytes) = writer.form_files(form.id)?;
    let new: u64 = files.iter().map(|(file, _)| file.size.0).sum();
    if count + files.len() as u64 > MOST_FILES || bytes + new > MOST_BYTES {
        let message = format!("a form takes at most {MOST_FILES} files of {MOST_BYTES} bytes in all");
        return Err(Error::new(Kind::QuotaExceeded, "too_many_files", message));
    }
    for (file, content) in files {
        writer.insert_run_file(file, content)?;
    }
    Ok(())
}
