use std::sync::mpsc;
use std::time::Duration;

use roost_ports::store::Error;

use super::{Any, account, at, id, read, write};

pub(crate) async fn an_error_rolls_everything_back(store: Any) {
    let failed = store
        .write::<(), Error>(|writer| {
            writer.insert_account(&account(1))?;
            assert!(writer.account(account(1).id)?.is_some(), "a writer sees its own work");
            Err(Error::Overloaded)
        })
        .await;
    assert!(matches!(failed, Err(Error::Overloaded)));
    assert_eq!(read(&store, |reader| reader.account(account(1).id)).await, None);
}

pub(crate) async fn a_panic_rolls_back_and_harms_nobody(store: Any) {
    let panicked = store
        .write::<(), Error>(|writer| {
            writer.insert_account(&account(1))?;
            panic!("a test panics");
        })
        .await;
    assert!(matches!(panicked, Err(Error::Panicked)), "{panicked:?}");
    let panicked = store.read::<(), Error>(|_| panic!("a test panics")).await;
    assert!(matches!(panicked, Err(Error::Panicked)), "{panicked:?}");
    write(&store, |writer| writer.insert_account(&account(2))).await;
    assert_eq!(read(&store, |reader| reader.account(account(1).id)).await, None);
    assert_eq!(read(&store, |reader| reader.account(account(2).id)).await, Some(account(2)));
}

pub(crate) async fn a_reader_sees_one_state(store: Any) {
    let (reading, is_reading) = mpsc::sync_channel(1);
    let (written, is_written) = mpsc::sync_channel(1);
    let beside = Any::clone(&store);
    let reader = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(read(&beside, move |reader| {
            let before = reader.account(id(1))?;
            reading.send(()).unwrap();
            is_written.recv_timeout(Duration::from_secs(30)).unwrap();
            Ok((before, reader.account(id(1))?, reader.first_account()?))
        }))
    });
    tokio::task::spawn_blocking(move || is_reading.recv_timeout(Duration::from_secs(30)).unwrap())
        .await
        .unwrap();
    write(&store, |writer| writer.insert_account(&account(1))).await;
    written.send(()).unwrap();
    assert_eq!(reader.await.unwrap(), (None, None, None), "what comes in between is not seen");
}

pub(crate) async fn what_is_written_is_read_at_once(store: Any) {
    for n in 1..=100 {
        write(&store, move |writer| writer.insert_account(&account(n))).await;
        let found = read(&store, move |reader| reader.account(id(n))).await;
        assert_eq!(found.map(|account| account.created_at), Some(at(0)), "{n}");
    }
}
