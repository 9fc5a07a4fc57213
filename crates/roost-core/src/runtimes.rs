//! Hosted runtimes: bringing them up, saying something to them, and answering their model calls as the agents whose
//! loops they are.

use jiff::Timestamp;
use roost_domain::agent::{Agent, Failure, FailureCategory, RuntimeKind, State};
use roost_domain::conversation::Conversation;
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::event::Journal;
use roost_domain::gate::{Decision, Permit, Used};
use roost_domain::id::{AgentId, TurnId};
use roost_domain::page::Limit;
use roost_domain::unit::Tokens;
use roost_ports::model::{Chunks, Error as ModelError};
use roost_ports::runtime::{Said, Setup, Unavailable};
use roost_ports::store::{Reader, Writer};

use crate::agents::release_turns;
use crate::conversations::speaking_first;
use crate::error::with_causes;
use crate::gate::Facts;
use crate::messages::not_running;
use crate::models::{Asker, Complete, Completion};
use crate::turns::machine_spec;
use crate::{Ask, Core, Ctx, Error, Kind, Principal, log};

/// How many runtimes are looked for at a time.
const BATCH: Limit = Limit::clamped(100, 100);
/// How long a hosted runtime's model call may wait for what it needs here.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What hosted runtimes are brought up with, and what they ask for.
pub struct HostedRuntimes<'a>(pub(crate) &'a Core);

impl Core {
    /// Says that this server cannot host a runtime.
    pub(crate) fn check_runtime(&self, kind: RuntimeKind) -> Result<(), Error> {
        if !kind.is_hosted() {
            return Ok(());
        }
        let hosted = self.ports.runtimes.hosted(kind);
        hosted.map(drop).map_err(|Unavailable(why)| {
            Error::new(Kind::InvalidInput, "runtime_not_installed", format!("runtime_kind: {why}"))
        })
    }
}

impl HostedRuntimes<'_> {
    /// Returns agents whose runtimes have to come up.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn due(&self) -> Result<Vec<AgentId>, Error> {
        self.0.ports.store.read(|reader| Ok(reader.provisioning_agents(BATCH)?)).await
    }

    /// Waits until an agent was made or started since the last call. Safe to drop.
    pub async fn called(&self) {
        self.0.provisioning.notified().await;
    }

    /// Waits until a runtime has ended by itself, and returns whose. Safe to drop.
    pub async fn fallen(&self) -> AgentId {
        self.0.ports.runtimes.fallen().await
    }

    /// Brings an agent's runtime up: the agent is running then, and messages that queued are worked on. One that
    /// does not come up leaves its agent in error. An agent that is not to be up is left alone; one that was stopped or
    /// deleted meanwhile has nothing running at the end.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn bring_up(&self, id: AgentId) -> Result<(), Error> {
        let found = self.0.ports.store.read(move |reader| Ok::<_, Error>(reader.agent_of_any_account(id)?));
        let Some(agent) = found.await? else { return Ok(()) };
        if !agent.runtime.is_hosted() || !matches!(agent.state, State::Provisioning | State::Running) {
            return Ok(());
        }
        let came = self.start(&agent).await?;
        let (core, now) = (self.0.clone(), self.0.now());
        let wanted = self.0.ports.store.write(move |writer| note(&core, writer, id, came, now)).await?;
        self.end_unless(wanted, id).await?;
        self.0.hub.tick(id.journal());
        self.0.queued.notify_one();
        Ok(())
    }

    /// Ends a runtime that came up after whoever ended it had looked for it.
    async fn end_unless(&self, wanted: Wanted, id: AgentId) -> Result<(), Error> {
        if wanted == Wanted::Yes {
            return Ok(());
        }
        self.0.ports.runtimes.stop(id).await;
        self.0.machine_time.closing(id, self.0.now());
        if wanted == Wanted::Stopped {
            self.0.ports.machines.stop(id).await?;
        } else {
            // Starting has made its workspace again.
            self.0.ports.machines.destroy(id).await?;
        }
        Ok(())
    }

    /// Says something to an agent's runtime, which comes up first if it is not.
    pub(crate) async fn ask(&self, agent: &Agent, said: Said) -> Result<Chunks, ModelError> {
        let failed = |problem| ModelError::Runtime { runtime: agent.runtime.name(), problem };
        let started = self.start(agent).await.map_err(|error| failed(with_causes(&error)))?;
        started.map_err(|Unavailable(why)| failed(why))?;
        self.0.ports.runtimes.ask(agent.id, said).await
    }

    /// Has the gate decide, and starts the runtime unless it is up as it should be.
    async fn start(&self, agent: &Agent) -> Result<Result<(), Unavailable>, Error> {
        let hosted = match self.0.ports.runtimes.hosted(agent.runtime) {
            Ok(hosted) => hosted,
            Err(unavailable) => return Ok(Err(unavailable)),
        };
        let (core, agent) = (self.0.clone(), agent.clone());
        let description = self.0.ports.models.describe(&agent.model).ok();
        let prepare = move |reader: &dyn Reader| {
            let facts = Facts::read(&core, reader, &agent)?;
            let permit = match permitted(&facts, reader, &agent)? {
                Ok(permit) => permit,
                Err(unavailable) => return Ok(Err(unavailable)),
            };
            let mut documents = Vec::new();
            for entry in reader.documents(agent.id)? {
                if let Some(document) = reader.document(agent.id, &entry.name)? {
                    documents.push((entry.name.to_string(), document.content));
                }
            }
            let mut spec = machine_spec(&agent, &facts);
            spec.hosted = Some(hosted);
            let setup = Setup {
                spec,
                documents,
                context: description.map_or(Tokens(32_000), |known| known.context),
                max_output: description.map_or(Tokens(4_096), |known| known.max_output),
            };
            Ok::<_, Error>(Ok((permit, setup)))
        };
        match self.0.ports.store.read(prepare).await? {
            Ok((permit, setup)) => Ok(self.0.ports.runtimes.start(permit, setup).await),
            Err(unavailable) => Ok(Err(unavailable)),
        }
    }

    /// Answers a model call that a hosted runtime makes, shown its token: the agent's own model is asked with its
    /// own key, within its budget, whatever the call names. The runtime of an agent that is paused may be up still, and
    /// gets no answer.
    ///
    /// # Errors
    ///
    /// `Unauthenticated` if the token is nobody's; `InvalidState` with the code `agent_not_running` if the agent is not
    /// to work; as [`crate::ModelCalls::complete`].
    pub async fn answer(&self, token: &str, ask: Ask) -> Result<Completion, Error> {
        let unknown = || Error::new(Kind::Unauthenticated, "unauthorized", "this token is no runtime's");
        let id = self.0.ports.runtimes.whose(token).ok_or_else(unknown)?;
        let found = self.0.ports.store.read(move |reader| Ok::<_, Error>(reader.agent_of_any_account(id)?));
        let agent = found.await?.ok_or_else(unknown)?;
        match agent.state {
            State::Provisioning | State::Running | State::Frozen => {}
            State::Paused | State::Stopped | State::Error => return Err(not_running(&agent)),
        }
        let now = self.0.now();
        let principal = Principal::Owner(agent.account);
        let ctx = Ctx { principal, request_id: self.0.request_id(), now, deadline: now + PATIENCE };
        let conversation = Conversation {
            system: ask.instructions.unwrap_or_default(),
            messages: speaking_first(ask.messages),
            tools: ask.tools,
            max_output: ask.wishes.max_output.unwrap_or(Tokens(u64::MAX)),
        };
        let (asker, model, wishes) = (Asker::Agent(id), agent.model, ask.wishes);
        self.0.models().complete(&ctx, Complete { asker, model, conversation, wishes, keep: None }).await
    }
}

