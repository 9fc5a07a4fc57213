use roost_domain::connection::{Connection, Status};
use roost_domain::page::Limit;
use roost_ports::store::{Error, WorkflowVersion};
use serde_json::json;

use super::{Any, at, read, world, write};

fn version(number: u64) -> WorkflowVersion {
    WorkflowVersion {
        version: number,
        config: json!({"steps": [{"id": "größe", "n": number}]}),
        author: "ci".into(),
        at: at(number.cast_signed()),
    }
}

pub(crate) async fn every_version_of_a_workflow_is_kept(store: Any) {
    let agent = world(&store).await.agent;
    write(&store, move |writer| {
        (1..=3).try_for_each(|number| writer.insert_workflow(agent, &version(number)))
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.latest_workflow(agent)).await, Some(version(3)));
    assert_eq!(read(&store, move |reader| reader.workflow_version(agent, 1)).await, Some(version(1)));
    for missing in [0, 4, u64::MAX >> 1] {
        assert_eq!(read(&store, move |reader| reader.workflow_version(agent, missing)).await, None);
    }
    let listed = |before| {
        let store = store.clone();
        async move {
            read(&store, move |reader| reader.workflow_versions(agent, before, Limit::clamped(2, 2))).await
        }
    };
    assert_eq!(listed(None).await, [version(3), version(2)], "newest first, as many as asked for");
    assert_eq!(listed(Some(2)).await, [version(1)]);
    let again = store.write(move |writer| writer.insert_workflow(agent, &version(3))).await;
    assert!(matches!(again, Err(Error::Exists { .. })), "a version is written once: {again:?}");
}

pub(crate) async fn agents_are_ready_that_miss_no_integration(store: Any) {
    let world = world(&store).await;
    let (agent, account) = (world.agent, world.account);
    let listed = async |ready, skip| {
        let page = read(&store, move |reader| {
            reader.agents_by_readiness(account, ready, skip, Limit::clamped(5, 5))
        });
        let (rows, total) = page.await;
        (rows.into_iter().map(|row| row.id).collect::<Vec<_>>(), total)
    };
    assert_eq!(listed(Some(true), 0).await, (vec![agent], 1));
    write(&store, move |writer| writer.set_integrations(agent, &["slack".into(), "github".into()])).await;
    assert_eq!(read(&store, move |reader| reader.missing_integrations(agent)).await, ["github", "slack"]);
    assert_eq!(listed(Some(true), 0).await, (vec![], 0));
    assert_eq!(listed(Some(false), 0).await, (vec![agent], 1));
    assert_eq!(listed(None, 1).await, (vec![], 1), "what is skipped counts");
    let github = super::connection::connection(1, account, agent, "github");
    super::connection::put(&store, &github, 7).await;
    assert_eq!(read(&store, move |reader| reader.missing_integrations(agent)).await, ["slack"]);
    super::connection::put(&store, &super::connection::connection(2, account, agent, "slack"), 7).await;
    assert_eq!(listed(Some(true), 0).await, (vec![agent], 1), "it is ready by itself once it is connected");
    let expired = Connection { status: Status::Expired, ..github };
    write(&store, move |writer| writer.update_connection(&expired)).await;
    assert_eq!(read(&store, move |reader| reader.missing_integrations(agent)).await, ["github"]);
    write(&store, move |writer| writer.set_integrations(agent, &[])).await;
    assert_eq!(listed(Some(true), 0).await, (vec![agent], 1));
}
