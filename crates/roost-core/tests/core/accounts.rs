use roost_core::{CreateAgent, Kind, Principal, Settings};
use roost_domain::plan::{BuiltinPlan, Feature, Plans};
use roost_domain::secret::Secret;
use roost_testkit::TestApp;
use serde_json::json;

fn settings(usual: BuiltinPlan) -> Settings {
    Settings { plans: Plans::builtin(usual), ..Settings::default() }
}

fn fourth() -> CreateAgent {
    CreateAgent {
        name: "four".to_owned(),
        description: String::new(),
        model: Some("test/echo".parse().expect("is a model")),
        runtime: roost_domain::agent::RuntimeKind::Roost,
        size: roost_domain::machine::Size::Small,
        region: roost_domain::agent::Region::Eu,
        swarm: None,
        avatar_url: None,
        tags: Vec::new(),
        config: serde_json::Map::new(),
        soul: None,
        identity: None,
        workflow: None,
        secrets: std::collections::BTreeMap::new(),
    }
}

fn owner(app: &TestApp) -> roost_core::Ctx {
    roost_core::Ctx { principal: Principal::Owner(app.account), ..app.ctx() }
}

#[tokio::test]
async fn an_account_has_the_usual_plan_until_its_owner_chooses_another() {
    let app = TestApp::builder().settings(settings(BuiltinPlan::Free)).build().await;
    app.agent(json!({})).await;
    let view = app.core.accounts().get(&app.ctx()).await.unwrap();
    assert_eq!((view.plan.id.as_str(), view.agents, view.running_agents), ("free", 1, 1));
    assert_eq!(view.plan.limits.max_agents, Some(3));
    assert!(!view.plan.includes(Feature::Swarms));

    let key =
        app.core.accounts().set_plan(&app.ctx(), app.account, Some("pro".to_owned())).await.unwrap_err();
    assert_eq!((key.kind(), key.code()), (Kind::Forbidden, "owner_only"));
    let unknown = app.core.accounts().set_plan(&owner(&app), app.account, Some("gold".to_owned())).await;
    assert!(unknown.unwrap_err().public().contains("there are free, pro, enterprise"));

    app.core.accounts().set_plan(&owner(&app), app.account, Some("pro".to_owned())).await.unwrap();
    let view = app.core.accounts().get(&app.ctx()).await.unwrap();
    assert_eq!((view.plan.id.as_str(), view.plan.limits.max_agents), ("pro", Some(10)));
    app.core.accounts().set_plan(&owner(&app), app.account, None).await.unwrap();
    assert_eq!(app.core.accounts().get(&app.ctx()).await.unwrap().plan.id, "free");
}

#[tokio::test]
async fn a_plan_bounds_the_agents_of_an_account() {
    let app = TestApp::builder().settings(settings(BuiltinPlan::Free)).build().await;
    for _ in 0..3 {
        app.agent(json!({})).await;
    }
    let error = app.core.agents().create(&app.ctx(), fourth()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::QuotaExceeded, "too_many_agents"));
    assert!(error.public().contains("may have 3"), "{error}");
    app.core.accounts().set_plan(&owner(&app), app.account, Some("pro".to_owned())).await.unwrap();
    app.core.agents().create(&app.ctx(), fourth()).await.expect("the new plan allows ten");
}

#[tokio::test]
async fn keys_of_an_account_without_api_access_are_refused_and_revoked_ones_look_as_before() {
    let plan = roost_domain::plan::Plan {
        id: "closed".to_owned(),
        features: std::collections::BTreeSet::new(),
        ..BuiltinPlan::Free.plan()
    };
    let plans = Plans::new(vec![plan], "enterprise").unwrap();
    let app = TestApp::builder().settings(Settings { plans, ..Settings::default() }).build().await;
    let key = Secret::new(app.key_text.clone());
    app.core.keys().authenticate(&key).await.expect("it works");
    app.core.accounts().set_plan(&owner(&app), app.account, Some("closed".to_owned())).await.unwrap();
    let error = app.core.keys().authenticate(&key).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Forbidden, "plan_feature_missing"));
    let unknown = app.core.keys().authenticate(&Secret::new("nobody's")).await.unwrap_err();
    assert_eq!(unknown.kind(), Kind::Unauthenticated);
}
