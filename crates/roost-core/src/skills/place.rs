//! Skills in machines: their files are put there before anything looks into the machine.

use std::time::Duration;

use roost_domain::effect::Action;
use roost_domain::gate::{Equip, Permit, equip};
use roost_domain::id::AgentId;
use roost_domain::skill::{InstalledSkill, PackageHash, Placement, SkillPath};
use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, ExitStatus, Machine, Spec};
use roost_ports::store::{Reader, Writer};
use tokio::sync::Mutex;

use crate::error::with_causes;
use crate::{Core, Error};

/// Holds those back who would put skills into one machine at the same time. Agents share the places, which only costs
/// time.
#[derive(Default)]
pub(crate) struct Places([Mutex<()>; 16]);

impl Places {
    fn of(&self, agent: AgentId) -> &Mutex<()> {
        let last = agent.uuid().as_bytes()[15];
        &self.0[usize::from(last) % self.0.len()]
    }
}

/// What is to be in a machine, and what is.
struct Due {
    skills: Vec<InstalledSkill>,
    wanted: Option<Placement>,
}

impl Core {
    /// Puts the files of an agent's skills into its machine, which is up, where others or none are there. What goes
    /// wrong is told to the log: the agent can still read its skills, and its machine is no worse than before.
    pub(crate) async fn equip(&self, spec: &Spec) -> Result<(), Error> {
        if self.placing_due(spec.agent).await?.is_none() {
            return Ok(());
        }
        let _alone = self.skill_places.of(spec.agent).lock().await;
        let Some(due) = self.placing_due(spec.agent).await? else { return Ok(()) };
        match self.place(spec, &due.skills).await {
            Ok(()) => {
                let agent = spec.agent;
                let write = move |writer: &mut dyn Writer| Ok(writer.place_skills(agent, due.wanted)?);
                self.ports.store.write::<_, Error>(write).await
            }
            Err(problem) => {
                tracing::warn!(agent = %spec.agent, problem, "skills cannot be put into a machine");
                Ok(())
            }
        }
    }

    async fn placing_due(&self, agent: AgentId) -> Result<Option<Due>, Error> {
        let read = move |reader: &dyn Reader| {
            let mut skills = reader.installed_skills(agent)?;
            skills.retain(InstalledSkill::is_active);
            let wanted = (!skills.is_empty()).then(|| Placement::of(&skills));
            let placed = reader.placed_skills(agent)?;
            Ok::<_, Error>((placed != wanted).then_some(Due { skills, wanted }))
        };
        self.ports.store.read(read).await
    }

    async fn place(&self, spec: &Spec, skills: &[InstalledSkill]) -> Result<(), String> {
        let clear = equip(spec.agent, Equip::Clear);
        let opened = self.ports.machines.open(&clear, spec).await;
        let machine = opened.map_err(|error| with_causes(&error))?;
        run(&*machine, &clear).await?;
        if skills.is_empty() {
            return Ok(());
        }
        for skill in skills {
            let files = self.files(skill.package).await.map_err(|error| with_causes(&error))?;
            for (path, content) in files {
                let permit = equip(spec.agent, Equip::File(&skill.skill, &path));
                let Action::WriteFile { path } = permit.action() else { continue };
                let path = path.clone();
                machine.write(&permit, &path, &content).await.map_err(|error| with_causes(&error))?;
            }
        }
        run(&*machine, &equip(spec.agent, Equip::Seal)).await
    }

    async fn files(&self, package: PackageHash) -> Result<Vec<(SkillPath, Vec<u8>)>, Error> {
        let read = move |reader: &dyn Reader| Ok::<_, Error>(super::whole(reader, package)?.0.contents);
        self.ports.store.read(read).await
    }
}

/// Runs the command that a permit is for, and nothing else.
async fn run(machine: &dyn Machine, permit: &Permit) -> Result<(), String> {
    let Action::RunCommand { command } = permit.action() else { return Ok(()) };
    let command =
        Command { line: command.clone(), timeout: Duration::from_secs(30), output_cap: Bytes(2_000) };
    let mut told = Vec::new();
    let mut output = |piece: roost_ports::machine::Output<'_>| {
        let (roost_ports::machine::Output::Stdout(bytes) | roost_ports::machine::Output::Stderr(bytes)) =
            piece;
        told.extend_from_slice(bytes);
    };
    let exit = machine.exec(permit, command, &mut output).await.map_err(|error| with_causes(&error))?;
    match exit.status {
        ExitStatus::Code(0) => Ok(()),
        status @ (ExitStatus::Code(_)
        | ExitStatus::Signal(_)
        | ExitStatus::TimedOut
        | ExitStatus::OutOfMemory) => Err(format!("{status:?}: {}", String::from_utf8_lossy(&told))),
    }
}
