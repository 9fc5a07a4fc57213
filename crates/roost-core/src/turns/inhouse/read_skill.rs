//! `read_skill`: reads the instructions of a skill, or one of its files.

use async_trait::async_trait;
use roost_domain::agent::Agent;
use roost_domain::effect::Action;
use roost_domain::gate::Permit;
use roost_domain::skill::{FOLDER, InstalledSkill, SKILL_FILE, SkillId, SkillPath, Standing, TrustLevel};
use roost_domain::taint::Taint;
use roost_domain::tool::{ToolCall, ToolSpec};
use roost_ports::store::Reader;
use roost_ports::tool::{BadCall, Plan};
use serde_json::json;

use super::arguments::Arguments;
use super::{InhouseTool, Told, Work, done, failed};
use crate::{Core, Error};

/// How much of a file is told at once, in bytes.
const MOST_BYTES: usize = 60_000;

/// The tool.
pub(super) struct ReadSkill;

const NAME: &str = "read_skill";

struct Call {
    skill: SkillId,
    file: SkillPath,
}

fn read(call: &ToolCall) -> Result<Call, BadCall> {
    let arguments = Arguments::of(call, &["skill", "file"])?;
    let bad = |error: &dyn std::fmt::Display| BadCall(format!("{NAME}: {error}"));
    Ok(Call {
        skill: arguments.text("skill", 64)?.parse().map_err(|error| bad(&error))?,
        file: arguments
            .text_if_any("file", 200)?
            .unwrap_or(SKILL_FILE)
            .parse()
            .map_err(|error| bad(&error))?,
    })
}

#[async_trait]
impl InhouseTool for ReadSkill {
    fn name(&self) -> &'static str {
        NAME
    }

    fn offer(
        &self,
        _core: &Core,
        reader: &dyn Reader,
        _work: &Work,
        agent: &Agent,
    ) -> Result<Option<ToolSpec>, Error> {
        let has_any = reader.installed_skills(agent.id)?.iter().any(InstalledSkill::is_active);
        Ok(has_any.then(|| ToolSpec {
            name: NAME.to_owned(),
            description: "Reads one of your skills: its instructions, or another of its files. Read a skill before \
                          you do what it is for."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "skill": {"type": "string", "description": "The skill's name, as your instructions list it."},
                    "file": {"type": "string", "description": "A file of the skill, such as references/style.md; \
                                                               without it, its instructions."},
                },
                "required": ["skill"],
            }),
            idempotent: true,
        }))
    }

    fn plan(&self, call: &ToolCall) -> Result<Plan, BadCall> {
        let Call { skill, file: _ } = read(call)?;
        Ok(Plan::Act { action: Action::ReadSkill { skill: skill.to_string() }, idempotent: true })
    }

    async fn run(&self, core: &Core, permit: &Permit, _work: &Work, call: &ToolCall) -> Told {
        let Call { skill, file } = match read(call) {
            Ok(call) => call,
            Err(BadCall(problem)) => return failed(problem),
        };
        if *permit.action() != (Action::ReadSkill { skill: skill.to_string() }) {
            return failed("the permit was given for another act; nothing was done");
        }
        let agent = permit.agent();
        let look = move |reader: &dyn Reader| told(reader, agent, &skill, &file);
        match core.ports.store.read(look).await {
            Ok(Ok((text, trust))) => Told { brings: brings(trust), ..done(text) },
            Ok(Err(problem)) => failed(problem),
            Err(error) => failed(error.to_string()),
        }
    }
}

/// Strangers wrote what comes from the public registry; the other skills are the owner's and the account's.
const fn brings(trust: TrustLevel) -> Option<Taint> {
    match trust {
        TrustLevel::Community => Some(Taint::Web),
        TrustLevel::Verified | TrustLevel::Custom => None,
    }
}

/// Returns what the model is told and where the skill is from, or why it is told nothing.
fn told(
    reader: &dyn Reader,
    agent: roost_domain::id::AgentId,
    skill: &SkillId,
    file: &SkillPath,
) -> Result<Result<(String, TrustLevel), String>, Error> {
    let all = reader.installed_skills(agent)?;
    let Some(one) = all.iter().find(|one| one.skill == *skill) else {
        let names: Vec<&str> =
            all.iter().filter(|one| one.is_active()).map(|one| one.skill.as_str()).collect();
        return Ok(Err(format!("there is no skill {skill} here; there are {}", names.join(", "))));
    };
    match one.standing() {
        Standing::Active => {}
        Standing::Disabled => return Ok(Err(format!("the skill {skill} is turned off"))),
        Standing::Pending => return Ok(Err(format!("the skill {skill} waits for a person to approve it"))),
        Standing::Refused => return Ok(Err(format!("nobody approved the skill {skill}"))),
    }
    let Some(content) = reader.skill_file(one.package, file)? else {
        return Ok(Err(format!("the skill {skill} has no file {file}")));
    };
    let Ok(text) = String::from_utf8(content) else {
        return Ok(Err(format!("{file} is no text; it is in /workspace/{FOLDER}/{skill}/{file}")));
    };
    let mut text = cut(text, file, skill);
    if file.is_skill_file() {
        let package = reader.skill_package(one.package)?;
        let files = package.iter().flat_map(|package| package.manifest.files());
        let names: Vec<&str> =
            files.map(|file| file.path.as_str()).filter(|path| *path != SKILL_FILE).collect();
        if !names.is_empty() {
            text.push_str(&format!(
                "\n\n[Its files are in /workspace/{FOLDER}/{skill}: {}]",
                names.join(", ")
            ));
        }
    }
    Ok(Ok((text, one.trust)))
}

fn cut(mut text: String, file: &SkillPath, skill: &SkillId) -> String {
    if text.len() > MOST_BYTES {
        let mut end = MOST_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(&format!(
            "\n[The rest is left out; all of it is in /workspace/{FOLDER}/{skill}/{file}]"
        ));
    }
    text
}
