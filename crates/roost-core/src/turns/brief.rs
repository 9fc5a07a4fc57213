//! What a model call is made from: who the agent is, what was said, which key is used.

use roost_domain::agent::{Agent, Settings};
use roost_domain::context::{self, Bounds, Persona, Source};
use roost_domain::conversation::{Conversation, Wishes};
use roost_domain::document::{DocumentName, RuleName};
use roost_domain::event::{Body, Event, Offset, Problem, TurnEvent};
use roost_domain::id::{AgentId, TurnId};
use roost_domain::model::{ModelName, Price};
use roost_domain::page::Limit;
use roost_domain::secret::{Secret, placeholder};
use roost_domain::skill::{InstalledSkill, SkillId};
use roost_domain::tool::ToolSpec;
use roost_domain::unit::Tokens;
use roost_ports::model::{Description, Error as ModelError};
use roost_ports::runtime::Said;
use roost_ports::store::{Reader, SecretEntry, Turn};
use roost_ports::vault::Sealed;

use super::{Turns, Work};
use crate::error::with_causes;
use crate::gate::callers;
use crate::{Core, Error, Kind, log, runs};

/// How much of a session's log is read at a time, from its end backwards.
const PAGE: Limit = Limit::clamped(250, 250);

impl Turns<'_> {
    /// Gathers what a call is made from, or says why there can be none.
    pub(super) async fn brief(&self, work: &Work) -> Result<Result<Brief, Problem>, Error> {
        let (core, held, now) = (self.0.clone(), work.clone(), self.0.now());
        let materials = self.0.ports.store.read(move |reader| Materials::read(&core, reader, &held)).await?;
        let model = &materials.agent.model;
        let described = self.0.ports.models.describe(model);
        let description = described.as_ref().copied().unwrap_or(Description {
            price: Price::FREE,
            priced: false,
            context: Tokens(32_000),
            max_output: Tokens(4_096),
        });
        let asked = asked(&materials.events, work.turn.id);
        let wishes = asked.map(|(_, wishes)| wishes.clone()).unwrap_or_default();
        let mut tools = materials.tools;
        tools.extend(asked.map(|(tools, _)| tools.to_vec()).unwrap_or_default());
        let output = description.max_output.min(self.0.settings.max_output);
        let output = output.min(wishes.max_output.unwrap_or(output));
        let bounds = Bounds {
            input: description.context.saturating_sub(output).min(self.0.settings.max_input),
            output,
        };
        let source = Source {
            persona: &materials.persona,
            events: &materials.events,
            turn: work.turn.id,
            tools: &tools,
            now: now.max(work.turn.created_at),
        };
        let conversation = context::assemble(&source, bounds);
        let key = match self.0.provider_key(&materials.agent).await {
            Ok(key) => key,
            // A store that is busy is another matter than a secret that cannot be read.
            Err(error) if error.kind() != Kind::Internal => return Err(error),
            Err(error) => {
                // Trying again does not make a secret readable.
                tracing::error!(agent = %work.turn.agent, error = %with_causes(&error), "a model key cannot be read");
                let message = format!("The stored key for {model} cannot be read; store it again");
                return Ok(Err(Problem { code: "model_key_unreadable".to_owned(), message }));
            }
        };
        if !description.priced && described.is_ok() && materials.is_budgeted {
            let message = format!(
                "The agent, or one for whom it works, has a budget, but the price of {model} is not known, so the budget cannot be held. Give \
                 the price in the server's configuration, or remove config.budgetUsd"
            );
            return Ok(Err(Problem { code: "price_unknown".to_owned(), message }));
        }
        let hosted = materials.agent.runtime.is_hosted();
        let said = hosted.then(|| said(&materials.events, &work.turn)).flatten();
        Ok(Ok(Brief {
            // A hosted runtime's own calls are reserved and booked where they are made.
            price: if hosted { Price::FREE } else { description.price },
            unknown: described.err(),
            said,
            agent: materials.agent,
            key,
            conversation,
            wishes,
        }))
    }
}

