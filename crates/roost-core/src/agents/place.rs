use roost_domain::agent::Region;
use roost_domain::page::Limit;
use roost_ports::store::Writer;

use super::Agents;
use super::create::began;
use crate::{Error, log};

/// How many agents are looked at in one transaction.
const BATCH: Limit = Limit::clamped(500, 500);

impl Agents<'_> {
    /// Puts agents into error that are up and whose region is not this host's any more, since the configuration
    /// changed. Returns how many.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn place(&self) -> Result<usize, Error> {
        let mut moved = 0;
        for region in Region::ALL {
            while !self.0.settings.regions.has_here(region) {
                let (core, now) = (self.0.clone(), self.0.now());
                let place = move |writer: &mut dyn Writer| {
                    let agents = writer.agents_up_in(region, BATCH)?;
                    for agent in &agents {
                        let agent = core.settings.regions.placed(agent.clone().start(now));
                        writer.update_agent(&agent)?;
                        log::journal(writer, agent.id, now, began(&agent))?;
                    }
                    Ok::<_, Error>(agents.len())
                };
                match self.0.ports.store.write(place).await? {
                    0 => break,
                    placed => moved += placed,
                }
            }
        }
        Ok(moved)
    }
}
