use super::*;

fn session(n: u128) -> SessionId {
    // Ids are opaque here: any UUID names a session.
    format!("sess_{n:032x}").parse().unwrap()
}

fn answer() -> ProgressOf {
    ProgressOf::Model(Offset(2))
}

#[tokio::test]
async fn a_late_watcher_is_told_the_text_so_far_and_then_only_what_is_new() {
    let hub = Arc::new(Hub::default());
    let unfinished = hub.begin(session(1), answer());
    unfinished.push("Hel");
    let mut watch = hub.watch(session(1));
    let mut seen = HashMap::new();
    assert_eq!(watch.news(&mut seen), [(answer(), "Hel".to_owned())]);
    unfinished.push("lo");
    watch.changed().await;
    assert_eq!(watch.news(&mut seen), [(answer(), "lo".to_owned())]);
    assert_eq!(watch.news(&mut seen), []);
}

#[test]
fn sessions_that_nobody_watches_take_no_memory() {
    let hub = Arc::new(Hub::default());
    let watch = hub.watch(session(1));
    let unfinished = hub.begin(session(1), answer());
    drop(watch);
    assert_eq!(hub.topics(), 1);
    drop(unfinished);
    hub.tick(session(2));
    assert_eq!(hub.topics(), 0);
}

#[test]
fn finished_text_is_no_longer_replayed() {
    let hub = Arc::new(Hub::default());
    let watch = hub.watch(session(1));
    let unfinished = hub.begin(session(1), answer());
    unfinished.push("Hello");
    drop(unfinished);
    assert_eq!(watch.news(&mut HashMap::new()), []);
}
