use roost_domain::id::{AgentId, RunId};
use roost_domain::key::Scope;
use roost_domain::run::Cause;
use roost_domain::workflow::StepId;
use roost_ports::store::{Reader, Writer};
use serde_json::Value;

use super::states::fold;
use super::{NewRun, RunView, Runs, begin};
use crate::agents::own;
use crate::{Ctx, Error};

/// Another run like one that there was.
#[derive(Debug, Clone)]
pub struct Again {
    /// Whose run.
    pub agent: AgentId,
    /// The run that there was.
    pub run: RunId,
    /// The first step that is done again: what did not need it is taken over. `None` does all again. For a step within
    /// another, the outermost of those around it is done again.
    pub from: Option<StepId>,
    /// What it is given instead; `None` gives it the same.
    pub input: Option<Value>,
}

impl Runs<'_> {
    /// Begins another run of the same version of the workflow. Outputs of the steps that need the first one neither
    /// directly nor indirectly are taken over, and these steps are not done again.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the run; `InvalidInput` for a step that the workflow does not have; as
    /// [`Runs::create`].
    pub async fn again(&self, ctx: &Ctx, again: Again) -> Result<RunView, Error> {
        ctx.require(Scope::Runs)?;
        let (core, caller, agent) = (self.0.clone(), ctx.clone(), again.agent);
        let read = move |reader: &dyn Reader| {
            own(reader, &caller, again.agent)?;
            let kept = reader.run(caller.account(), again.agent, again.run)?;
            let kept = kept.ok_or_else(|| Error::not_found("run", again.run))?;
            let plan = core.plans.get(reader, again.agent, kept.run.version)?;
            let (_, state) = fold(reader, &plan, again.run, None)?;
            let given = match &again.from {
                None => Vec::new(),
                Some(from) => {
                    let unknown = || Error::invalid("from", format!("names no step of the workflow: {from}"));
                    state.given_before(plan.outermost(from).ok_or_else(unknown)?)
                }
            };
            let cause = Cause { of: Some(again.run), ..Cause::manual(caller.who()) };
            let input = again.input.unwrap_or_else(|| Value::clone(state.input()));
            Ok::<_, Error>((cause, input, state.is_tainted(), kept.run.version, given))
        };
        let (cause, input, tainted, version, given) = self.0.ports.store.read(read).await?;
        let input = self.0.checked_input(agent, Some(version), input).await?;
        let new = NewRun { cause, input, tainted, given };
        let (core, caller) = (self.0.clone(), ctx.clone());
        let work = move |writer: &mut dyn Writer| {
            let agent = own(writer, &caller, agent)?;
            begin(&core, writer, &agent, new, caller.now)
        };
        let id = self.0.ports.store.write(work).await?;
        self.0.run_went_on(id);
        self.get(ctx, agent, id).await
    }

    /// Begins another run from one of the steps of a run on, with the same input.
    ///
    /// # Errors
    ///
    /// As [`Runs::again`].
    pub async fn rerun(&self, ctx: &Ctx, agent: AgentId, run: RunId, from: StepId) -> Result<RunView, Error> {
        self.again(ctx, Again { agent, run, from: Some(from), input: None }).await
    }

    /// Begins another run with a changed input, from the beginning or from one of the steps on.
    ///
    /// # Errors
    ///
    /// As [`Runs::again`].
    pub async fn fork(
        &self,
        ctx: &Ctx,
        agent: AgentId,
        run: RunId,
        input: Value,
        from: Option<StepId>,
    ) -> Result<RunView, Error> {
        self.again(ctx, Again { agent, run, from, input: Some(input) }).await
    }
}