/// What a call is made from.
pub(super) struct Brief {
    pub(super) agent: Agent,
    pub(super) key: Option<Secret>,
    pub(super) conversation: Conversation,
    pub(super) wishes: Wishes,
    pub(super) price: Price,
    pub(super) unknown: Option<ModelError>,
    /// What is said to the runtime that hosts the agent, if one does.
    pub(super) said: Option<Said>,
}

/// Returns what a turn says to a hosted runtime, which remembers the rest itself.
fn said(events: &[Event], turn: &Turn) -> Option<Said> {
    events.iter().rev().find_map(|event| match &event.body {
        Body::Turn { turn: of, event: TurnEvent::MessageReceived { text, context } } if *of == turn.id => {
            Some(Said { session: turn.session, text: text.clone(), context: context.clone() })
        }
        Body::Turn { .. } | Body::Journal(_) | Body::SessionStarted { .. } => None,
    })
}

struct Materials {
    agent: Agent,
    /// Whether it, or an agent for whom it works, has a budget.
    is_budgeted: bool,
    persona: Persona,
    tools: Vec<ToolSpec>,
    events: Vec<Event>,
}

impl Materials {
    fn read(core: &Core, reader: &dyn Reader, work: &Work) -> Result<Self, Error> {
        let agent = log::agent_of(reader, &work.turn)?;
        let settings = Settings::read(&agent.config)?;
        let document = |name: &DocumentName| -> Result<Option<String>, Error> {
            let seen = reader.document_in(agent.id, work.turn.session, name)?;
            Ok(seen.map(|document| document.content))
        };
        let persona = Persona {
            name: agent.name.clone(),
            description: agent.description.clone(),
            system_prompt: settings.system_prompt.clone(),
            identity: document(&DocumentName::Identity)?,
            soul: document(&DocumentName::Soul)?,
            workflow: document(&DocumentName::Workflow)?,
            secrets: bound(&reader.secret_entries(agent.id)?),
            rules: names(&reader.rules_in(agent.id, work.turn.session)?),
            skills: skills(reader, &agent)?,
        };
        let tools = core.tool_specs(reader, work, &agent)?;
        let events = history(reader, &work.turn, core.settings.max_input)?;
        let mut is_budgeted = settings.budget.is_some();
        for caller in callers(&work.turn) {
            if let Some(caller) = reader.agent_of_any_account(*caller)? {
                is_budgeted |= Settings::read(&caller.config)?.budget.is_some();
            }
        }
        is_budgeted |= runs::budget(core, reader, &work.turn)?.is_some();
        let (model, only) = bound_by(&events, work.turn.id);
        let mut tools = tools;
        if let Some(only) = only {
            tools.retain(|tool| only.contains(&tool.name));
        }
        // A step may be done with another model than the agent's.
        let agent = match model {
            Some(model) => Agent { model, ..agent },
            None => agent,
        };
        Ok(Self { agent, is_budgeted, persona, tools, events })
    }
}

/// Returns the skills that the agent has, with what they are for.
fn skills(reader: &dyn Reader, agent: &Agent) -> Result<Vec<(SkillId, String)>, Error> {
    let mut skills = reader.installed_skills(agent.id)?;
    skills.retain(InstalledSkill::is_active);
    Ok(skills.into_iter().map(|one| (one.skill, one.description)).collect())
}

/// Names the secrets that an agent's requests may carry, with where to.
fn bound(secrets: &[SecretEntry]) -> Vec<String> {
    let line = |entry: &SecretEntry| {
        let binding = entry.binding.as_ref()?;
        Some(format!("- {} for {binding}", placeholder(&entry.name)))
    };
    secrets.iter().filter_map(line).collect()
}

fn names(rules: &[RuleName]) -> Vec<String> {
    rules.iter().map(ToString::to_string).collect()
}