/// Whether an agent's runtime is to be up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Yes,
    /// The agent does not run.
    Stopped,
    /// There is no such agent any more.
    Gone,
}

/// Writes what became of a runtime that was brought up, and tells whether it is wanted still.
fn note(
    core: &Core,
    writer: &mut dyn Writer,
    id: AgentId,
    came: Result<(), Unavailable>,
    now: Timestamp,
) -> Result<Wanted, Error> {
    let Some(agent) = writer.agent_of_any_account(id)? else { return Ok(Wanted::Gone) };
    match (agent.state, came) {
        (State::Stopped | State::Error, _) => return Ok(Wanted::Stopped),
        (State::Provisioning, Ok(())) => {
            let agent = agent.ready();
            writer.update_agent(&agent)?;
            log::journal(writer, id, now, Journal::Started)?;
            let principal = Principal::Owner(agent.account);
            let ctx = Ctx { principal, request_id: "runtime".to_owned(), now, deadline: now };
            release_turns(core, writer, &agent, &ctx)?;
        }
        // A paused or frozen agent's machine stays up.
        (State::Running | State::Frozen | State::Paused, Ok(())) => {}
        (State::Provisioning | State::Running | State::Frozen | State::Paused, Err(Unavailable(message))) => {
            let category = FailureCategory::Machine;
            log::journal(writer, id, now, Journal::Failed { category, message: message.clone() })?;
            writer.update_agent(&agent.fail(Failure { category, message }))?;
        }
    }
    Ok(Wanted::Yes)
}

/// Asks the gate for leave to run a runtime. Nothing can wait for a person here.
fn permitted(
    facts: &Facts,
    reader: &dyn Reader,
    agent: &Agent,
) -> Result<Result<Permit, Unavailable>, Error> {
    let effect = Effect {
        agent: agent.id,
        session: agent.id.journal(),
        turn: TurnId::from_uuid(agent.id.uuid()),
        cause: Cause::Loop,
        action: Action::RunRuntime { runtime: agent.runtime },
        scripts: Vec::new(),
    };
    Ok(match facts.decide(reader, agent, &effect, None, Used::default(), None)? {
        Decision::Allowed(permit, _) => Ok(permit),
        Decision::NeedsApproval(opinion) | Decision::Blocked(opinion) => Err(Unavailable(format!(
            "the gate does not let the agent run {}: {opinion}. What a runtime of others does in its machine cannot \
             wait for a person",
            agent.runtime
        ))),
    })
}
