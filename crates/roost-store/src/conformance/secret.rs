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
