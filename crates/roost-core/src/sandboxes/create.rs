use roost_domain::agent::Agent;
use roost_domain::id::SandboxId;
use roost_domain::key::Scope;
use roost_domain::sandbox::{Mode, Requested, Sandbox, Settings, Status};
use roost_domain::subject::Subject;
use roost_ports::store::{Reader, Writer};

use super::Sandboxes;
use crate::guard::check_subject;
use crate::{Core, Ctx, Error, Kind};

/// A sandbox to be made.
#[derive(Debug, Clone)]
pub struct CreateSandbox {
    /// What its owner calls whoever's code it will run, 1 to 200 characters.
    pub subject: String,
    /// How its code is held.
    pub mode: Mode,
    /// What it is to use and touch.
    pub asked: Requested,
}

impl Sandboxes<'_> {
    /// Makes a sandbox. It is ready at once; its machine is up for as long as a run.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field. `QuotaExceeded` if the account has as many at once as it may have.
    /// `Unavailable` if a wall that holds strangers' code does not hold on this host.
    pub async fn create(&self, ctx: &Ctx, new: CreateSandbox) -> Result<Sandbox, Error> {
        ctx.require(Scope::Sandboxes)?;
        let subject: Subject =
            new.subject.trim().parse().map_err(|error| Error::invalid("agent_id", error))?;
        let settings = Settings::read(new.mode, &new.asked, &self.0.settings.sandbox_images)?;
        if new.mode == Mode::Container {
            self.walls_hold()?;
        }
        let sandbox = Sandbox {
            id: self.0.ports.random.id::<SandboxId>(ctx.now),
            account: ctx.account(),
            subject: subject.to_string(),
            mode: new.mode,
            status: Status::Ready,
            created_at: ctx.now,
            expires_at: ctx.now + settings.lifetime,
            destroyed_at: None,
            settings,
        };
        let (core, mode) = (self.0.clone(), new.mode);
        let insert = move |writer: &mut dyn Writer| {
            let stored = core.permitted(writer, &subject, sandbox, mode)?;
            let allowed = core.account_plan(writer, stored.account)?.allowance.sandboxes;
            let max = core.settings.max_sandboxes.into_iter().chain(allowed).min();
            if let Some(max) = max
                && writer.live_sandboxes(stored.account)? >= u64::from(max)
            {
                return Err(Error::new(
                    Kind::QuotaExceeded,
                    "sandbox_limit",
                    format!(
                        "the account may have {max} sandboxes at once; delete one, or wait until one expires"
                    ),
                ));
            }
            writer.insert_sandbox(&stored)?;
            Ok(stored)
        };
        let sandbox = self.0.ports.store.write(insert).await?;
        tracing::info!(sandbox = %sandbox.id, request = %ctx.request_id, "made a sandbox");
        Ok(sandbox)
    }

    /// Checks that the walls stand that hold code nobody vouches for.
    fn walls_hold(&self) -> Result<(), Error> {
        let needed = &self.0.settings.strict_layers;
        let layers = self.0.ports.machines.layers();
        let missing =
            layers.iter().find(|layer| !layer.holds && needed.iter().any(|name| name == layer.name));
        match missing {
            None => Ok(()),
            Some(layer) => Err(Error::new(
                Kind::Unavailable,
                "machine_cannot_start",
                format!(
                    "sandboxes need the isolation layer {}, which does not hold on this host ({})",
                    layer.name, layer.detail
                ),
            )),
        }
    }
}

impl Core {
    /// Returns a sandbox within what the permissions of whoever's code it runs leave by now.
    pub(super) fn permitted_now(&self, reader: &dyn Reader, sandbox: &Sandbox) -> Result<Sandbox, Error> {
        let subject: Subject = sandbox.subject.parse().map_err(|error| Error::invalid("agent_id", error))?;
        self.permitted(reader, &subject, sandbox.clone(), sandbox.mode)
    }

    /// Returns a sandbox within what the permissions of whoever's code it runs leave.
    fn permitted(
        &self,
        reader: &dyn Reader,
        subject: &Subject,
        sandbox: Sandbox,
        mode: Mode,
    ) -> Result<Sandbox, Error> {
        check_subject(reader, sandbox.account, subject)?;
        let swarm = match subject.agent() {
            Some(id) => match reader.agent(sandbox.account, id)? {
                Some(Agent { swarm: Some(id), .. }) => {
                    reader.swarm(sandbox.account, id)?.map(|swarm| swarm.slug)
                }
                Some(Agent { swarm: None, .. }) | None => None,
            },
            None => None,
        };
        let guard = self.editions.guard(reader, sandbox.account, subject, swarm.as_deref())?;
        if guard.revoked {
            let message = format!("the permissions of {subject} were deleted; create new ones first");
            return Err(Error::forbidden("no_policy_found", message));
        }
        let settings = sandbox.settings.within(&guard.permissions, mode)?;
        Ok(Sandbox { settings, ..sandbox })
    }
}
