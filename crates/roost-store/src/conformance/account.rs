use roost_domain::account::Account;
use roost_ports::store::Error;

use super::{Any, account, at, read, write};

pub(crate) async fn accounts_are_found_by_id_and_the_oldest_is_first(store: Any) {
    assert_eq!(read(&store, |reader| reader.first_account()).await, None);
    let younger = Account { created_at: at(20), ..account(1) };
    let older = Account { created_at: at(10), ..account(2) };
    let (one, two) = (younger.clone(), older.clone());
    write(&store, move |writer| {
        writer.insert_account(&one)?;
        writer.insert_account(&two)
    })
    .await;
    let id = younger.id;
    assert_eq!(read(&store, move |reader| reader.account(id)).await, Some(younger));
    assert_eq!(read(&store, |reader| reader.first_account()).await, Some(older));
    assert_eq!(read(&store, |reader| reader.account(account(3).id)).await, None);
}

pub(crate) async fn an_id_is_taken_once(store: Any) {
    write(&store, |writer| writer.insert_account(&account(1))).await;
    let error = store.write::<(), Error>(|writer| writer.insert_account(&account(1))).await.unwrap_err();
    assert_eq!(error.to_string(), "the account exists already");
}

pub(crate) async fn an_accounts_plan_is_chosen_and_taken_back(store: Any) {
    write(&store, |writer| {
        writer.insert_account(&account(1))?;
        writer.insert_account(&account(2))
    })
    .await;
    let plans = async || {
        let accounts = read(&store, |reader| reader.accounts()).await;
        accounts.into_iter().map(|account| account.plan).collect::<Vec<_>>()
    };
    assert!(write(&store, |writer| writer.set_plan(account(2).id, Some("pro"))).await);
    assert_eq!(plans().await, [None, Some("pro".to_owned())]);
    assert!(write(&store, |writer| writer.set_plan(account(2).id, None)).await);
    assert_eq!(plans().await, [None, None]);
    assert!(!write(&store, |writer| writer.set_plan(account(3).id, Some("pro"))).await);
}
