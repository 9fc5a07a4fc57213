use roost_domain::page::Limit;
use roost_domain::secret::Binding;
use roost_domain::tool::ToolCallId;
use roost_ports::store::{SecretEntry, SecretUse};
use roost_ports::vault::Sealed;

use super::{Any, at, id, read, world, write};

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
