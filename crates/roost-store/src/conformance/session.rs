use roost_domain::id::AgentId;
use roost_domain::page::Limit;
use roost_domain::session::{Channel, Peer, Session};
use roost_ports::store::Error;

use super::{Any, account, agent, at, id, read, session, world, write};

async fn add(store: &Any, session: Session) {
    write(store, move |writer| writer.insert_session(&session)).await;
}

pub(crate) async fn the_latest_session_is_the_peers_own(store: Any) {
    let world = world(&store).await;
    let base = session(0, &agent(10, world.account));
    let peers = [
        Peer::Named("bob".into()),
        Peer::Key(id(7)),
        Peer::Named("key:x".into()),
        Peer::Colleague { agent: id(8), session: id(9) },
        Peer::Colleague { agent: id(8), session: id(10) },
        Peer::Named(String::new()),
    ];
    for (n, peer) in (1_u32..).zip(peers.clone()) {
        for started in [1_u32, 3, 2] {
            let number = u128::from(n) * 10 + u128::from(started);
            add(
                &store,
                Session {
                    id: id(number),
                    peer: peer.clone(),
                    started_at: at(started.into()),
                    ..base.clone()
                },
            )
            .await;
        }
    }
    for (n, peer) in (1_u32..).zip(peers) {
        let expected = Some((id(u128::from(n) * 10 + 3), peer.clone()));
        let found = read(&store, move |reader| reader.latest_session_with(world.agent, &peer)).await;
        assert_eq!(found.map(|session| (session.id, session.peer)), expected);
    }
    let nobody = Peer::Named("eve".into());
    assert_eq!(read(&store, move |reader| reader.latest_session_with(world.agent, &nobody)).await, None);
}

pub(crate) async fn the_journal_is_in_no_list(store: Any) {
    let world = world(&store).await;
    let owner = agent(10, world.account);
    let journal = Session {
        id: owner.id.journal(),
        peer: Peer::Agent,
        channel: Channel::Journal,
        started_at: at(100),
        ..session(0, &owner)
    };
    add(&store, journal.clone()).await;
    add(&store, Session { started_at: at(50), name: Some("second".into()), ..session(101, &owner) }).await;
    let (listed, total) = read(&store, move |reader| reader.sessions(owner.id, Limit::clamped(1, 10))).await;
    assert_eq!((listed.iter().map(|session| session.id).collect::<Vec<_>>(), total), (vec![id(101)], 2));
    assert_eq!(read(&store, move |reader| reader.session(world.agent, journal.id)).await, Some(journal));
}

pub(crate) async fn another_agents_session_is_not_found(store: Any) {
    let world = world(&store).await;
    write(&store, move |writer| writer.insert_agent(&agent(11, world.account))).await;
    let other: AgentId = id(11);
    assert_eq!(read(&store, move |reader| reader.session(other, world.session)).await, None);
    assert_eq!(read(&store, move |reader| reader.sessions(other, Limit::clamped(9, 9))).await, (vec![], 0));
    let taken = store
        .write::<(), Error>(|writer| writer.insert_session(&session(100, &agent(11, account(1).id))))
        .await;
    assert!(matches!(taken, Err(Error::Exists { what: "session" })));
}
