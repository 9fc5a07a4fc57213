use async_trait::async_trait;
use roost_domain::agent::{Agent, Settings};
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::id::AccountId;
use roost_domain::knowledge::{Shelf, looks_secret};
use roost_domain::tool::{ToolCall, ToolSpec};
use roost_ports::store::Reader;
use roost_ports::tool::{BadCall, Plan};
use serde_json::{Map, json};

use super::arguments::Arguments;
use super::{InhouseTool, Told, done, failed};
use crate::knowledge::{Draft, Put};
use crate::turns::Work;
use crate::{Core, Error, log, memory};

/// The longest thing to remember, in characters.
const LONGEST: usize = 1_000;

/// `remember`: keeps something about the peer the agent talks with, beside what is kept by itself.
pub(super) struct Remember;

#[async_trait]
impl InhouseTool for Remember {
    fn name(&self) -> &'static str {
        "remember"
    }

    fn offer(
        &self,
        _core: &Core,
        reader: &dyn Reader,
        work: &Work,
        agent: &Agent,
    ) -> Result<Option<ToolSpec>, Error> {
        let spec = |_| {
            ToolSpec {
            name: self.name().to_owned(),
            description: "Remembers something about the person you talk with, for later conversations with them. Never \
                          a password, a key or a number of a card."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "text": {"type": "string", "description": "One fact, as a sentence that can stand alone."}
                },
                "required": ["text"],
                "additionalProperties": false
            }),
            idempotent: true,
        }
        };
        Ok(shelf(reader, work, agent)?.map(spec))
    }

    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        text(call)?;
        Ok(Plan::Act { action: Action::WriteKnowledge { source: "memory".to_owned() }, idempotent: true })
    }

    async fn run(&self, core: &Core, _permit: &Permit, work: &Work, call: &ToolCall) -> Told {
        let text = match text(call) {
            Ok(text) => text,
            Err(BadCall(problem)) => return failed(problem),
        };
        if looks_secret(text) {
            return failed("this looks like a secret; secrets are not remembered");
        }
        match core.remember(work, text).await {
            Ok(Kept::New) => done("Remembered."),
            Ok(Kept::Known) => done("Known already."),
            Ok(Kept::Secret) => failed("this holds a secret; secrets are not remembered"),
            Ok(Kept::Nobody) => failed("there is nobody here about whom something could be remembered"),
            Err(error) => failed(format!("it cannot be remembered now: {error}")),
        }
    }
}

/// What became of something to remember.
enum Kept {
    New,
    Known,
    Secret,
    Nobody,
}

fn text(call: &ToolCall) -> Result<&str, BadCall> {
    Arguments::of(call, &["text"])?.text("text", LONGEST)
}

/// Returns where an agent remembers in a turn, if it does.
fn shelf(reader: &dyn Reader, work: &Work, agent: &Agent) -> Result<Option<Shelf>, Error> {
    let settings = Settings::read(&agent.config)?;
    if !settings.memory.capture {
        return Ok(None);
    }
    let session = reader.session(agent.id, work.turn.session)?;
    Ok(session.and_then(|session| memory::shelf(agent, &settings, &session.peer)))
}

impl Core {
    async fn remember(&self, work: &Work, text: &str) -> Result<Kept, Error> {
        let held = work.clone();
        let read = move |reader: &dyn Reader| {
            let agent = log::agent_of(reader, &held.turn)?;
            Ok::<_, Error>(shelf(reader, &held, &agent)?.map(|shelf| (agent.account, shelf)))
        };
        let found: Option<(AccountId, Shelf)> = self.ports.store.read(read).await?;
        let Some((account, shelf)) = found else { return Ok(Kept::Nobody) };
        let Some(text) = self.without_secrets(vec![text.to_owned()]).await?.pop() else {
            return Ok(Kept::Secret);
        };
        let metadata = Map::from_iter([
            ("type".to_owned(), json!("memory")),
            ("agentId".to_owned(), json!(work.turn.agent.to_string())),
        ]);
        let draft = Draft { text, source: work.turn.session.to_string(), metadata };
        let put = Put {
            account,
            shelf,
            drafts: vec![draft],
            replaces: None,
            forgets_beyond: Some(memory::MOST),
            now: self.now(),
        };
        Ok(if self.put(put).await?.stored > 0 { Kept::New } else { Kept::Known })
    }
}
