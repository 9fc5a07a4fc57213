use roost_core::{
    Ctx, DecideApproval, Error, ForkAgent, InstallSkill, Kind, ListSkills, PutSkill, Settings, SkillContent,
    UpdateInstalledSkill,
};
use roost_domain::event::TurnEvent;
use roost_domain::id::AgentId;
use roost_domain::key::Scope;
use roost_domain::page::Limit;
use roost_domain::plan::{BuiltinPlan, Plans};
use roost_domain::skill::{InstalledSkill, SkillId, Standing, TrustLevel};
use roost_domain::taint::Taint;
use roost_domain::tool::ToolStatus;
use roost_ports::store::{Reader, TurnPhase};
use roost_testkit::{Reply, TestApp};
use serde_json::json;

fn id(text: &str) -> SkillId {
    text.parse().expect("is a name of a skill")
}

/// An application whose catalog has `tidy` 1.0.0 with a script.
async fn start() -> TestApp {
    let app = TestApp::start().await;
    app.skills.stock("tidy", "1.0.0", &[("scripts/run.sh", "echo tidy")]);
    app
}

async fn install(
    app: &TestApp,
    ctx: &Ctx,
    agent: AgentId,
    skill: &str,
    trust: TrustLevel,
) -> Result<InstalledSkill, Error> {
    app.core.skills().install(ctx, InstallSkill { agent, skill: id(skill), trust }).await
}

async fn verified(app: &TestApp, agent: AgentId, skill: &str) -> InstalledSkill {
    install(app, &app.ctx(), agent, skill, TrustLevel::Verified).await.expect("it can be installed")
}

async fn list(app: &TestApp, ctx: &Ctx, change: impl FnOnce(&mut ListSkills)) -> Vec<String> {
    let mut list =
        ListSkills { search: None, category: None, trust: None, skip: 0, limit: Limit::clamped(100, 100) };
    change(&mut list);
    let (skills, _) = app.core.skills().list(ctx, list).await.expect("skills can be listed");
    skills.into_iter().map(|skill| format!("{} {}", skill.id, skill.trust.name())).collect()
}

fn files(files: &[(&str, &str)]) -> PutSkill {
    let file = |(path, content): &(&str, &str)| ((*path).to_owned(), content.as_bytes().to_vec());
    let content = SkillContent::Files {
        files: files.iter().map(file).collect(),
        description: None,
        instructions: None,
    };
    PutSkill { id: None, title: None, content }
}

fn skill_file(name: &str, more: &str) -> String {
    format!("---\nname: {name}\ndescription: Does {name}.\n{more}---\nDo it.\n")
}

async fn put(app: &TestApp, ctx: &Ctx, skill: PutSkill) -> Result<String, Error> {
    let (view, _) = app.core.skills().put(ctx, skill).await?;
    Ok(view.version.expect("a skill that is kept has a version").to_string())
}

async fn decide(app: &TestApp, skill: &InstalledSkill, approve: bool) {
    let (id, _) = skill.approval.expect("it waits for an approval");
    let decision = DecideApproval { id, approve, by: Some("cleo".to_owned()), note: None };
    app.core.approvals().decide(&app.ctx(), decision).await.expect("it can be decided");
}

async fn standing(app: &TestApp, agent: AgentId) -> Vec<Standing> {
    let skills = app.core.skills().installed(&app.ctx(), agent).await.expect("they can be listed");
    skills.iter().map(InstalledSkill::standing).collect()
}

/// Returns what the model was told of its tool calls in a turn.
fn outcomes(events: &[TurnEvent]) -> Vec<(String, ToolStatus)> {
    let outcome = |event: &TurnEvent| {
        if let TurnEvent::ToolFinished { outcome, .. } = event {
            Some((outcome.text.clone(), outcome.status))
        } else {
            None
        }
    };
    events.iter().filter_map(outcome).collect()
}

