use roost_core::{Kind, Live};
use roost_domain::event::{Body, Offset, TurnEvent};
use roost_testkit::{Reply, TestApp};
use serde_json::json;

/// Follows a session until its turn ends and returns the offsets of its events and the text it was told.
async fn follow(
    app: &TestApp,
    agent: roost_domain::id::AgentId,
    posted: roost_core::Posted,
) -> (Vec<u64>, String) {
    let subscribed = app.core.events().subscribe(&app.ctx(), agent, posted.session, posted.offset).await;
    let mut events = subscribed.expect("can be followed");
    let (mut offsets, mut text) = (Vec::new(), String::new());
    let all = async {
        loop {
            match events.next().await.expect("can be read") {
                Live::Delta { text: delta, .. } => text.push_str(&delta),
                Live::Event(event) => {
                    offsets.push(event.offset.0);
                    if matches!(event.body, Body::Turn { event: TurnEvent::Ended { .. }, .. }) {
                        return;
                    }
                }
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), all).await.expect("the turn ends");
    (offsets, text)
}

#[tokio::test]
async fn a_stream_has_every_event_once_and_the_text_as_it_is_written() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("speak", [Reply::Say(vec!["One", " two", " three"])]);
    let posted = app.post(agent, "speak").await;
    let (offsets, text) = follow(&app, agent, posted).await;
    assert_eq!(text, "One two three");
    let expected: Vec<_> = (posted.offset.0 + 1..).take(offsets.len()).collect();
    assert_eq!(offsets, expected);
    let (again, text) = follow(&app, agent, posted).await;
    assert_eq!((again, text.as_str()), (expected, "One two three"), "late readers see the same");
}

#[tokio::test]
async fn a_late_reader_gets_the_unfinished_text_first() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    app.models.when("speak", [Reply::Hang(vec!["Once ", "upon "])]);
    let posted = app.post(agent, "speak").await;
    let told = async {
        loop {
            let subscribed =
                app.core.events().subscribe(&app.ctx(), agent, posted.session, Offset::START).await;
            let mut events = subscribed.expect("can be followed");
            let mut text = String::new();
            while let Ok(Ok(live)) =
                tokio::time::timeout(std::time::Duration::from_millis(50), events.next()).await
            {
                if let Live::Delta { text: delta, .. } = live {
                    text.push_str(&delta);
                }
            }
            if text == "Once upon " {
                return;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), told).await.expect("the text is replayed");
}

#[tokio::test]
async fn many_readers_and_writers_see_one_order() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let first = app.post(agent, "0").await;
    let mut last = first;
    for n in 1..20 {
        last = app.post(agent, &n.to_string()).await;
    }
    app.until(agent, &last, |event| matches!(event, TurnEvent::Ended { .. })).await;
    let offsets: Vec<_> = app.log(first.session).await.iter().map(|event| event.offset.0).collect();
    assert_eq!(offsets, (1..=offsets.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stranger_cannot_follow() {
    let app = TestApp::start().await;
    let agent = app.agent(json!({})).await;
    let posted = app.post(agent, "hello").await;
    let stranger = app.stranger().await;
    let refused = app.core.events().subscribe(&stranger, agent, posted.session, Offset::START).await;
    assert_eq!(refused.err().map(|error| error.kind()), Some(Kind::NotFound));
}
