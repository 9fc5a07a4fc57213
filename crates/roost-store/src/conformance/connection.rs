use std::collections::BTreeMap;

use roost_domain::connection::{Connection, CredentialKind, Status};
use roost_domain::id::{AccountId, AgentId};
use roost_domain::integration::{
    Access, Integration, IntegrationName, Operation, Parameter, Place, Placement, Style,
};
use roost_domain::page::Limit;
use roost_ports::store::{ConnectionSecrets, KeptClient, KeptDescription, PendingAuthorization};
use roost_ports::vault::Sealed;
use serde_json::json;

use super::{Any, World, account, agent, at, id, read, world, write};

fn name(text: &str) -> IntegrationName {
    text.parse().unwrap()
}

fn limit(rows: u32) -> Limit {
    Limit::clamped(rows, rows)
}

pub(super) fn connection(number: u128, account: AccountId, agent: AgentId, to: &str) -> Connection {
    Connection {
        id: id(number),
        account,
        agent,
        integration: name(to),
        kind: CredentialKind::OAuth,
        status: Status::Active,
        scopes: vec!["read".into(), "a:b".into()],
        fields: BTreeMap::from([("shop".into(), "toys".into())]),
        expires_at: Some(at(100)),
        renewable: true,
        version: 1,
        failure: None,
        created_at: at(i64::try_from(number).unwrap()),
        updated_at: at(1),
    }
}

fn secrets(byte: u8) -> ConnectionSecrets {
    ConnectionSecrets { access: Sealed(vec![byte]), refresh: Some(Sealed(vec![byte, byte])) }
}

pub(super) async fn put(store: &Any, connection: &Connection, byte: u8) {
    let connection = connection.clone();
    write(store, move |writer| writer.put_connection(&connection, &secrets(byte))).await;
}

pub(crate) async fn a_connection_reads_back_and_there_is_one_to_each_service(store: Any) {
    let World { account, agent, .. } = world(&store).await;
    let one = connection(1, account, agent, "github");
    put(&store, &one, 7).await;
    let (of, stranger) = (one.id, id::<AccountId>(99));
    assert_eq!(read(&store, move |reader| reader.connection(account, of)).await, Some(one.clone()));
    assert_eq!(read(&store, move |reader| reader.connection(stranger, of)).await, None);
    assert_eq!(read(&store, move |reader| reader.connection_secrets(of)).await, Some(secrets(7)));
    let changed =
        Connection { failure: Some("gone".into()), status: Status::Expired, expires_at: None, ..one };
    let written = changed.clone();
    write(&store, move |writer| writer.update_connection(&written)).await;
    let found = read(&store, move |reader| reader.connection_to(agent, &name("github"))).await;
    assert_eq!(found, Some(changed));
    // Connecting again replaces it.
    let again = Connection { kind: CredentialKind::Key, ..connection(2, account, agent, "github") };
    put(&store, &again, 8).await;
    put(&store, &connection(3, account, agent, "asana"), 9).await;
    let all = read(&store, move |reader| reader.connections_of(agent)).await;
    assert_eq!(all.iter().map(|one| one.integration.as_str()).collect::<Vec<_>>(), ["asana", "github"]);
    assert_eq!(all[1], again);
    assert!(!write(&store, move |writer| writer.delete_connection(stranger, id(2))).await);
    assert!(write(&store, move |writer| writer.delete_connection(account, id(2))).await);
    assert_eq!(read(&store, move |reader| reader.connection_secrets(id(2))).await, None);
}

pub(crate) async fn connections_are_listed_newest_first_within_their_account(store: Any) {
    let World { account: mine, agent: first, .. } = world(&store).await;
    let stranger = account(2).id;
    write(&store, move |writer| {
        writer.insert_account(&account(2))?;
        writer.insert_agent(&agent(20, stranger))
    })
    .await;
    for (number, to) in [(1, "a"), (2, "b"), (3, "c")] {
        put(&store, &connection(number, mine, first, to), 1).await;
    }
    put(&store, &connection(9, stranger, id(20), "a"), 1).await;
    let page = read(&store, move |reader| reader.connections(mine, None, limit(2))).await;
    assert_eq!((page.rows[0].id, page.rows[1].id, page.total), (id(3), id(2), 3));
    let next = page.next;
    let page = read(&store, move |reader| reader.connections(mine, next, limit(2))).await;
    assert_eq!((page.rows.len(), page.rows[0].id, page.next), (1, id(1), None));
}