#[tokio::test]
async fn an_agent_knows_its_skills_reads_them_and_has_their_files() {
    let app = start().await;
    let agent = app.agent(json!({})).await;
    app.talk(agent, "hello").await;
    let before = app.models.asked().pop().expect("the model was asked");
    assert!(!before.system.contains("# Skills") && before.tools.iter().all(|tool| tool.name != "read_skill"));
    let skill = verified(&app, agent, "tidy").await;
    assert_eq!((skill.standing(), skill.score.get()), (Standing::Active, 100));
    let tools = vec![
        ("read_skill", json!({"skill": "tidy"})),
        ("read_skill", json!({"skill": "tidy", "file": "scripts/run.sh"})),
        ("read_skill", json!({"skill": "tidy", "file": "none.md"})),
        ("read_skill", json!({"skill": "other"})),
        ("read_skill", json!({"skill": "tidy", "file": "../../etc/passwd"})),
        ("shell", json!({"command": "sh .skills/tidy/scripts/run.sh"})),
    ];
    app.models.when("tidy up", [Reply::Use("", tools), Reply::Say(vec!["Done."])]);
    let events = app.talk(agent, "tidy up").await;
    let asked = app.models.asked();
    let system = &asked[1].system;
    assert!(system.contains("# Skills\n") && system.contains("- tidy: Does tidy."), "{system}");
    assert!(asked[1].tools.iter().any(|tool| tool.name == "read_skill"));
    let results = outcomes(&events);
    let has = |text: &str| results.iter().any(|(told, _)| told.contains(text));
    assert!(
        has("Do it.\n\n[Its files are in /workspace/.skills/tidy: scripts/run.sh]")
            || has("Do it.\n\n\n[Its files are in /workspace/.skills/tidy: scripts/run.sh]"),
        "{results:#?}"
    );
    assert!(has("echo tidy") && has("has no file none.md") && has("there is no skill other"), "{results:#?}");
    assert!(has("leads out of the skill"), "{results:#?}");
    assert_eq!(app.machines.files_of(agent), [".skills/tidy/SKILL.md", ".skills/tidy/scripts/run.sh"]);
    // The script is there when the command runs, and when the gate looks at it.
    let commands = app.machines.commands();
    assert_eq!(commands.last().map(String::as_str), Some("sh .skills/tidy/scripts/run.sh"), "{commands:?}");
    assert!(
        results.iter().any(|(told, _)| told == "echo tidy"),
        "the stand-in runs what the file says: {results:#?}"
    );
}

#[tokio::test]
async fn files_follow_what_is_installed_and_are_written_once() {
    let app = start().await;
    app.skills.stock("sweep", "1.0.0", &[]);
    let agent = app.agent(json!({})).await;
    let run = async || {
        let go = format!("go {}", app.models.asked().len());
        app.models
            .when(&go, [Reply::Use("", vec![("shell", json!({"command": "ls"}))]), Reply::Say(vec!["."])]);
        app.talk(agent, &go).await;
        app.machines.files_of(agent)
    };
    assert!(run().await.is_empty());
    assert_eq!(app.machines.commands(), ["ls"], "an agent without skills costs nothing");
    verified(&app, agent, "tidy").await;
    verified(&app, agent, "sweep").await;
    assert_eq!(run().await.len(), 3);
    let count = app.machines.commands().len();
    run().await;
    assert_eq!(app.machines.commands().len(), count + 1, "nothing is written again");
    let off = UpdateInstalledSkill { enabled: Some(false), latest: false };
    app.core.skills().update(&app.ctx(), agent, &id("sweep"), off).await.expect("it can be turned off");
    assert_eq!(run().await, [".skills/tidy/SKILL.md", ".skills/tidy/scripts/run.sh"]);
    app.core.skills().uninstall(&app.ctx(), agent, &id("tidy")).await.expect("it can be uninstalled");
    assert!(run().await.is_empty());
}

#[tokio::test]
async fn a_skill_is_on_an_agent_once_and_agents_have_only_so_many() {
    let mut plan = BuiltinPlan::Enterprise.plan();
    plan.limits.max_skills_per_agent = Some(2);
    let settings = Settings {
        plans: Plans::new(vec![plan], "enterprise").expect("it is among them"),
        ..Settings::default()
    };
    let app = TestApp::builder().settings(settings).build().await;
    for name in ["a", "b", "c"] {
        app.skills.stock(name, "1.0.0", &[]);
    }
    app.skills.publish("a", "9.0.0", &[], None);
    let agent = app.agent(json!({})).await;
    verified(&app, agent, "a").await;
    for trust in [TrustLevel::Verified, TrustLevel::Community] {
        let again = install(&app, &app.ctx(), agent, "a", trust).await.expect_err("it is there");
        assert_eq!((again.kind(), again.code()), (Kind::Conflict, "skill_installed"), "{}", trust.name());
    }
    verified(&app, agent, "b").await;
    let third = install(&app, &app.ctx(), agent, "c", TrustLevel::Verified).await.expect_err("it is full");
    assert_eq!((third.kind(), third.code()), (Kind::QuotaExceeded, "too_many_skills"));
    let none =
        install(&app, &app.ctx(), agent, "z", TrustLevel::Verified).await.expect_err("room comes first");
    assert_eq!(none.code(), "too_many_skills");
    app.core.skills().uninstall(&app.ctx(), agent, &id("b")).await.expect("it is there");
    let none = install(&app, &app.ctx(), agent, "z", TrustLevel::Verified).await.expect_err("there is none");
    assert_eq!(none.kind(), Kind::NotFound);
    let gone = app.core.skills().uninstall(&app.ctx(), agent, &id("b")).await.expect_err("it is gone");
    assert_eq!(gone.kind(), Kind::NotFound);
}

