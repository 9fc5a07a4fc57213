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

/// How many forms of one run are looked through.
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

/// An answer inside somebody's transaction.
pub(crate) struct ToAnswer {
    /// Which form.
    pub(crate) form: FormId,
    /// What is answered, files by what the store knows of them or by their ids.
    pub(crate) values: Map<String, Value>,
    /// Who answers: a key's name, or the page of the form.
    pub(crate) by: String,
    /// Whether it came through a link, so that nobody knows who wrote it.
    pub(crate) tainted: bool,
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
        let (core, caller) = (self.0.clone(), ctx.clone());
        let AnswerRun { agent, run, form, values } = to;
        let work = move |writer: &mut dyn Writer| {
            own(writer, &caller, agent)?;
            let kept = writer.run(caller.account(), agent, run)?;
            let kept = kept.ok_or_else(|| Error::not_found("run", run))?;
            let form = match form {
                Some(form) => form,
                None => meant(&core, writer, &kept, &values)?,
            };
            let to = ToAnswer { form, values, by: caller.who().to_owned(), tainted: false };
            answer(&core, writer, &kept, to, caller.now)
        };
        let form = self.0.ports.store.write(work).await?;
        self.0.run_went_on(run);
        Ok(Answered { run: self.get(ctx, agent, run).await?, form: form.id, step: form.step })
    }
}

/// Answers a form inside a transaction. Whoever calls tells the runtime afterwards, with [`Core::run_went_on`].
///
/// # Errors
///
/// As [`Runs::answer`].
pub(crate) fn answer(
    core: &Core,
    writer: &mut dyn Writer,
    kept: &KeptRun,
    to: ToAnswer,
    now: Timestamp,
) -> Result<KeptForm, Error> {
    let form = writer.form(to.form)?.filter(|form| form.run == kept.run.id);
    let form = form.ok_or_else(|| Error::not_found("form", to.form))?;
    let conflict = |code, message: String| Err(Error::new(Kind::Conflict, code, message));
    match form.status {
        FormStatus::Answered => {
            return conflict("already_answered", format!("{} was answered already", form.id));
        }
        FormStatus::Closed => {
            return conflict("run_not_waiting", format!("the run does not wait for {} any more", form.id));
        }
        FormStatus::Open => {}
    }
    if form.expires_at.is_some_and(|at| at <= now) {
        return conflict("form_expired", format!("the time to answer {} is over", form.id));
    }
    let plan = core.plans.get(writer, kept.run.agent, kept.run.version)?;
    let step = plan.step(&form.step.step).ok_or_else(|| Error::not_found("step", &form.step))?;
    let fields = fields(step);
    let values = with_files(writer, kept, &fields, to.values)?;
    let answers = check_answers(&fields, &values).map_err(|wrong| {
        let told: Vec<_> = wrong.iter().map(|(field, problem)| format!("{field} {problem}")).collect();
        Error::new(Kind::InvalidInput, "invalid_request", told.join("; "))
    })?;
    writer.close_form(form.id, FormStatus::Answered, now)?;
    let (step, answer) = (form.step.clone(), Value::Object(answers));
    let answered = RunEvent::Answered { step, answer, by: to.by, tainted: to.tainted };
    writer.append_run(kept.run.id, now, &[answered])?;
    writer.wake_run(kept.run.id, now)?;
    Ok(form)
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
    mut values: Map<String, Value>,
) -> Result<Map<String, Value>, Error> {
    for field in fields.iter().filter(|field| matches!(field.kind, FieldKind::File { .. })) {
        let Some(named) = values.get(&field.name).filter(|value| !value.is_null()) else { continue };
        let id = named.get("file").unwrap_or(named).as_str().and_then(|id| id.parse().ok());
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
    let mut open = reader.forms_of(kept.run.id, FORMS)?;
    let was_answered = open.iter().any(|form| form.status == FormStatus::Answered);
    open.retain(|form| form.status == FormStatus::Open);
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
            let answered = if was_answered { "; what it asked was answered" } else { "" };
            let message = format!("the run is {} and waits for no answer{answered}", kept.run.status.name());
            Err(Error::new(Kind::Conflict, "run_not_waiting", message))
        }
    }
}