pub(crate) async fn a_renewal_is_leased_by_one_at_a_time(store: Any) {
    let World { account, agent, .. } = world(&store).await;
    let one = connection(1, account, agent, "github");
    put(&store, &one, 7).await;
    let lease =
        async |now| write(&store, move |writer| writer.lease_renewal(id(1), at(now), at(now + 60))).await;
    assert!(lease(10).await);
    assert!(!lease(11).await);
    assert!(lease(70).await, "whoever had it is dead");
    write(&store, move |writer| writer.update_connection(&one)).await;
    assert!(lease(71).await, "what is written ends the lease");
    assert!(
        !write(&store, move |writer| writer.lease_renewal(id(2), at(0), at(9))).await,
        "one that is not there"
    );
}

pub(crate) async fn leave_that_was_asked_for_is_used_once_and_forgotten(store: Any) {
    let World { account, agent, .. } = world(&store).await;
    let pending = PendingAuthorization {
        state: [5; 32],
        account,
        agent,
        integration: name("github"),
        verifier: Some(Sealed(vec![3])),
        scopes: vec!["repo".into()],
        fields: BTreeMap::new(),
        created_at: at(1),
        expires_at: at(600),
        used_at: None,
    };
    let insert = pending.clone();
    write(&store, move |writer| writer.insert_authorization(&insert)).await;
    assert_eq!(read(&store, |reader| reader.pending_authorization([5; 32])).await, Some(pending.clone()));
    assert_eq!(read(&store, |reader| reader.pending_authorization([6; 32])).await, None);
    assert_eq!(read(&store, move |reader| reader.pending_authorizations(agent, at(2))).await, 1);
    assert_eq!(read(&store, move |reader| reader.pending_authorizations(agent, at(600))).await, 0);
    write(&store, |writer| writer.use_authorization([5; 32], at(9))).await;
    let used = read(&store, |reader| reader.pending_authorization([5; 32])).await.unwrap();
    assert_eq!((used.used_at, used.verifier), (Some(at(9)), None), "what proved it is gone");
    assert_eq!(read(&store, move |reader| reader.pending_authorizations(agent, at(2))).await, 0);
    assert_eq!(write(&store, |writer| writer.remove_authorizations(at(600), limit(9))).await, 0);
    assert_eq!(write(&store, |writer| writer.remove_authorizations(at(601), limit(9))).await, 1);
}

pub(crate) async fn clients_and_own_integrations_are_of_one_account(store: Any) {
    let World { account, .. } = world(&store).await;
    let stranger = id::<AccountId>(99);
    let client = KeptClient {
        client_id: "abc".into(),
        secret: Some(Sealed(vec![4])),
        scopes: Some(vec!["x".into()]),
        fields: BTreeMap::from([("tenant".into(), "t".into())]),
        updated_at: at(3),
    };
    let public = KeptClient { secret: None, scopes: None, ..client.clone() };
    for kept in [client, public.clone()] {
        write(&store, move |writer| writer.put_oauth_client(account, &name("github"), &kept)).await;
    }
    let found = read(&store, move |reader| reader.oauth_client(account, &name("github"))).await;
    assert_eq!(found, Some(public));
    assert_eq!(read(&store, move |reader| reader.oauth_client(stranger, &name("github"))).await, None);
    assert!(write(&store, move |writer| writer.delete_oauth_client(account, &name("github"))).await);
    assert!(!write(&store, move |writer| writer.delete_oauth_client(account, &name("github"))).await);
    let own = Integration {
        name: name("pets"),
        title: "Pets".into(),
        categories: vec!["animals".into()],
        documentation: None,
        base: Some("https://pets.example/v1".parse().unwrap()),
        openapi: None,
        access: Access::Key,
        placement: Placement::bearer(),
        headers: BTreeMap::new(),
        fields: BTreeMap::new(),
    };
    let kept = own.clone();
    write(&store, move |writer| writer.put_own_integration(account, &kept, at(1))).await;
    let found = read(&store, move |reader| reader.own_integration(account, &name("pets"))).await;
    assert_eq!(found, Some(own.clone()));
    assert_eq!(read(&store, move |reader| reader.own_integrations(account)).await, [own]);
    assert_eq!(read(&store, move |reader| reader.own_integrations(stranger)).await, []);
    assert!(write(&store, move |writer| writer.delete_own_integration(account, &name("pets"))).await);
}