#[tokio::test]
async fn a_skill_with_a_low_score_waits_for_a_person() {
    let app = start().await;
    app.skills.stock("shady", "1.0.0", &[("run.sh", "FINDS CRITICAL\nFINDS HIGH\n")]);
    let agent = app.agent(json!({})).await;
    let shady = verified(&app, agent, "shady").await;
    assert_eq!((shady.score.get(), shady.standing()), (60, Standing::Pending));
    let (approval, _) = shady.approval.expect("it waits");
    let asked = app.core.approvals().get(&app.ctx(), approval).await.expect("it is there");
    assert!(asked.summary.contains("use the skill shady 1.0.0 from verified"), "{}", asked.summary);
    assert!(asked.reason.contains("60 of 100") && asked.reason.contains("run.sh line 1"), "{}", asked.reason);
    let ask = ("read_skill", json!({"skill": "shady"}));
    app.models.when("read", [Reply::Use("", vec![ask]), Reply::Say(vec!["."])]);
    let told = outcomes(&app.talk(agent, "read").await);
    assert!(told[0].0.contains("waits for a person"), "{told:?}");
    assert!(!app.models.asked()[0].system.contains("shady"), "it is in no index");
    decide(&app, &shady, true).await;
    assert_eq!(standing(&app, agent).await, [Standing::Active]);
    app.talk(agent, "hello").await;
    assert!(app.models.asked().last().expect("it was asked").system.contains("- shady: "));
    let other = app.agent(json!({})).await;
    let again = verified(&app, other, "shady").await;
    decide(&app, &again, false).await;
    assert_eq!(standing(&app, other).await, [Standing::Refused]);
    let on = UpdateInstalledSkill { enabled: Some(true), latest: false };
    let still = app.core.skills().update(&app.ctx(), other, &id("shady"), on).await.expect("it is there");
    assert_eq!(still.standing(), Standing::Refused, "turning it on does not replace the approval");
}

#[tokio::test]
async fn uninstalling_takes_the_question_back() {
    let app = start().await;
    app.skills.stock("shady", "1.0.0", &[("run.sh", "FINDS CRITICAL\nFINDS CRITICAL\n")]);
    let agent = app.agent(json!({})).await;
    let shady = verified(&app, agent, "shady").await;
    app.core.skills().uninstall(&app.ctx(), agent, &id("shady")).await.expect("it is there");
    let (approval, _) = shady.approval.expect("it waited");
    let asked = app.core.approvals().get(&app.ctx(), approval).await.expect("it is in the record");
    assert_eq!(asked.status.name(), "withdrawn");
}

#[tokio::test]
async fn deleting_an_agent_takes_its_questions_back() {
    let app = start().await;
    app.skills.stock("shady", "1.0.0", &[("run.sh", "FINDS CRITICAL\nFINDS CRITICAL\n")]);
    let agent = app.agent(json!({})).await;
    let (approval, _) = verified(&app, agent, "shady").await.approval.expect("it waits");
    app.core.agents().delete(&app.ctx(), agent).await.expect("it can be deleted");
    let asked = app.core.approvals().get(&app.ctx(), approval).await.expect("it is in the record");
    assert_eq!(asked.status.name(), "withdrawn");
}

