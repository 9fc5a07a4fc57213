use jiff::Timestamp;
use roost_domain::id::{AgentId, FormId, RunId};
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::run::{RunEvent, StepKey};
use roost_domain::workflow::{Field, FieldKind, FileAnswer, Step, StepKind, check_answers};
use roost_ports::store::{FormStatus, KeptForm, KeptRun, Reader, Writer};
use serde_json::{Map, Value};

use super::{RunView, Runs};
use crate::agents::own;
use crate::{Core, Ctx, Error, Kind};

const ONE: Limit = Limit::clamped(1, 1);

/// How many open forms of one run are looked through.
const FORMS: Limit = Limit::clamped(1_000, 1_000);

/// An answer to a form, or a question, of a run.
#[derive(Debug, Clone)]
pub struct AnswerRun {
    /// Whose run.
    pub agent: AgentId,
    /// The run.
    pub run: RunId,
    /// Which form; without one, the only one that waits and has fields of these names.
    pub form: Option<FormId>,
    /// What is answered, by the names of the fields. A file is named by its id: `{"file": "file_…"}`.
    pub values: Map<String, Value>,
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The run, which goes on.
    pub run: RunView,
    /// The form that was answered.
    pub form: FormId,
    /// The step that asked.
    pub step: StepKey,
}

/// An answer that is to be checked.
pub(crate) struct ToAnswer {
    /// Which form.
    pub(crate) form: FormId,
    /// What is answered, files by what the store knows of them or by their ids.
    pub(crate) values: Map<String, Value>,
    /// Files that come with the answer, which the store does not have yet.
    pub(crate) files: Vec<FileAnswer>,
    /// Who answers: a key's name, or the page of the form.
    pub(crate) by: String,
    /// Whether it came through a link, so that nobody knows who wrote it.
    pub(crate) tainted: bool,
}

/// An answer that the form takes, if it still waits.
pub(crate) struct Checked {
    form: KeptForm,
    answers: Map<String, Value>,
    by: String,
    tainted: bool,
}

impl Runs<'_> {
    /// Answers a form of a run, which then goes on. When this returns, the answer is durable.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent, the run or the form; `InvalidInput` that names every field that is wrong; `Conflict`
    /// with the codes `run_not_waiting`, `already_answered` and `form_expired`.
    pub async fn answer(&self, ctx: &Ctx, to: AnswerRun) -> Result<Answered, Error> {
        ctx.require(Scope::Runs)?;
        let (core, caller, now) = (self.0.clone(), ctx.clone(), ctx.now);
        let AnswerRun { agent, run, form, values } = to;
        let look = move |reader: &dyn Reader| {
            own(reader, &caller, agent)?;
            let kept = reader.run(caller.account(), agent, run)?;
            let kept = kept.ok_or_else(|| Error::not_found("run", run))?;
            let form = match form {
                Some(form) => form,
                None => meant(&core, reader, &kept, &values)?,
            };
            let to =
                ToAnswer { form, values, files: Vec::new(), by: caller.who().to_owned(), tainted: false };
            check(&core, reader, &kept, to, caller.now)
        };
        let checked = self.0.ports.store.read(look).await?;
        let form = self.0.ports.store.write(move |writer| take(writer, checked, now)).await?;
        self.0.run_went_on(run);
        Ok(Answered { run: self.get(ctx, agent, run).await?, form: form.id, step: form.step })
    }
}

/// Checks an answer to a form, outside of the transaction that takes it.
///
/// # Errors
///
/// As [`Runs::answer`].
pub(crate) fn check(
    core: &Core,
    reader: &dyn Reader,
    kept: &KeptRun,
    to: ToAnswer,
    now: Timestamp,
) -> Result<Checked, Error> {
    let form = reader.form(to.form)?.filter(|form| form.run == kept.run.id);
    let form = form.ok_or_else(|| Error::not_found("form", to.form))?;
    check_waits(&form, kept, now)?;
    let plan = core.plans.get(reader, kept.run.agent, kept.run.version)?;
    let step = plan.step(&form.step.step).ok_or_else(|| Error::not_found("step", &form.step))?;
    let fields = fields(step);
    let values = with_files(reader, kept, &fields, &to.files, to.values)?;
    let answers = check_answers(&fields, &values).map_err(|wrong| {
        let told: Vec<_> = wrong.iter().map(|(field, problem)| format!("{field} {problem}")).collect();
        Error::new(Kind::InvalidInput, "invalid_request", told.join("; "))
    })?;
    Ok(Checked { form, answers, by: to.by, tainted: to.tainted })
}

