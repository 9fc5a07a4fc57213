use roost_domain::key::{Key, Scope, Style};
use roost_ports::store::Error;
use roost_ports::vault::KeyHash;

use super::{Any, account, at, id, read, write};

fn key(number: u128) -> Key {
    Key {
        id: id(number),
        account: account(1).id,
        name: "laptop".into(),
        style: Style::Agento,
        scopes: vec![Scope::AgentsRead, Scope::Chat],
        hint: "a1b2".into(),
        created_at: at(i64::try_from(number).unwrap()),
        revoked_at: None,
    }
}

async fn with_keys(store: &Any) {
    write(store, |writer| {
        writer.insert_account(&account(1))?;
        writer.insert_account(&account(2))?;
        writer.insert_key(&key(1), &KeyHash([1; 32]))?;
        writer.insert_key(&key(2), &KeyHash([2; 32]))
    })
    .await;
}

pub(crate) async fn a_key_is_found_by_its_hash_with_all_its_parts(store: Any) {
    with_keys(&store).await;
    assert_eq!(read(&store, |reader| reader.key_by_hash(&KeyHash([1; 32]))).await, Some(key(1)));
    assert_eq!(read(&store, |reader| reader.key_by_hash(&KeyHash([3; 32]))).await, None);
    assert_eq!(read(&store, |reader| reader.keys(account(1).id)).await, [key(2), key(1)]);
    assert_eq!(read(&store, |reader| reader.keys(account(2).id)).await, []);
    let same_hash = store.write::<(), Error>(|writer| writer.insert_key(&key(3), &KeyHash([1; 32]))).await;
    assert!(matches!(same_hash, Err(Error::Exists { .. })));
}

pub(crate) async fn revoking_twice_keeps_the_first_time(store: Any) {
    with_keys(&store).await;
    for seconds in [50, 60] {
        assert!(write(&store, move |writer| writer.revoke_key(account(1).id, id(1), at(seconds))).await);
    }
    let key = read(&store, |reader| reader.key_by_hash(&KeyHash([1; 32]))).await.unwrap();
    assert_eq!(key.revoked_at, Some(at(50)));
}

pub(crate) async fn another_accounts_key_cannot_be_revoked(store: Any) {
    with_keys(&store).await;
    assert!(!write(&store, |writer| writer.revoke_key(account(2).id, id(1), at(50))).await);
    assert_eq!(read(&store, |reader| reader.key_by_hash(&KeyHash([1; 32]))).await, Some(key(1)));
}