#[tokio::test]
async fn after_a_restart_the_files_are_written_anew() {
    let app = start().await;
    let agent = app.agent(json!({})).await;
    verified(&app, agent, "tidy").await;
    let run = async |go: &'static str| {
        app.models
            .when(go, [Reply::Use("", vec![("shell", json!({"command": "ls"}))]), Reply::Say(vec!["."])]);
        app.talk(agent, go).await;
        app.machines.commands().len()
    };
    let first = run("one").await;
    assert_eq!(run("two").await, first + 1);
    app.clock.advance(std::time::Duration::from_secs(1));
    app.core.agents().restart(&app.ctx(), agent).await.expect("it can be restarted");
    assert_eq!(run("three").await, first + 1 + first, "as at the first time");
}

#[tokio::test]
async fn an_update_is_scanned_like_a_new_skill() {
    let app = start().await;
    let agent = app.agent(json!({})).await;
    verified(&app, agent, "tidy").await;
    let latest = UpdateInstalledSkill { enabled: None, latest: true };
    let update =
        async || app.core.skills().update(&app.ctx(), agent, &id("tidy"), latest).await.expect("it is there");
    assert_eq!(update().await.version.to_string(), "1.0.0", "there is nothing newer");
    app.skills.stock("tidy", "1.1.0", &[("scripts/run.sh", "FINDS CRITICAL\nFINDS CRITICAL")]);
    assert_eq!(standing(&app, agent).await, [Standing::Active], "nothing changes by itself");
    let worse = update().await;
    assert_eq!((worse.version.to_string().as_str(), worse.standing()), ("1.1.0", Standing::Pending));
    app.skills.stock("tidy", "1.2.0", &[("scripts/run.sh", "echo better")]);
    let better = update().await;
    assert_eq!((better.version.to_string().as_str(), better.standing()), ("1.2.0", Standing::Active));
    let (approval, _) = worse.approval.expect("it waited");
    let asked = app.core.approvals().get(&app.ctx(), approval).await.expect("it is in the record");
    assert_eq!(asked.status.name(), "withdrawn");
}

#[tokio::test]
async fn the_public_registry_is_asked_only_where_it_is_meant() {
    let app = start().await;
    app.skills.publish("gifgrep", "1.2.3", &[], None);
    app.skills.publish("shady", "1.0.0", &[], Some("Runs what it is sent"));
    let agent = app.agent(json!({})).await;
    assert_eq!(list(&app, &app.ctx(), |_| {}).await, ["tidy verified"]);
    let ctx = app.ctx();
    let found = list(&app, &ctx, |list| {
        list.trust = Some(TrustLevel::Community);
        list.search = Some("gif".to_owned());
    });
    assert_eq!(found.await, ["gifgrep clawhub"]);
    let skill =
        install(&app, &app.ctx(), agent, "gifgrep", TrustLevel::Community).await.expect("it is there");
    assert_eq!((skill.version.to_string().as_str(), skill.standing()), ("1.2.3", Standing::Active));
    let warned = install(&app, &app.ctx(), agent, "shady", TrustLevel::Community).await.expect("it is there");
    assert_eq!(warned.standing(), Standing::Pending, "the registry's warning is enough");
    app.skills.take_down();
    let down =
        install(&app, &app.ctx(), agent, "other", TrustLevel::Community).await.expect_err("it is down");
    assert_eq!((down.kind(), down.code()), (Kind::Unavailable, "skill_registry_unavailable"));
    assert_eq!(list(&app, &app.ctx(), |_| {}).await, ["tidy verified"], "the rest goes on");
}

#[tokio::test]
async fn an_account_makes_skills_of_its_own_in_versions() {
    let app = start().await;
    let ctx = app.ctx();
    assert_eq!(
        put(&app, &ctx, files(&[("SKILL.md", &skill_file("mine", ""))])).await.expect("it is one"),
        "1.0.0"
    );
    let same = files(&[("SKILL.md", &skill_file("mine", ""))]);
    assert_eq!(put(&app, &ctx, same).await.expect("it is one"), "1.0.0", "the same again changes nothing");
    let second = files(&[("SKILL.md", &skill_file("mine", "")), ("a.md", "more")]);
    assert_eq!(put(&app, &ctx, second).await.expect("it is one"), "1.0.1");
    let third = files(&[("SKILL.md", &skill_file("mine", "version: 2.0\n"))]);
    assert_eq!(put(&app, &ctx, third).await.expect("it is one"), "2.0.0");
    let back = files(&[("SKILL.md", &skill_file("mine", "version: 1.5\n"))]);
    let back = put(&app, &ctx, back).await.expect_err("it goes back");
    assert_eq!((back.kind(), back.code()), (Kind::Conflict, "skill_version_exists"));
    assert_eq!(list(&app, &ctx, |_| {}).await, ["mine custom", "tidy verified"]);
    let agent = app.agent(json!({})).await;
    let on = install(&app, &ctx, agent, "mine", TrustLevel::Custom).await.expect("it is there");
    assert_eq!(on.version.to_string(), "2.0.0");
    app.core.skills().delete(&ctx, &id("mine")).await.expect("it is there");
    assert_eq!(list(&app, &ctx, |_| {}).await, ["tidy verified"]);
    app.models.when(
        "read",
        [Reply::Use("", vec![("read_skill", json!({"skill": "mine"}))]), Reply::Say(vec!["."])],
    );
    let told = outcomes(&app.talk(agent, "read").await);
    assert_eq!(told[0].1, ToolStatus::Done, "the agent keeps what it has: {told:?}");
    let gone = install(&app, &ctx, app.agent(json!({})).await, "mine", TrustLevel::Custom).await;
    assert_eq!(gone.expect_err("it is gone").kind(), Kind::NotFound);
}

