use roost_domain::agent::Agent;
use roost_domain::approval::{Approval, Context, Question, Status, Terms, assess};
use roost_domain::effect::EffectHash;
use roost_domain::event::Journal;
use roost_domain::id::{AccountId, AgentId, ApprovalId, InstalledSkillId};
use roost_domain::key::Scope;
use roost_domain::policy::OnTimeout;
use roost_domain::scan::Finding;
use roost_domain::skill::{InstalledSkill, SkillId, TrustLevel, needs_approval};
use roost_domain::subject::Subject;
use roost_ports::store::{KeptPackage, Reader, Writer};
use serde_json::json;

use super::{AtHand, Skills, installed, own};
use crate::gate::{self, Facts};
use crate::{Core, Ctx, Error, Kind, log};

/// How many skills an agent may have, whatever the plan says.
const MOST: u64 = 200;

/// A skill to be put on an agent.
#[derive(Debug, Clone)]
pub struct InstallSkill {
    /// The agent.
    pub agent: AgentId,
    /// The skill.
    pub skill: SkillId,
    /// Where it comes from.
    pub trust: TrustLevel,
}

/// What to change of a skill on an agent; `None` and `false` leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpdateInstalledSkill {
    /// Whether the agent is to have it.
    pub enabled: Option<bool>,
    /// Whether to take its latest version.
    pub latest: bool,
}

impl Skills<'_> {
    /// Returns the skills on an agent, in the order in which they were installed, all of them.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn installed(&self, ctx: &Ctx, agent: AgentId) -> Result<Vec<InstalledSkill>, Error> {
        ctx.require(Scope::Skills)?;
        let ctx = ctx.clone();
        let read = move |reader: &dyn Reader| {
            own(reader, &ctx, agent)?;
            Ok(reader.installed_skills(agent)?)
        };
        self.0.ports.store.read(read).await
    }

    /// Puts a skill's latest version on an agent, which has it from its next model call on. One whose scan comes to
    /// less than the server's limit waits for an approval first.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent or the skill; `Conflict` with the code `skill_installed`; `QuotaExceeded` with the
    /// code `too_many_skills`; `Unavailable` if the skill's source cannot be asked.
    pub async fn install(&self, ctx: &Ctx, install: InstallSkill) -> Result<InstalledSkill, Error> {
        ctx.require(Scope::Skills)?;
        let InstallSkill { agent: id, skill, trust } = install;
        let (core, caller, wanted) = (self.0.clone(), ctx.clone(), skill.clone());
        let check = move |reader: &dyn Reader| {
            own(reader, &caller, id)?;
            has_room(&core, reader, caller.account(), id, &wanted)
        };
        self.0.ports.store.read(check).await?;
        let at_hand = self.fetch(ctx, &skill, trust).await?;
        let (core, ctx) = (self.0.clone(), ctx.clone());
        let write = move |writer: &mut dyn Writer| {
            let agent = own(writer, &ctx, id)?;
            has_room(&core, writer, ctx.account(), id, &skill)?;
            let fresh = InstalledSkill {
                id: core.ports.random.id::<InstalledSkillId>(ctx.now),
                account: ctx.account(),
                agent: id,
                skill,
                trust,
                title: String::new(),
                description: String::new(),
                version: at_hand.version.clone(),
                package: at_hand.package.hash(),
                score: at_hand.report.score(),
                enabled: true,
                approval: None,
                installed_at: ctx.now,
                updated_at: ctx.now,
            };
            let skill = take(&core, writer, &ctx, &agent, fresh, at_hand)?;
            writer.insert_installed_skill(&skill)?;
            changed(writer, &ctx, id)?;
            Ok::<_, Error>(skill)
        };
        let skill = self.0.ports.store.write(write).await?;
        self.0.hub.tick(id.journal());
        Ok(skill)
    }

    /// Changes a skill on an agent. A latest version whose scan comes to less than the server's limit waits for an
    /// approval, and the skill with it.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent, or if the skill is not on it or no longer at its source; `Unavailable` if that
    /// cannot be asked.
    pub async fn update(
        &self,
        ctx: &Ctx,
        id: AgentId,
        skill: &SkillId,
        change: UpdateInstalledSkill,
    ) -> Result<InstalledSkill, Error> {
        ctx.require(Scope::Skills)?;
        let (caller, wanted) = (ctx.clone(), skill.clone());
        let read = move |reader: &dyn Reader| {
            own(reader, &caller, id)?;
            installed(reader, id, &wanted)?.ok_or_else(|| not_on(id, &wanted))
        };
        let before = self.0.ports.store.read(read).await?;
        let latest = if change.latest { Some(self.fetch(ctx, skill, before.trust).await?) } else { None };
        let (core, ctx, wanted) = (self.0.clone(), ctx.clone(), skill.clone());
        let write = move |writer: &mut dyn Writer| {
            let agent = own(writer, &ctx, id)?;
            let before = installed(writer, id, &wanted)?.ok_or_else(|| not_on(id, &wanted))?;
            let mut after =
                InstalledSkill { enabled: change.enabled.unwrap_or(before.enabled), ..before.clone() };
            if let Some(latest) = latest.filter(|latest| latest.package.hash() != before.package) {
                withdraw(&core, writer, &before, &ctx)?;
                after = InstalledSkill { approval: None, updated_at: ctx.now, ..after };
                after = take(&core, writer, &ctx, &agent, after, latest)?;
            }
            if after != before {
                writer.update_installed_skill(&after)?;
                writer.drop_skill_package(before.package)?;
                changed(writer, &ctx, id)?;
            }
            Ok::<_, Error>(after)
        };
        let after = self.0.ports.store.write(write).await?;
        self.0.hub.tick(id.journal());
        Ok(after)
    }

    /// Takes a skill off an agent. Its files go before the agent's machine is used next.
    ///
    /// # Errors
    ///
    /// `NotFound` for the agent, or if the skill is not on it.
    pub async fn uninstall(&self, ctx: &Ctx, id: AgentId, skill: &SkillId) -> Result<(), Error> {
        ctx.require(Scope::Skills)?;
        let (core, ctx, wanted) = (self.0.clone(), ctx.clone(), skill.clone());
        let write = move |writer: &mut dyn Writer| {
            own(writer, &ctx, id)?;
            let there = installed(writer, id, &wanted)?.ok_or_else(|| not_on(id, &wanted))?;
            withdraw(&core, writer, &there, &ctx)?;
            writer.delete_installed_skill(id, &wanted)?;
            writer.drop_skill_package(there.package)?;
            changed(writer, &ctx, id)
        };
        self.0.ports.store.write(write).await?;
        self.0.hub.tick(id.journal());
        Ok(())
    }
}

