use roost_domain::page::Limit;
use roost_domain::secret::Binding;
use roost_domain::tool::ToolCallId;
use roost_ports::store::{SecretEntry, SecretUse};
use roost_ports::vault::Sealed;

use super::{Any, agent, at, id, read, world, write};

pub(crate) async fn secrets_are_set_replaced_listed_and_removed(store: Any) {
    let agent = world(&store).await.agent;
    write(&store, move |writer| {
        writer.put_secret(agent, "B", &Sealed(vec![1, 2]), at(1))?;
        writer.put_secret(agent, "A", &Sealed(vec![3]), at(1))?;
        writer.put_secret(agent, "B", &Sealed(vec![4]), at(2))
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.secret_names(agent)).await, ["A", "B"]);
    assert_eq!(read(&store, move |reader| reader.secret(agent, "B")).await, Some(Sealed(vec![4])));
    assert_eq!(read(&store, move |reader| reader.secret(id(11), "B")).await, None);
    assert!(write(&store, move |writer| writer.delete_secret(agent, "B")).await);
    assert!(!write(&store, move |writer| writer.delete_secret(agent, "B")).await);
    assert_eq!(read(&store, move |reader| reader.secret(agent, "B")).await, None);
}

pub(crate) async fn a_secret_that_is_lent_is_its_holders_until_it_is_set_or_removed(store: Any) {
    let world = world(&store).await;
    let (holder, fork) = (world.agent, id(11));
    write(&store, move |writer| {
        writer.insert_agent(&agent(11, world.account))?;
        for name in ["A", "B", "C"] {
            writer.put_secret(holder, name, &Sealed(vec![1]), at(1))?;
        }
        writer.lend_secrets(holder, fork)?;
        writer.put_secret(fork, "A", &Sealed(vec![2]), at(2))
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.secret_names(fork)).await, ["A", "B", "C"]);
    assert_eq!(read(&store, move |reader| reader.secret_holder(fork, "A")).await, Some(fork));
    assert_eq!(read(&store, move |reader| reader.secret_holder(fork, "B")).await, Some(holder));
    assert_eq!(read(&store, move |reader| reader.secret_holder(fork, "D")).await, None);
    assert!(write(&store, move |writer| writer.delete_secret(fork, "A")).await);
    assert!(write(&store, move |writer| writer.delete_secret(fork, "B")).await);
    assert!(!write(&store, move |writer| writer.delete_secret(fork, "B")).await);
    assert_eq!(
        read(&store, move |reader| reader.secret_names(fork)).await,
        ["C"],
        "what was removed stays so"
    );
    assert_eq!(read(&store, move |reader| reader.secret_names(holder)).await, ["A", "B", "C"]);
    write(&store, move |writer| writer.delete_secret(holder, "C")).await;
    assert_eq!(read(&store, move |reader| reader.secret_names(fork)).await, [""; 0], "gone for both");
    assert_eq!(read(&store, move |reader| reader.secret_holder(fork, "C")).await, None);
    write(&store, move |writer| writer.delete_agent(world.account, fork, at(3))).await;
    let lent = read(&store, move |reader| reader.secrets_lent(holder, Limit::clamped(9, 9))).await;
    assert_eq!(lent, []);
}

pub(crate) async fn lent_secrets_can_be_lent_on_and_are_found_at_their_holder(store: Any) {
    let world = world(&store).await;
    let (holder, fork, again) = (world.agent, id(11), id(12));
    write(&store, move |writer| {
        writer.insert_agent(&agent(11, world.account))?;
        writer.insert_agent(&agent(12, world.account))?;
        writer.put_secret(holder, "A", &Sealed(vec![1]), at(1))?;
        writer.lend_secrets(holder, fork)?;
        writer.put_secret(fork, "B", &Sealed(vec![2]), at(1))?;
        writer.lend_secrets(fork, again)
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.secret_holder(again, "A")).await, Some(holder));
    assert_eq!(read(&store, move |reader| reader.secret_holder(again, "B")).await, Some(fork));
    let all = Limit::clamped(9, 9);
    let lent = read(&store, move |reader| reader.secrets_lent(holder, all)).await;
    assert_eq!(lent, [(fork, "A".to_owned()), (again, "A".to_owned())]);
    let lent = read(&store, move |reader| reader.secrets_lent(holder, Limit::clamped(1, 1))).await;
    assert_eq!(lent, [(fork, "A".to_owned())]);
}

pub(crate) async fn a_binding_lasts_as_long_as_its_secret(store: Any) {
    let agent = world(&store).await.agent;
    let binding = Binding {
        hosts: vec!["*.example.com:443".parse().unwrap(), "[::1]".parse().unwrap()],
        methods: vec!["GET".into(), "POST".into()],
    };
    let entry = async || read(&store, move |reader| reader.secret_entries(agent)).await;
    let bound = binding.clone();
    assert!(!write(&store, move |writer| writer.bind_secret(agent, "a", Some(&bound))).await);
    let bound = binding.clone();
    write(&store, move |writer| {
        writer.put_secret(agent, "a", &Sealed(vec![1]), at(1))?;
        assert!(writer.bind_secret(agent, "a", Some(&bound))?);
        writer.put_secret(agent, "a", &Sealed(vec![2]), at(2))
    })
    .await;
    let expected = SecretEntry { name: "a".into(), updated_at: at(2), binding: Some(binding) };
    assert_eq!(entry().await, std::slice::from_ref(&expected), "a new value changes no binding");
    assert!(write(&store, move |writer| writer.bind_secret(agent, "a", None)).await);
    assert_eq!(entry().await, [SecretEntry { binding: None, ..expected }]);
}

pub(crate) async fn uses_of_a_secret_are_listed_latest_first_and_bounded(store: Any) {
    let world = world(&store).await;
    let agent = world.agent;
    let used = move |call: &str, seconds| SecretUse {
        host: "api.example.com".into(),
        method: "GET".into(),
        status: None,
        session: world.session,
        turn: world.turn,
        call: ToolCallId::from_text(call.to_owned()),
        at: at(seconds),
    };
    write(&store, move |writer| {
        for seconds in 1..=1_003 {
            writer.insert_secret_use(agent, "a", &used(&format!("call_{seconds}"), seconds))?;
        }
        writer.insert_secret_use(agent, "b", &used("call_1003", 5))?;
        writer.answer_secret_uses(world.turn, &ToolCallId::from_text("call_1003".to_owned()), 204)
    })
    .await;
    let page = async |name: &'static str, before, limit| {
        read(&store, move |reader| reader.secret_uses(agent, name, before, Limit::clamped(limit, 2_000)))
            .await
    };
    let first = page("a", None, 2).await;
    assert_eq!((first.next, first.total), (Some(1_002), 1_000));
    assert_eq!(
        first.rows,
        [SecretUse { status: Some(204), ..used("call_1003", 1_003) }, used("call_1002", 1_002)]
    );
    assert_eq!(page("a", first.next, 1).await.rows, [used("call_1001", 1_001)]);
    let last = page("a", Some(5), 9).await;
    assert_eq!((last.rows.len(), last.next), (1, None), "older ones are gone");
    assert_eq!(page("b", None, 9).await.rows[0].status, Some(204));
    assert_eq!(page("c", None, 9).await.total, 0);
}