#[tokio::test]
async fn a_skill_can_be_made_of_words_alone() {
    let app = start().await;
    let content = SkillContent::Files {
        files: vec![("scripts/a.sh".to_owned(), b"true".to_vec())],
        description: Some("Writes release notes.".to_owned()),
        instructions: Some("Write them.".to_owned()),
    };
    let new = PutSkill { id: None, title: Some("Release Notes".to_owned()), content: content.clone() };
    let (view, is_new) = app.core.skills().put(&app.ctx(), new).await.expect("it is one");
    assert_eq!(
        (view.id.as_str(), view.listing.title.as_str(), is_new),
        ("release-notes", "Release Notes", true)
    );
    for (put, word) in [
        (PutSkill { id: None, title: None, content: content.clone() }, "name"),
        (PutSkill { id: None, title: Some("日本".to_owned()), content: content.clone() }, "name"),
        (files(&[("a.md", "x")]), "name"),
        (files(&[("SKILL.md", "nothing"), ("x", "")]), "name"),
        (
            PutSkill { id: Some(id("other")), ..files(&[("SKILL.md", &skill_file("mine", ""))]) },
            "must be the name",
        ),
    ] {
        let error = app.core.skills().put(&app.ctx(), put).await.expect_err(word);
        assert_eq!(error.kind(), Kind::InvalidInput, "{error}");
        assert!(error.public().contains(word), "{error}");
    }
}

#[tokio::test]
async fn a_skill_of_ones_own_takes_no_name_of_the_catalog() {
    let app = start().await;
    let taken = put(&app, &app.ctx(), files(&[("SKILL.md", &skill_file("tidy", ""))])).await;
    let taken = taken.expect_err("the catalog has it");
    assert_eq!((taken.kind(), taken.code()), (Kind::Conflict, "skill_id_taken"));
    // One that was there first stays, and each is what it says to be.
    put(&app, &app.ctx(), files(&[("SKILL.md", &skill_file("later", "")), ("own.md", "")]))
        .await
        .expect("it is free");
    app.skills.stock("later", "3.0.0", &[]);
    let skills = app.core.skills();
    let found = skills.get(&app.ctx(), &id("later"), None).await.expect("it is there");
    assert_eq!(found.trust, TrustLevel::Verified);
    let own = skills.get(&app.ctx(), &id("later"), Some(TrustLevel::Custom)).await.expect("it is there");
    assert_eq!(own.content.expect("it is kept").1.files().len(), 2);
    let agent = app.agent(json!({})).await;
    assert_eq!(verified(&app, agent, "later").await.version.to_string(), "3.0.0");
}

