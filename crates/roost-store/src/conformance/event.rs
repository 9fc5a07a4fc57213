use roost_domain::conversation::StopReason;
use roost_domain::event::{Body, Journal, Offset, TurnEvent};
use roost_domain::id::TurnId;
use roost_domain::model::Usage;
use roost_domain::page::Limit;
use roost_domain::session::Channel;
use roost_domain::tool::ToolCallId;
use roost_domain::unit::MicroUsd;
use roost_ports::store::{ChatMessage, Error, MessageFilter, Role};
use tokio::task::JoinSet;

use super::{Any, World, agent, at, id, read, session, world, write};
use crate::record;

fn limit(rows: u32) -> Limit {
    Limit::clamped(rows, 10_000)
}

fn noted(what: impl std::fmt::Display) -> Body {
    Body::Journal(Journal::Changed { what: format!("{what}") })
}

pub(crate) async fn offsets_have_no_gaps_with_many_writers_at_once(store: Any) {
    let World { agent, session, .. } = world(&store).await;
    let mut tasks = JoinSet::new();
    for writer in 0..50 {
        let store = Any::clone(&store);
        tasks.spawn(async move {
            for n in 0..10 {
                let rolled_back = n % 3 == 2;
                let appended = store
                    .write(move |log| {
                        let events =
                            log.append_events(agent, session, at(1), vec![noted(writer), noted(n)])?;
                        if rolled_back { Err(Error::Overloaded) } else { Ok(events) }
                    })
                    .await;
                if let Ok(events) = appended {
                    assert_eq!(
                        events[1].offset,
                        events[0].offset.next(),
                        "one caller's events stand together"
                    );
                }
            }
        });
    }
    tasks.join_all().await;
    let events = read(&store, move |reader| reader.events_after(session, Offset::START, limit(10_000))).await;
    assert_eq!(events.len(), 50 * 7 * 2);
    assert!(events.iter().zip(1..).all(|(event, offset)| event.offset == Offset(offset)));
}

pub(crate) async fn every_kind_of_event_reads_back(store: Any) {
    let World { agent, session, .. } = world(&store).await;
    let records: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../fixtures/event/v1.json")).unwrap();
    let bodies: Vec<Body> =
        records.iter().map(|record| record::event::decode(&record.to_string()).unwrap()).collect();
    let appended = bodies.clone();
    let now = "2026-11-21T10:00:00.123456789Z".parse().unwrap();
    let events = write(&store, move |log| log.append_events(agent, session, now, appended)).await;
    assert_eq!(events.iter().map(|event| event.body.clone()).collect::<Vec<_>>(), bodies);
    assert_eq!(events[0].at.to_string(), "2026-11-21T10:00:00.123456Z");
    assert_eq!(read(&store, move |reader| reader.last_events(session, limit(100))).await, events);
}

pub(crate) async fn events_are_read_after_an_offset_and_from_the_end(store: Any) {
    let World { agent, session, turn, .. } = world(&store).await;
    let in_turn = Body::Turn { turn, event: TurnEvent::CancelRequested };
    let elsewhere = Body::Turn { turn: id::<TurnId>(9), event: TurnEvent::CancelRequested };
    write(&store, move |log| {
        let bodies = vec![noted(1), in_turn.clone(), noted(3), elsewhere, in_turn];
        log.append_events(agent, session, at(1), bodies)?;
        log.append_events(agent, id(999), at(1), vec![noted("another session")])
    })
    .await;
    let offsets =
        |events: Vec<roost_domain::event::Event>| events.iter().map(|e| e.offset.0).collect::<Vec<_>>();
    let after = async |offset, rows| {
        offsets(read(&store, move |reader| reader.events_after(session, Offset(offset), limit(rows))).await)
    };
    assert_eq!(after(0, 2).await, [1, 2]);
    assert_eq!(after(3, 9).await, [4, 5]);
    assert_eq!(after(5, 9).await, [0; 0]);
    assert_eq!(after(u64::MAX, 9).await, [0; 0]);
    assert_eq!(offsets(read(&store, move |reader| reader.last_events(session, limit(2))).await), [4, 5]);
    assert_eq!(offsets(read(&store, move |reader| reader.turn_events(session, turn)).await), [2, 5]);
    assert_eq!(offsets(read(&store, move |reader| reader.turn_events(id(999), turn)).await), [0; 0]);
}

