use roost_core::{Ctx, Error, Live, Subscription};
use roost_domain::event::Offset;
use roost_domain::id::{AgentId, SessionId};

use crate::app::App;

/// A session that a caller follows; ends with `NotFound` when its agent is deleted.
pub(super) struct Watch {
    app: App,
    ctx: Ctx,
    agent: AgentId,
    session: SessionId,
    subscription: Subscription,
}

impl Watch {
    pub(super) async fn begin(
        app: &App,
        ctx: &Ctx,
        agent: AgentId,
        session: SessionId,
        after: Offset,
    ) -> Result<Self, Error> {
        let subscription = app.core.events().subscribe(ctx, agent, session, after).await?;
        Ok(Self { app: app.clone(), ctx: ctx.clone(), agent, session, subscription })
    }

    /// Returns the next item. Safe to drop.
    pub(super) async fn next(&mut self) -> Result<Live, Error> {
        loop {
            match tokio::time::timeout(self.app.recheck, self.subscription.next()).await {
                Ok(live) => return live,
                Err(tokio::time::error::Elapsed { .. }) => {
                    // Whoever may not subscribe now may not follow on either.
                    let events = self.app.core.events();
                    events.subscribe(&self.ctx, self.agent, self.session, Offset::START).await?;
                }
            }
        }
    }
}