#[tokio::test]
async fn nobody_reaches_anothers_skills_or_agents() {
    let app = start().await;
    put(&app, &app.ctx(), files(&[("SKILL.md", &skill_file("mine", ""))])).await.expect("it is one");
    let agent = app.agent(json!({})).await;
    verified(&app, agent, "tidy").await;
    let stranger = app.stranger().await;
    let skills = app.core.skills();
    assert_eq!(list(&app, &stranger, |_| {}).await, ["tidy verified"]);
    let not_found = |error: Error| assert_eq!(error.kind(), Kind::NotFound, "{error}");
    not_found(skills.get(&stranger, &id("mine"), None).await.expect_err("it is another's"));
    not_found(skills.delete(&stranger, &id("mine")).await.expect_err("it is another's"));
    not_found(skills.installed(&stranger, agent).await.expect_err("it is another's"));
    not_found(skills.uninstall(&stranger, agent, &id("tidy")).await.expect_err("it is another's"));
    not_found(
        install(&app, &stranger, agent, "tidy", TrustLevel::Verified).await.expect_err("it is another's"),
    );
    let path = "SKILL.md".parse().expect("is a path");
    not_found(skills.file(&stranger, &id("mine"), None, &path).await.expect_err("it is another's"));
    let more = files(&[("SKILL.md", &skill_file("mine", "")), ("x", "")]);
    not_found(skills.replace(&stranger, id("mine"), more.clone()).await.expect_err("it is another's"));
    // The same name is free for everybody.
    assert_eq!(put(&app, &stranger, more).await.expect("it is free"), "1.0.0");
    let own = skills.file(&app.ctx(), &id("mine"), None, &path).await.expect("it is one's own");
    assert_eq!(own, skill_file("mine", "").into_bytes());
    let lacking = app.ctx_with(&[Scope::AgentsWrite, Scope::Chat]);
    let denied = skills.installed(&lacking, agent).await.expect_err("the scope is missing");
    assert_eq!(denied.code(), "missing_scope");
}

#[tokio::test]
async fn lists_are_searched_filtered_and_paged() {
    let app = TestApp::start().await;
    for name in ["alpha", "beta", "gamma"] {
        app.skills.stock(name, "1.0.0", &[]);
    }
    app.skills.stock(
        "delta",
        "1.0.0",
        &[("SKILL.md", "---\nname: delta\ndescription: Finds the ALPHA.\ncategory: odd\n---\n")],
    );
    let ctx = app.ctx();
    assert_eq!(
        list(&app, &ctx, |list| list.search = Some("Alpha".to_owned())).await,
        ["alpha verified", "delta verified"]
    );
    assert_eq!(list(&app, &ctx, |list| list.search = Some("the alpha".to_owned())).await, ["delta verified"]);
    assert_eq!(list(&app, &ctx, |list| list.category = Some("ODD".to_owned())).await, ["delta verified"]);
    let page =
        ListSkills { search: None, category: None, trust: None, skip: 2, limit: Limit::clamped(1, 100) };
    let (skills, total) = app.core.skills().list(&ctx, page).await.expect("they can be listed");
    assert_eq!((skills[0].id.as_str(), skills.len(), total), ("delta", 1, 4));
    let agent = app.agent(json!({})).await;
    verified(&app, agent, "beta").await;
    app.core.skills().uninstall(&ctx, agent, &id("beta")).await.expect("it is there");
    verified(&app, agent, "beta").await;
    let beta = app.core.skills().get(&ctx, &id("beta"), None).await.expect("it is there");
    assert_eq!(beta.installs, 2);
}

/// Has a model read a skill, and returns what the session is marked with and what the model was told.
async fn read(app: &TestApp, agent: AgentId, file: &str) -> (Option<Taint>, String) {
    let go = format!("read {}", app.models.asked().len());
    let call = ("read_skill", json!({"skill": "notes", "file": file}));
    app.models.when(&go, [Reply::Use("", vec![call]), Reply::Say(vec!["."])]);
    let said = app.post(agent, &go).await;
    app.until_phase(said.turn, TurnPhase::Ended).await;
    let session = said.session;
    let look = move |reader: &dyn Reader| reader.session_taint(session);
    let taint = app.store.read::<_, roost_ports::store::Error>(look).await.expect("can be read");
    let last = app.models.asked().pop().expect("the model was asked again").messages.pop();
    (taint, format!("{last:?}"))
}

#[tokio::test]
async fn what_strangers_wrote_in_a_skill_marks_the_session() {
    let app = start().await;
    app.skills.stock("notes", "1.0.0", &[]);
    app.skills.publish("notes", "1.0.0", &[], None);
    let (ours, theirs) = (app.agent(json!({})).await, app.agent(json!({})).await);
    verified(&app, ours, "notes").await;
    install(&app, &app.ctx(), theirs, "notes", TrustLevel::Community).await.expect("it is there");
    let (taint, told) = read(&app, ours, "SKILL.md").await;
    assert!(taint.is_none() && told.contains("Do it."), "{taint:?} {told}");
    let (taint, told) = read(&app, theirs, "none.md").await;
    assert!(taint.is_none() && told.contains("has no file"), "nothing was read: {taint:?} {told}");
    let (taint, told) = read(&app, theirs, "SKILL.md").await;
    assert!(taint == Some(Taint::Web) && told.contains("Do it."), "{taint:?} {told}");
}