fn not_on(agent: AgentId, skill: &SkillId) -> Error {
    Error::not_found("skill", format!("{skill} on the agent {agent}"))
}

fn changed(writer: &mut dyn Writer, ctx: &Ctx, agent: AgentId) -> Result<(), Error> {
    log::journal(writer, agent, ctx.now, Journal::Changed { what: "skills".to_owned() })
}

/// Checks that the agent may have one more skill, and has none of that name.
fn has_room(
    core: &Core,
    reader: &dyn Reader,
    account: AccountId,
    agent: AgentId,
    skill: &SkillId,
) -> Result<(), Error> {
    let there = reader.installed_skills(agent)?;
    if let Some(same) = there.iter().find(|one| one.skill == *skill) {
        let message = format!(
            "the agent has the skill {skill} already, version {} from {}; uninstall it first, or update it",
            same.version,
            same.trust.name()
        );
        return Err(Error::new(Kind::Conflict, "skill_installed", message));
    }
    let plan = core.account_plan(reader, account)?.limits.max_skills_per_agent;
    let most = plan.map_or(MOST, |most| most.min(MOST));
    if there.len() as u64 >= most {
        let message = format!("the agent has {} skills; {most} are as many as it may have", there.len());
        return Err(Error::new(Kind::QuotaExceeded, "too_many_skills", message));
    }
    Ok(())
}

