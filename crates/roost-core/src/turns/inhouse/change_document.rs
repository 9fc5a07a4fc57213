use async_trait::async_trait;
use roost_domain::agent::Agent;
use roost_domain::document::{Author, ContentHash, Document, DocumentName, MAX_BYTES};
use roost_domain::effect::{Action, Script};
use roost_domain::gate::Permit;
use roost_domain::tool::{ToolCall, ToolSpec};
use roost_ports::store::{Reader, Writer};
use roost_ports::tool::{BadCall, Plan};
use serde_json::json;

use super::arguments::Arguments;
use super::{Bound, InhouseTool, Told, done, failed};
use crate::documents::{Change, write};
use crate::turns::Work;
use crate::turns::use_tool::effect;
use crate::{Core, Error, log};

/// `change_document`: the agent proposes another text for one of its own documents. Leave for it is bound to the text
/// that it would replace.
pub(super) struct ChangeDocument;

/// What a call proposes.
struct Proposal<'a> {
    name: DocumentName,
    content: &'a str,
    reason: &'a str,
    /// The version that the agent read.
    version: Option<u32>,
}

#[async_trait]
impl InhouseTool for ChangeDocument {
    fn name(&self) -> &'static str {
        "change_document"
    }

    fn offer(
        &self,
        _core: &Core,
        _reader: &dyn Reader,
        _work: &Work,
        _agent: &Agent,
    ) -> Result<Option<ToolSpec>, Error> {
        Ok(Some(ToolSpec {
            name: self.name().to_owned(),
            description: "Proposes a new text for one of the documents that shape you: SOUL.md (how you are), \
                          IDENTITY.md (who you are), WORKFLOW.md (your job) or a rule, rules/NAME.md (a procedure). \
                          Use it when your people ask for it, or when you learned something that should last. A \
                          person may have to approve. SOUL.md, IDENTITY.md and WORKFLOW.md take effect in the next \
                          session, or after a restart; rules at once."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "document": {"type": "string", "description": "SOUL.md, IDENTITY.md, WORKFLOW.md or rules/NAME.md."},
                    "content": {"type": "string", "description": "The whole new text, at most 48,000 bytes."},
                    "reason": {"type": "string", "description": "Why, in a sentence for whoever approves it."},
                    "version": {
                        "type": "integer", "minimum": 1,
                        "description": "The version that you read, for a rule that is there already. For other \
                                        documents the one in your instructions, if left out."
                    }
                },
                "required": ["document", "content", "reason"],
                "additionalProperties": false
            }),
            idempotent: true,
        }))
    }

    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        let name = Proposal::read(call)?.name.to_string();
        // Done a second time, it finds that it is done.
        Ok(Plan::Act { action: Action::ChangeDocument { name }, idempotent: true })
    }

    fn bind(&self, reader: &dyn Reader, work: &Work, call: &ToolCall) -> Result<Bound, Error> {
        match Proposal::read(call) {
            Ok(proposal) => proposal.bind(reader, work),
            Err(BadCall(problem)) => Ok(Err(problem)),
        }
    }

    async fn run(&self, core: &Core, permit: &Permit, work: &Work, call: &ToolCall) -> Told {
        let (held, call) = (work.clone(), call.clone());
        let (action, leave, now) = (permit.action().clone(), permit.hash(), core.now());
        let change = move |writer: &mut dyn Writer| {
            let proposal = match Proposal::read(&call) {
                Ok(proposal) => proposal,
                Err(BadCall(problem)) => return Ok(failed(problem)),
            };
            let scripts = match proposal.bind(writer, &held)? {
                Ok(scripts) => scripts,
                Err(problem) => return Ok(failed(problem)),
            };
            if effect(&held.turn, &call, action, scripts).hash() != leave {
                return Ok(failed(format!("{} was changed just now; nothing was done", proposal.name)));
            }
            let agent = log::agent_of(writer, &held.turn)?;
            let change = Change {
                name: proposal.name.clone(),
                content: Some(proposal.content.to_owned()),
                expected: None,
                author: Author::Agent,
                note: Some(proposal.reason.to_owned()),
            };
            write(writer, agent, change, now)?;
            let version = writer.document(held.turn.agent, &proposal.name)?.map_or(0, |now| now.version);
            Ok::<_, Error>(done(proposal.done(version)))
        };
        match core.ports.store.write(change).await {
            Ok(told) => told,
            Err(error) => failed(format!("the document was not changed: {error}")),
        }
    }
}

impl<'a> Proposal<'a> {
    fn read(call: &'a ToolCall) -> Result<Self, BadCall> {
        let arguments = Arguments::of(call, &["document", "content", "reason", "version"])?;
        let name = arguments.text("document", 80)?;
        let name = name.parse().map_err(|error| BadCall(format!("document: {error}")))?;
        let content = arguments.text("content", MAX_BYTES)?;
        if content.len() > MAX_BYTES {
            let bytes = content.len();
            return Err(BadCall(format!("content has {bytes} bytes; at most {MAX_BYTES} are allowed")));
        }
        let reason = arguments.text("reason", 500)?;
        Ok(Self { name, content, reason, version: arguments.number_if_any("version", u32::MAX)? })
    }

    /// Returns what leave is bound to, if the agent has seen what it would replace.
    fn bind(&self, reader: &dyn Reader, work: &Work) -> Result<Bound, Error> {
        let agent = work.turn.agent;
        let now = reader.document(agent, &self.name)?;
        if let Some(now) = &now
            && now.content != self.content
            && self.seen(reader, work)? != Some(now.version)
        {
            return Ok(Err(self.unseen(now)));
        }
        let content = now.map(|now| now.content).unwrap_or_default();
        let ContentHash(sha256) = ContentHash::of(&content);
        Ok(Ok(vec![Script { path: self.name.to_string(), sha256 }]))
    }

    /// Returns the version that the agent has seen.
    fn seen(&self, reader: &dyn Reader, work: &Work) -> Result<Option<u64>, Error> {
        match self.version {
            Some(version) => Ok(Some(version.into())),
            None if self.name.is_instruction() => {
                let seen = reader.document_in(work.turn.agent, work.turn.session, &self.name)?;
                Ok(seen.map(|seen| seen.version))
            }
            None => Ok(None),
        }
    }

    fn unseen(&self, now: &Document) -> String {
        format!(
            "nothing was proposed, since this is not what you have seen of {name}. It is at version {version} and reads \
             now:\n\n{content}\n\nPut your change into that, and call again with \"version\": {version}.",
            name = self.name,
            version = now.version,
            content = now.content,
        )
    }

    fn done(&self, version: u64) -> String {
        let when = if self.name.is_instruction() {
            "It takes effect in the next session, or when you are restarted."
        } else {
            "It takes effect at once."
        };
        format!("{} is changed; this is version {version}. {when}", self.name)
    }
}