pub(crate) async fn the_agents_log_is_ordered_over_its_sessions(store: Any) {
    let World { agent: ann, account, session, .. } = world(&store).await;
    write(&store, move |log| {
        log.insert_agent(&agent(11, account))?;
        for (agent, session, what) in [
            (ann, session, "a"),
            (id(11), id(201), "of another agent"),
            (ann, ann.journal(), "b"),
            (ann, session, "c"),
        ] {
            log.append_events(agent, session, at(1), vec![noted(what)])?;
        }
        Ok(())
    })
    .await;
    let all = read(&store, move |reader| reader.agent_events_after(ann, 0, limit(10))).await;
    assert_eq!(
        all.iter().map(|entry| entry.event.body.clone()).collect::<Vec<_>>(),
        ["a", "b", "c"].map(noted)
    );
    assert!(all.is_sorted_by(|one, next| one.seq < next.seq));
    let (first, expected) = (all[0].seq, all[1..].to_vec());
    assert_eq!(read(&store, move |reader| reader.agent_events_after(ann, first, limit(10))).await, expected);
    assert_eq!(read(&store, move |reader| reader.last_agent_events(ann, limit(2))).await, expected);
}

/// A question and an answer with tools between, as (who, what).
fn talk(turn: TurnId) -> Vec<Body> {
    let answered = |text: &str| TurnEvent::ModelAnswered {
        text: text.into(),
        calls: vec![],
        stop: StopReason::EndTurn,
        usage: Usage::default(),
        cost: MicroUsd::ZERO,
    };
    let call = ToolCallId::from_text("call_1_0");
    let events = [
        TurnEvent::MessageReceived { text: "hello".into(), context: Some("not said".into()) },
        answered(""),
        TurnEvent::QuestionAsked { call: call.clone(), question: "which?".into() },
        TurnEvent::QuestionAnswered { call: call.clone(), answer: "that".into() },
        TurnEvent::AgentAsked {
            call: call.clone(),
            agent: id(90),
            name: "Bo".into(),
            session: id(91),
            turn: id(92),
        },
        TurnEvent::ToolBlocked { call, reason: "no".into() },
        answered("done"),
    ];
    std::iter::once(Body::SessionStarted { channel: Channel::Api })
        .chain(events.into_iter().map(|event| Body::Turn { turn, event }))
        .collect()
}

async fn said(store: &Any, filter: MessageFilter, rows: u32) -> (Vec<(Role, String)>, u64) {
    let (messages, total) = read(store, move |reader| reader.messages(&filter, limit(rows))).await;
    (messages.into_iter().map(|message| (message.role, message.content)).collect(), total)
}

pub(crate) async fn messages_are_what_was_said(store: Any) {
    let World { agent, session, turn, .. } = world(&store).await;
    write(&store, move |log| log.append_events(agent, session, at(1), talk(turn))).await;
    let filter = MessageFilter { agent, session: Some(session), since: None };
    let (messages, total) = read(&store, move |reader| reader.messages(&filter, limit(10))).await;
    let message = |role, content: &str| ChatMessage { session, role, content: content.into(), at: at(1) };
    let expected =
        [message(Role::User, "hello"), message(Role::User, "that"), message(Role::Assistant, "done")];
    assert_eq!((messages.as_slice(), total), (expected.as_slice(), 3));
}

pub(crate) async fn messages_are_counted_under_the_filter(store: Any) {
    let World { agent: ann, session: first, turn, account, .. } = world(&store).await;
    let second = id(101);
    write(&store, move |log| {
        log.insert_session(&session(101, &agent(10, account)))?;
        log.append_events(ann, first, at(1), talk(turn))?;
        log.append_events(ann, second, at(2), talk(id(9)))?;
        log.append_events(ann, first, at(3), talk(turn))
    })
    .await;
    let all = MessageFilter { agent: ann, session: None, since: None };
    let last = |n: usize| {
        let once = [(Role::User, "hello"), (Role::User, "that"), (Role::Assistant, "done")];
        let mut said: Vec<_> =
            once.iter().cycle().take(9).map(|(role, text)| (*role, (*text).to_owned())).collect();
        said.split_off(9 - n)
    };
    assert_eq!(said(&store, all.clone(), 4).await, (last(4), 9));
    assert_eq!(said(&store, MessageFilter { since: Some(at(1)), ..all.clone() }, 100).await, (last(6), 6));
    assert_eq!(said(&store, MessageFilter { session: Some(first), ..all.clone() }, 2).await, (last(2), 6));
    let narrow = MessageFilter { session: Some(first), since: Some(at(1)), ..all.clone() };
    assert_eq!(said(&store, narrow, 100).await, (last(3), 3));
    let of_another = MessageFilter { agent: id(11), session: Some(first), since: None };
    assert_eq!(said(&store, of_another, 100).await, (vec![], 0));
}

pub(crate) async fn a_deleted_agents_log_cannot_begin_anew(store: Any) {
    let World { agent, account, session, .. } = world(&store).await;
    write(&store, move |writer| writer.delete_agent(account, agent, at(5))).await;
    let late = store
        .write::<_, Error>(move |log| log.append_events(agent, session, at(6), vec![noted("late")]))
        .await;
    assert!(late.is_err());
    assert_eq!(read(&store, move |reader| reader.last_agent_events(agent, limit(9))).await, []);
}
