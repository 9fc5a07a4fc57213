use roost_domain::page::Limit;
use roost_domain::plan::Metered;
use roost_domain::policy::{Ruling, Version};
use roost_domain::scan::{Category, Finding, Report, Severity};
use roost_domain::subject::Subject;
use roost_domain::taint::Taint;
use roost_ports::store::{DecisionEntry, DecisionFilter, Edition, Error, Kept, Scan};
use serde_json::json;

use super::{Any, account, at, id, read, world, write};

fn bot() -> Subject {
    "bot".parse().expect("is a subject")
}

pub(crate) async fn editions_count_up_and_each_can_be_read_again(store: Any) {
    world(&store).await;
    let (owner, other) = (account(1).id, account(2).id);
    let edition =
        |version, document| Edition { version: Version(version), document, at: at(5), by: "ann".into() };
    let first = edition(0, Some(json!({"allow": ["a"]})));
    let deleted = edition(1, None);
    let (one, two) = (first.clone(), deleted.clone());
    write(&store, move |writer| {
        writer.insert_edition(owner, &bot(), Kept::Policy, &one)?;
        writer.insert_edition(owner, &bot(), Kept::Policy, &two)?;
        let taken = writer.insert_edition(owner, &bot(), Kept::Policy, &two);
        assert!(matches!(taken, Err(Error::Exists { .. })));
        writer.insert_edition(owner, &bot(), Kept::Permissions, &one)
    })
    .await;
    let latest =
        async |account, kept| read(&store, move |reader| reader.latest_version(account, &bot(), kept)).await;
    assert_eq!(latest(owner, Kept::Policy).await, Some((Version(1), at(5))));
    assert_eq!(latest(owner, Kept::Permissions).await, Some((Version(0), at(5))));
    assert_eq!(latest(other, Kept::Policy).await, None);
    let one = async |version| {
        read(&store, move |reader| reader.edition(owner, &bot(), Kept::Policy, version)).await
    };
    assert_eq!(one(None).await, Some(deleted.clone()));
    assert_eq!(one(Some(Version(0))).await, Some(first.clone()));
    assert_eq!(one(Some(Version(7))).await, None);
    let limit = Limit::clamped(10, 10);
    let all = read(&store, move |reader| reader.editions(owner, &bot(), Kept::Policy, limit)).await;
    assert_eq!(all, [deleted, first]);
}

pub(crate) async fn decisions_are_listed_newest_first_by_what_is_asked_for(store: Any) {
    world(&store).await;
    let (owner, other) = (account(1).id, account(2).id);
    let entry = move |second: i64, subject: &str, ruling| DecisionEntry {
        account: owner,
        subject: subject.parse().expect("is a subject"),
        key: Some(id(5)),
        tool: "send".into(),
        parameters: Some(json!({"to": "ann"})),
        ruling,
        code: "blocked_by_rule".into(),
        reason: "so".into(),
        rule: Some("block[0]".into()),
        version: Some(Version(3)),
        approval: Some(id(6)),
        run: Some("run".into()),
        triggered_by: Some("cron".into()),
        turn: Some((id(7), id(8))),
        at: at(second),
    };
    let whole = entry(3, "bot", Ruling::Block);
    let bare = DecisionEntry {
        key: None,
        parameters: None,
        rule: None,
        version: None,
        approval: None,
        run: None,
        triggered_by: None,
        turn: None,
        ..entry(4, "other", Ruling::Allow)
    };
    let entries = [
        entry(1, "bot", Ruling::Allow),
        entry(2, "bot", Ruling::RequireApproval),
        whole.clone(),
        bare.clone(),
    ];
    write(&store, move |writer| entries.iter().try_for_each(|entry| writer.insert_decision(entry))).await;
    let list = async |account, filter: DecisionFilter, skip| {
        read(&store, move |reader| reader.decisions(account, &filter, skip, Limit::clamped(2, 2))).await
    };
    let (rows, total) = list(owner, DecisionFilter::default(), 0).await;
    assert_eq!((rows, total), (vec![bare, whole.clone()], 4));
    let of = DecisionFilter { subject: Some(bot()), since: Some(at(2)), ruling: None };
    assert_eq!(list(owner, of, 1).await.1, 2);
    let of = DecisionFilter { ruling: Some(Ruling::Block), ..DecisionFilter::default() };
    assert_eq!(list(owner, of, 0).await, (vec![whole], 1));
    assert_eq!(list(other, DecisionFilter::default(), 0).await, (vec![], 0));
    let in_run =
        async |run: &'static str| read(&store, move |reader| reader.allowed_in_run(owner, &bot(), run)).await;
    assert_eq!((in_run("run").await, in_run("none").await), (2, 0));
}