/// Keeps what is at hand and gives it to a skill of an agent, with the approval that it needs.
fn take(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    skill: InstalledSkill,
    at_hand: AtHand,
) -> Result<InstalledSkill, Error> {
    let AtHand { title, version, package, report, warning } = at_hand;
    let skill = InstalledSkill {
        title,
        description: package.about.description.clone(),
        version,
        package: package.hash(),
        score: report.score(),
        ..skill
    };
    let approval = if needs_approval(skill.score, core.settings.skill_approval_below) || warning.is_some() {
        let asked = ask(core, writer, ctx, agent, &skill, &report.findings, warning)?;
        Some((asked, Status::Pending))
    } else {
        None
    };
    let rules = core.ports.scanner.version().to_owned();
    let kept = KeptPackage { about: package.about, manifest: package.manifest, report, rules };
    writer.put_skill_package(&kept, &package.contents, ctx.now)?;
    Ok(InstalledSkill { approval, ..skill })
}

/// Asks a person whether an agent may have a skill.
fn ask(
    core: &Core,
    writer: &mut dyn Writer,
    ctx: &Ctx,
    agent: &Agent,
    skill: &InstalledSkill,
    findings: &[Finding],
    warning: Option<String>,
) -> Result<ApprovalId, Error> {
    const TOOL: &str = "install_skill";
    let facts = Facts::read(core, writer, agent)?;
    // A skill that nobody looked at is not used because time has passed.
    let terms = Terms { on_timeout: OnTimeout::Block, ..facts.terms(facts.settings.approval_ttl) };
    let subject = Subject::hosted(agent.id);
    let shown = |finding: &Finding| {
        let file = finding.file.as_deref().unwrap_or("SKILL.md");
        format!(
            "{} {}, {file} line {}: {}",
            finding.severity, finding.rule, finding.line, finding.description
        )
    };
    let worst: Vec<String> = findings.iter().take(5).map(shown).collect();
    let parameters = json!({
        "skillId": skill.skill.as_str(),
        "trustLevel": skill.trust.name(),
        "version": skill.version.to_string(),
        "sha256": skill.package.to_string(),
        "securityScore": skill.score.get(),
        "findings": worst,
    });
    let limit = core.settings.skill_approval_below;
    let mut reason = if needs_approval(skill.score, limit) {
        format!("Its security score is {} of 100; below {limit} a person has to approve.", skill.score.get())
    } else {
        "Its source warns of it.".to_owned()
    };
    for more in warning.map(|warning| format!("Its source says: {warning}")).into_iter().chain(worst) {
        reason.push_str(&format!(" {more}"));
    }
    let reason: String = reason.chars().take(4_000).collect();
    let approval = Approval {
        id: core.ports.random.id::<ApprovalId>(ctx.now),
        account: ctx.account(),
        waiting: None,
        context: Context::default(),
        question: Question::MayAct,
        tool: TOOL.to_owned(),
        summary: format!("use the skill {} {} from {}", skill.skill, skill.version, skill.trust.name()),
        reason,
        risk: assess(None, TOOL, false, findings.first().map(|worst| worst.severity)),
        effect: EffectHash::of_call(&subject, TOOL, &parameters),
        parameters,
        subject,
        expires_at: ctx.now.checked_add(terms.ttl).unwrap_or(jiff::Timestamp::MAX),
        terms,
        status: Status::Pending,
        requested_at: ctx.now,
        votes: Vec::new(),
        escalated: None,
        decided_at: None,
        decided_by: None,
        note: None,
        executed_at: None,
    };
    gate::insert(core, writer, &approval)?;
    Ok(approval.id)
}

/// Takes back every open question about skills of an agent that goes.
pub(crate) fn withdraw_all(
    core: &Core,
    writer: &mut dyn Writer,
    agent: AgentId,
    ctx: &Ctx,
) -> Result<(), Error> {
    writer.installed_skills(agent)?.iter().try_for_each(|skill| withdraw(core, writer, skill, ctx))
}

/// Takes back the question whether an agent may have a skill, if it is still open.
fn withdraw(core: &Core, writer: &mut dyn Writer, skill: &InstalledSkill, ctx: &Ctx) -> Result<(), Error> {
    let Some((id, Status::Pending)) = skill.approval else { return Ok(()) };
    let Some(approval) = writer.approval(skill.account, id)? else { return Ok(()) };
    let Ok(approval) = approval.withdraw(ctx.now) else { return Ok(()) };
    writer.update_approval(&approval)?;
    let detail = Some("the skill was taken off or changed".to_owned());
    gate::record(writer, &approval, roost_domain::approval::Act::Withdrawn, ctx.who(), detail, ctx.now)?;
    core.announce_approval(writer, "approval.withdrawn", &approval, ctx.now)
}