/// Takes an answer that was checked. Whoever calls tells the runtime afterwards, with [`Core::run_went_on`].
///
/// # Errors
///
/// `NotFound` if the run is gone by now; `Conflict` as [`Runs::answer`].
pub(crate) fn take(writer: &mut dyn Writer, checked: Checked, now: Timestamp) -> Result<KeptForm, Error> {
    let Checked { form: KeptForm { id, run, .. }, answers, by, tainted } = checked;
    let form = writer.form(id)?.ok_or_else(|| Error::not_found("form", id))?;
    let kept = writer.run_of_any_account(run)?.ok_or_else(|| Error::not_found("run", run))?;
    check_waits(&form, &kept, now)?;
    writer.close_form(id, FormStatus::Answered, now)?;
    let answered =
        RunEvent::Answered { step: form.step.clone(), answer: Value::Object(answers), by, tainted };
    writer.append_run(run, now, &[answered])?;
    writer.wake_run(run, now)?;
    Ok(form)
}

/// Refuses an answer to a form that does not wait for one.
fn check_waits(form: &KeptForm, kept: &KeptRun, now: Timestamp) -> Result<(), Error> {
    let conflict = |code, message: String| Err(Error::new(Kind::Conflict, code, message));
    match form.status {
        FormStatus::Answered => conflict("already_answered", format!("{} was answered already", form.id)),
        FormStatus::Open if !kept.run.status.is_over() => {
            if form.expires_at.is_some_and(|at| at <= now) {
                return conflict("form_expired", format!("the time to answer {} is over", form.id));
            }
            Ok(())
        }
        FormStatus::Open | FormStatus::Closed => {
            conflict("run_not_waiting", format!("the run does not wait for {} any more", form.id))
        }
    }
}

/// Returns what a step asks people.
pub(crate) fn fields(step: &Step) -> Vec<Field> {
    let field = |name: &str, label: &str, kind, required| Field {
        name: name.to_owned(),
        label: label.to_owned(),
        help: None,
        kind,
        required,
        default: None,
    };
    match &step.kind {
        StepKind::Form(form) => form.fields.clone(),
        StepKind::Approve { .. } => vec![
            field("approved", "Yes", FieldKind::Boolean, true),
            field("note", "Note", FieldKind::LongText { max_length: 2_000 }, false),
        ],
        StepKind::GenerateText { .. }
        | StepKind::GenerateArtifact { .. }
        | StepKind::Tool { .. }
        | StepKind::Http { .. }
        | StepKind::Agent { .. }
        | StepKind::Branch { .. }
        | StepKind::ForEach { .. }
        | StepKind::Parallel { .. }
        | StepKind::Wait { .. } => Vec::new(),
    }
}

/// Puts what the store knows of files in the place of what the answer says of them.
fn with_files(
    reader: &dyn Reader,
    kept: &KeptRun,
    fields: &[Field],
    coming: &[FileAnswer],
    mut values: Map<String, Value>,
) -> Result<Map<String, Value>, Error> {
    for field in fields.iter().filter(|field| matches!(field.kind, FieldKind::File { .. })) {
        let Some(named) = values.get(&field.name).filter(|value| !value.is_null()) else { continue };
        let id = named.get("file").unwrap_or(named).as_str();
        if let Some(file) = coming.iter().find(|file| id == Some(&file.file)) {
            values.insert(field.name.clone(), file.value());
            continue;
        }
        let id = id.and_then(|id| id.parse().ok());
        let file = match id {
            Some(id) => reader.run_file(kept.run.account, kept.run.id, id)?,
            None => None,
        };
        let Some(file) = file.filter(|file| file.agent == kept.run.agent) else {
            return Err(Error::invalid(&field.name, "names no file that was given to this run"));
        };
        let answer = FileAnswer {
            file: file.id.to_string(),
            name: file.name,
            media_type: file.media_type,
            size: file.size.0,
        };
        values.insert(field.name.clone(), answer.value());
    }
    Ok(values)
}

/// Finds the form that is meant by an answer that names none.
fn meant(
    core: &Core,
    reader: &dyn Reader,
    kept: &KeptRun,
    values: &Map<String, Value>,
) -> Result<FormId, Error> {
    let mut open = reader.forms_of(kept.run.id, Some(FormStatus::Open), FORMS)?;
    if open.len() > 1 {
        let plan = core.plans.get(reader, kept.run.agent, kept.run.version)?;
        let fits = |form: &KeptForm| {
            let fields = plan.step(&form.step.step).map(fields).unwrap_or_default();
            values.keys().all(|name| fields.iter().any(|field| field.name == *name))
        };
        open.retain(fits);
        if open.len() != 1 {
            let message = "several forms of the run wait; name the one that is meant, as formId";
            return Err(Error::invalid("formId", message));
        }
    }
    match open.first() {
        Some(form) => Ok(form.id),
        None => {
            let answered = reader.forms_of(kept.run.id, Some(FormStatus::Answered), ONE)?;
            let was_answered = !answered.is_empty();
            let answered = if was_answered { "; what it asked was answered" } else { "" };
            let message = format!("the run is {} and waits for no answer{answered}", kept.run.status.name());
            Err(Error::new(Kind::Conflict, "run_not_waiting", message))
        }
    }
}