pub(crate) async fn uses_are_counted_by_key_and_forgotten(store: Any) {
    write(&store, |writer| {
        writer.meter(id(1), Metered::Scan, at(2))?;
        writer.meter(id(1), Metered::Scan, at(1))?;
        writer.meter(id(1), Metered::Evaluation, at(1))?;
        writer.meter(id(2), Metered::Scan, at(1))
    })
    .await;
    let since = async |second| {
        read(&store, move |reader| reader.metered_since(id(1), Metered::Scan, at(second))).await
    };
    assert_eq!(since(0).await, [at(1), at(2)]);
    assert_eq!(since(1).await, [at(2)]);
    assert_eq!(write(&store, |writer| writer.forget_metered(at(1))).await, 3);
    assert_eq!(since(0).await, [at(2)]);
}

pub(crate) async fn the_first_taint_of_a_session_stays(store: Any) {
    world(&store).await;
    let taint = async || read(&store, |reader| reader.session_taint(id(100))).await;
    assert_eq!(taint().await, None);
    write(&store, |writer| writer.taint_session(id(100), Taint::Web)).await;
    write(&store, |writer| writer.taint_session(id(100), Taint::Command)).await;
    assert_eq!(taint().await, Some(Taint::Web));
    assert_eq!(read(&store, |reader| reader.session_taint(id(999))).await, None);
}

pub(crate) async fn scans_are_found_by_id_and_by_what_was_scanned(store: Any) {
    world(&store).await;
    let (owner, other) = (account(1).id, account(2).id);
    let finding = Finding {
        rule: "R1".into(),
        category: Category::InsecureOutput,
        severity: Severity::High,
        description: "bad".into(),
        file: Some("a.py".into()),
        line: 3,
        snippet: "eval(x)".into(),
        fix: "do not".into(),
        cwe: Some(95),
    };
    let scan = move |number, second| Scan {
        id: id(number),
        account: owner,
        hash: [9; 32],
        report: Report::new(vec![finding.clone()], 1),
        took_ms: 4,
        created_at: at(second),
    };
    let (old, new) = (scan(1, 1), scan(2, 2));
    let both = [old.clone(), new.clone()];
    write(&store, move |writer| both.iter().try_for_each(|scan| writer.insert_scan(scan))).await;
    assert_eq!(read(&store, move |reader| reader.scan(owner, id(1))).await, Some(old.clone()));
    assert_eq!(read(&store, move |reader| reader.scan(other, id(1))).await, None);
    assert_eq!(read(&store, |reader| reader.scan_of_any_account(id(1))).await, Some(old));
    assert_eq!(read(&store, move |reader| reader.scan_by_hash(owner, &[9; 32])).await, Some(new.clone()));
    assert_eq!(read(&store, move |reader| reader.scan_by_hash(other, &[9; 32])).await, None);
    assert_eq!(write(&store, move |writer| writer.remove_scans(other, at(2))).await, 0);
    assert_eq!(write(&store, move |writer| writer.remove_scans(owner, at(2))).await, 1);
    assert_eq!(read(&store, move |reader| reader.scan_by_hash(owner, &[9; 32])).await, Some(new));
}
