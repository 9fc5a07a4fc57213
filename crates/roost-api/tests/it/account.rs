use axum::http::Method;
use roost_core::{Ctx, Principal, Settings};
use roost_domain::key::{Scope, Style};
use roost_domain::plan::{BuiltinPlan, Plans};
use roost_testkit::TestApp;
use serde_json::{Value, json};

use crate::support::{Api, generous, request};

async fn under(plan: BuiltinPlan) -> Api {
    let settings = Settings { plans: Plans::builtin(plan), ..Settings::default() };
    Api::over(TestApp::builder().settings(settings).build().await, generous())
}

#[tokio::test]
async fn any_key_sees_its_account_with_plan_and_usage() {
    let api = under(BuiltinPlan::Pro).await;
    let ids = [api.app.agent(json!({})).await, api.app.agent(json!({})).await];
    api.app.core.agents().stop(&api.app.ctx(), ids[0]).await.unwrap();
    let key = api.key(Style::Agento, &[Scope::Chat]).await;
    let account = api.send(request(Method::GET, "/v1/account", Some(&key), None)).await.data();
    assert_eq!(account["id"], api.app.account.to_string());
    assert_eq!(account["name"], "Test");
    let plan = json!({
        "id": "pro", "name": "Pro", "status": "active",
        "limits": {"maxAgents": 10, "maxSkillsPerAgent": 20, "directModelUsd": null},
        "features": {"api_access": true, "swarms": true},
    });
    assert_eq!(account["plan"], plan);
    assert_eq!(account["usage"], json!({"agents": 2, "runningAgents": 1}));
}

#[tokio::test]
async fn what_a_plan_does_not_allow_is_refused_until_the_plan_is_changed() {
    let api = under(BuiltinPlan::Free).await;
    let swarm = json!({"name": "Growth"});
    api.post("/v1/swarms", swarm.clone()).await.is_error(403, "authorization_error", "plan_feature_missing");
    for name in ["a", "b", "c"] {
        api.post("/v1/agents", json!({"name": name, "model": "test/echo"})).await.is(201);
    }
    let fourth = json!({"name": "d", "model": "test/echo"});
    api.post("/v1/agents", fourth.clone()).await.is_error(403, "authorization_error", "too_many_agents");
    let owner = Ctx { principal: Principal::Owner(api.app.account), ..api.app.ctx() };
    api.app.core.accounts().set_plan(&owner, api.app.account, Some("enterprise".to_owned())).await.unwrap();
    api.post("/v1/swarms", swarm).await.is(201);
    api.post("/v1/agents", fourth).await.is(201);
    let plan = api.get("/v1/account").await.data()["plan"].clone();
    assert_eq!((&plan["id"], &plan["limits"]["maxSkillsPerAgent"]), (&json!("enterprise"), &Value::Null));
    assert_eq!(plan["limits"]["maxAgents"], 100_000, "the server's own bound");
}