/// Returns the turn's own events and as much of the rest of the session as may fit into a context, in order. The
/// oldest other turn may be torn; the context leaves it out.
///
/// Turns that queue begin before the one ahead of them ends, so the session is read from its end and not from where
/// the turn begins.
fn history(reader: &dyn Reader, turn: &Turn, max: Tokens) -> Result<Vec<Event>, Error> {
    let mut oldest = Offset(u64::MAX);
    let mut room = max;
    let mut pages = Vec::new();
    while oldest > Offset(1) && room > Tokens(0) {
        let page = reader.events_before(turn.session, oldest, PAGE)?;
        let Some(first) = page.first() else { break };
        oldest = first.offset;
        room = page.iter().fold(room, |room, event| room.saturating_sub(context::weight(event)));
        pages.push(page);
    }
    if oldest > Offset(1) {
        let mut own = reader.turn_events(turn.session, turn.id)?;
        own.retain(|event| event.offset < oldest);
        pages.push(own);
    }
    Ok(pages.into_iter().rev().flatten().collect())
}

/// Returns what the caller of a turn wants of its model calls, if it said so.
fn asked(events: &[Event], of: TurnId) -> Option<(&[ToolSpec], &Wishes)> {
    events.iter().rev().find_map(|event| {
        if let Body::Turn { turn, event: TurnEvent::CallerAsked { tools, wishes } } = &event.body
            && *turn == of
        {
            Some((tools.as_slice(), &**wishes))
        } else {
            None
        }
    })
}

/// Returns the model that a turn asks instead of its agent's, and the only tools that it has, where what began it says
/// so.
fn bound_by(events: &[Event], of: TurnId) -> (Option<ModelName>, Option<&[String]>) {
    let bound = events.iter().find_map(|event| match &event.body {
        Body::Turn { turn, event: TurnEvent::Confined { model, tools, .. } } if *turn == of => {
            Some((model.clone(), tools.as_deref()))
        }
        Body::Turn { .. } | Body::Journal(_) | Body::SessionStarted { .. } => None,
    });
    bound.unwrap_or_default()
}

impl Core {
    /// Returns the agent's own key for its model's provider, or else its swarm's.
    pub(crate) async fn provider_key(&self, agent: &Agent) -> Result<Option<Secret>, Error> {
        let (id, swarm, name) = (agent.id, agent.swarm, provider_secret(agent.model.provider()));
        let read = move |reader: &dyn Reader| {
            if let Some(found) = held_secret(reader, id, &name)? {
                return Ok::<_, Error>(Some(found));
            }
            let Some(swarm) = swarm else { return Ok(None) };
            let place = crate::swarms::secret_place(swarm, &name);
            Ok(reader.swarm_secret(swarm, &name)?.map(|sealed| (place, sealed)))
        };
        let sealed = self.ports.store.read(read).await?;
        let open = |(place, sealed): (String, _)| self.ports.vault.open(agent.account, &place, &sealed);
        Ok(sealed.map(open).transpose()?)
    }
}

/// Returns the name of the secret that holds an agent's key for a provider.
pub(crate) fn provider_secret(provider: &str) -> String {
    format!("{}_api_key", provider.replace('-', "_"))
}

/// Returns a secret that an agent has, its own or one that it was lent, with the place to which its ciphertext is
/// bound.
pub(crate) fn held_secret(
    reader: &dyn Reader,
    agent: AgentId,
    name: &str,
) -> Result<Option<(String, Sealed)>, Error> {
    let Some(holder) = reader.secret_holder(agent, name)? else { return Ok(None) };
    Ok(reader.secret(holder, name)?.map(|sealed| (place_at(holder, name), sealed)))
}

/// Returns where a secret of an agent stands, to which its ciphertext is bound.
pub(crate) fn secret_place(agent: &Agent, name: &str) -> String {
    place_at(agent.id, name)
}

/// Returns where a secret stands that this agent holds, to which its ciphertext is bound.
pub(crate) fn place_at(holder: AgentId, name: &str) -> String {
    format!("agent/{holder}/{name}")
}