fn operation(name: &str) -> Operation {
    Operation {
        name: name.into(),
        method: "GET".into(),
        path: "/pets/{id}".into(),
        base: None,
        summary: "Get a pet".into(),
        description: "Long.".into(),
        tags: vec!["pets".into(), "one".into()],
        parameters: vec![Parameter {
            name: "id".into(),
            argument: "id".into(),
            place: Place::Path,
            style: Style::Commas,
        }],
        body: None,
        schema: json!({"type": "object", "properties": {"id": {"type": "number", "maximum": 0.1}}}),
    }
}

pub(crate) async fn a_description_replaces_the_one_before(store: Any) {
    let World { account, .. } = world(&store).await;
    let description = KeptDescription {
        title: "Pets".into(),
        version: "1".into(),
        base: Some("https://pets.example".into()),
        placement: Some(Placement::Query { name: "key".into() }),
        sha256: [9; 32],
        source: None,
        operations: 2,
        at: at(5),
    };
    let first = [operation("b"), operation("a")];
    let kept = description.clone();
    write(&store, move |writer| writer.put_api_description(account, &name("pets"), &kept, &first)).await;
    let lines = read(&store, move |reader| reader.api_operations(account, &name("pets"))).await;
    assert_eq!(
        lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(),
        ["b", "a"],
        "the document's order"
    );
    assert_eq!(lines[0].tags, "pets one");
    let found = read(&store, move |reader| reader.api_operation(account, &name("pets"), "a")).await;
    assert_eq!(found, Some(operation("a")));
    let second =
        KeptDescription { placement: None, base: None, source: Some("https://x".into()), ..description };
    let kept = second.clone();
    write(&store, move |writer| writer.put_api_description(account, &name("pets"), &kept, &[operation("c")]))
        .await;
    assert_eq!(
        read(&store, move |reader| reader.api_description(account, &name("pets"))).await,
        Some(second)
    );
    assert_eq!(read(&store, move |reader| reader.api_operation(account, &name("pets"), "a")).await, None);
    assert_eq!(read(&store, move |reader| reader.api_description(id(99), &name("pets"))).await, None);
    assert!(write(&store, move |writer| writer.delete_api_description(account, &name("pets"))).await);
    assert!(!write(&store, move |writer| writer.delete_api_description(account, &name("pets"))).await);
    assert!(read(&store, move |reader| reader.api_operations(account, &name("pets"))).await.is_empty());
}

pub(crate) async fn connections_go_with_their_agent(store: Any) {
    let World { account, agent, .. } = world(&store).await;
    put(&store, &connection(1, account, agent, "github"), 7).await;
    let pending = PendingAuthorization {
        state: [5; 32],
        account,
        agent,
        integration: name("asana"),
        verifier: None,
        scopes: Vec::new(),
        fields: BTreeMap::new(),
        created_at: at(1),
        expires_at: at(600),
        used_at: None,
    };
    write(&store, move |writer| {
        writer.insert_authorization(&pending)?;
        writer.delete_agent(account, agent, at(9))
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.connection(account, id(1))).await, None);
    assert_eq!(read(&store, |reader| reader.pending_authorization([5; 32])).await, None);
}