#[tokio::test]
async fn a_fork_has_the_skills_of_its_parent_but_those_that_nobody_approved() {
    let app = start().await;
    app.skills.stock("off", "1.0.0", &[]);
    for name in ["waits", "approved", "refused"] {
        app.skills.stock(name, "1.0.0", &[("run.sh", "FINDS CRITICAL\nFINDS CRITICAL\n")]);
    }
    let parent = app.agent(json!({})).await;
    for name in ["tidy", "off", "waits"] {
        verified(&app, parent, name).await;
    }
    decide(&app, &verified(&app, parent, "approved").await, true).await;
    decide(&app, &verified(&app, parent, "refused").await, false).await;
    let off = UpdateInstalledSkill { enabled: Some(false), latest: false };
    app.core.skills().update(&app.ctx(), parent, &id("off"), off).await.expect("it can be turned off");
    let run = async |agent, go: &'static str| {
        let shell = ("shell", json!({"command": "sh .skills/tidy/scripts/run.sh"}));
        app.models.when(go, [Reply::Use("", vec![shell]), Reply::Say(vec!["."])]);
        app.talk(agent, go).await
    };
    run(parent, "one").await;
    // The fork has the parent's files, which somebody has been at.
    app.machines.write_into(parent, ".skills/tidy/scripts/run.sh", "echo other");
    let wanted = ForkAgent { parent, snapshot: None, name: None };
    let fork = app.core.snapshots().fork(&app.ctx(), wanted).await.expect("can be forked").view.agent.id;
    let on = |skills: Vec<InstalledSkill>| -> Vec<(String, Standing)> {
        skills.iter().map(|one| (one.skill.to_string(), one.standing())).collect()
    };
    let (parents, forks) = (
        app.core.skills().installed(&app.ctx(), parent).await.expect("they can be listed"),
        app.core.skills().installed(&app.ctx(), fork).await.expect("they can be listed"),
    );
    assert!(forks.iter().all(|one| one.agent == fork && parents.iter().all(|other| other.id != one.id)));
    let mut on = on(forks);
    on.sort_by(|one, other| one.0.cmp(&other.0));
    let has = |name: &str, standing| (name.to_owned(), standing);
    let wanted =
        [has("approved", Standing::Active), has("off", Standing::Disabled), has("tidy", Standing::Active)];
    assert_eq!(on, wanted);
    let told = outcomes(&run(fork, "two").await);
    let system = app.models.asked().pop().expect("the model was asked").system;
    assert!(system.contains("- tidy: Does tidy.") && system.contains("- approved: "), "{system}");
    assert!(!system.contains("- waits: ") && !system.contains("- off: "), "{system}");
    assert_eq!(told[0].0, "echo tidy", "its files were written anew");
    // The two live apart, and what both have stays when one lets go of it.
    app.core.agents().delete(&app.ctx(), parent).await.expect("can be deleted");
    app.clock.advance(std::time::Duration::from_secs(1));
    app.core.agents().restart(&app.ctx(), fork).await.expect("it can be restarted");
    assert_eq!(outcomes(&run(fork, "three").await)[0].0, "echo tidy");
    assert_eq!(standing(&app, fork).await.len(), 3);
}

#[tokio::test]
async fn going_back_to_a_snapshot_brings_back_no_skill() {
    let app = start().await;
    let agent = app.agent(json!({})).await;
    verified(&app, agent, "tidy").await;
    let run = async |go: &'static str| {
        app.models
            .when(go, [Reply::Use("", vec![("shell", json!({"command": "ls"}))]), Reply::Say(vec!["."])]);
        app.talk(agent, go).await;
        app.machines.files_of(agent).len()
    };
    assert_eq!(run("one").await, 2);
    let snapshot = app.core.snapshots().take(&app.ctx(), agent, None).await.expect("can be taken");
    app.core.skills().uninstall(&app.ctx(), agent, &id("tidy")).await.expect("it is there");
    assert_eq!(run("two").await, 0);
    app.core.snapshots().restore(&app.ctx(), agent, snapshot.id).await.expect("can be restored");
    assert_eq!(app.machines.files_of(agent).len(), 2, "they were in the snapshot");
    assert_eq!(run("three").await, 0);
}
