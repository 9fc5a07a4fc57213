use roost_domain::document::DocumentName;
use roost_domain::effect::Action;
use roost_domain::gate::{Decision, Used};
use roost_domain::tool::ToolCall;
use roost_ports::store::Reader;

use super::use_tool::effect;
use super::{Turns, Work};
use crate::gate::{Comparison, Facts};
use crate::{Error, log};

impl Turns<'_> {
    /// Compares a proposed text for a document with what it says now, where a person will be asked about it.
    ///
    /// # Errors
    ///
    /// `NotFound` if the agent was deleted; `Internal` if the store fails.
    pub(super) async fn compare(
        &self,
        work: &Work,
        call: &ToolCall,
        action: &Action,
    ) -> Result<Option<Comparison>, Error> {
        let Action::ChangeDocument { name } = action else { return Ok(None) };
        let Ok(document) = name.parse::<DocumentName>() else { return Ok(None) };
        let (core, turn) = (self.0.clone(), work.turn.clone());
        let effect = effect(&turn, call, action.clone(), Vec::new());
        let read = move |reader: &dyn Reader| {
            let agent = log::agent_of(reader, &turn)?;
            let facts = Facts::of_turn(&core, reader, &agent, &turn)?;
            let decision = facts.decide(reader, &agent, &effect, None, Used::default(), None)?;
            if !matches!(decision, Decision::NeedsApproval(_)) {
                return Ok(None);
            }
            let before = reader.document(agent.id, &document)?;
            Ok::<_, Error>(Some(before.map(|before| before.content).unwrap_or_default()))
        };
        let Some(before) = self.0.ports.store.read(read).await? else { return Ok(None) };
        let name = name.clone();
        let after = call.arguments["content"].as_str().unwrap_or_default().to_owned();
        let compare = move || Comparison::new(&name, &before, &after);
        tokio::task::spawn_blocking(compare).await.map(Some).map_err(Error::internal)
    }
}
