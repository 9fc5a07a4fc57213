use roost_domain::id::{AccountId, EndpointId};
use roost_domain::page::Limit;
use roost_domain::webhook::{Delivery, Endpoint, Status};
use roost_ports::store::{DeliveryFilter, DeliveryLimits, EndpointSecrets};
use roost_ports::vault::Sealed;

use super::{Any, account, at, id, read, write};

const LIMITS: DeliveryLimits = DeliveryLimits { lease: 10, endpoint: 10 };

fn endpoint(number: u128, account: AccountId) -> Endpoint {
    Endpoint {
        id: id(number),
        account,
        url: "https://example.com/hook".into(),
        kinds: vec!["approval.*".parse().unwrap(), "gate.blocked".parse().unwrap()],
        description: "the office".into(),
        created_at: at(i64::try_from(number).unwrap()),
        disabled_at: None,
    }
}

fn delivery(number: u128, endpoint: &Endpoint) -> Delivery {
    Delivery {
        id: id(number),
        account: endpoint.account,
        endpoint: endpoint.id,
        kind: "gate.blocked".into(),
        payload: "{\"type\":\"gate.blocked\"}".into(),
        status: Status::Pending,
        attempts: 0,
        next_at: Some(at(i64::try_from(number).unwrap())),
        last_status: None,
        last_error: None,
        created_at: at(i64::try_from(number).unwrap()),
        delivered_at: None,
    }
}

/// Two accounts; the first has two endpoints (1, 2), the second one (3).
async fn with_endpoints(store: &Any) -> [Endpoint; 3] {
    write(store, |writer| {
        let all = [
            endpoint(1, account(1).id),
            endpoint(2, account(1).id),
            Endpoint { kinds: Vec::new(), ..endpoint(3, account(2).id) },
        ];
        writer.insert_account(&account(1))?;
        writer.insert_account(&account(2))?;
        for (endpoint, secret) in all.iter().zip(1..) {
            writer.insert_webhook_endpoint(endpoint, &Sealed(vec![secret]))?;
        }
        Ok(all)
    })
    .await
}

async fn with_deliveries(store: &Any, numbers: &'static [u128], endpoint: &Endpoint) {
    let endpoint = endpoint.clone();
    write(store, move |writer| {
        numbers.iter().try_for_each(|number| writer.insert_delivery(&delivery(*number, &endpoint)))
    })
    .await;
}

async fn lease(store: &Any, now: i64, limits: DeliveryLimits) -> Vec<u128> {
    let leased = write(store, move |writer| writer.lease_deliveries(at(now), at(now + 60), limits)).await;
    leased.into_iter().map(|delivery| delivery.id.uuid().as_u128()).collect()
}

pub(crate) async fn endpoints_are_listed_changed_and_removed_within_their_account(store: Any) {
    let [one, two, foreign] = with_endpoints(&store).await;
    let (mine, theirs) = (one.account, foreign.account);
    let listed = read(&store, move |reader| reader.webhook_endpoints(mine)).await;
    assert_eq!(listed, [two.clone(), one.clone()]);
    let (id, stranger) = (one.id, foreign.id);
    assert_eq!(read(&store, move |reader| reader.webhook_endpoint(mine, stranger)).await, None);
    assert_eq!(read(&store, move |reader| reader.webhook_secrets(mine, stranger)).await, None);
    let changed = Endpoint { kinds: Vec::new(), url: "https://b.c".into(), disabled_at: Some(at(9)), ..one };
    let written = changed.clone();
    write(&store, move |writer| writer.update_webhook_endpoint(&written)).await;
    assert_eq!(read(&store, move |reader| reader.webhook_endpoint(mine, id)).await, Some(changed));
    with_deliveries(&store, &[10], &two).await;
    let gone = two.id;
    assert!(!write(&store, move |writer| writer.delete_webhook_endpoint(theirs, gone)).await);
    assert!(read(&store, move |reader| reader.delivery(mine, super::id(10))).await.is_some());
    assert!(write(&store, move |writer| writer.delete_webhook_endpoint(mine, gone)).await);
    assert_eq!(read(&store, move |reader| reader.delivery(mine, super::id(10))).await, None);
}

pub(crate) async fn the_secret_before_is_kept_until_its_time(store: Any) {
    let [one, ..] = with_endpoints(&store).await;
    let (account, id): (_, EndpointId) = (one.account, one.id);
    let secrets = async || read(&store, move |reader| reader.webhook_secrets(account, id)).await;
    assert_eq!(secrets().await, Some(EndpointSecrets { current: Sealed(vec![1]), before: None }));
    for (secret, until) in [(8, 50), (9, 60)] {
        let secret = Sealed(vec![secret]);
        write(&store, move |writer| writer.rotate_webhook_secret(account, id, &secret, at(until))).await;
    }
    let before = Some((Sealed(vec![8]), at(60)));
    assert_eq!(secrets().await, Some(EndpointSecrets { current: Sealed(vec![9]), before }));
}

pub(crate) async fn deliveries_are_listed_newest_first_by_endpoint_and_status(store: Any) {
    let [one, two, foreign] = with_endpoints(&store).await;
    with_deliveries(&store, &[10, 11, 12], &one).await;
    with_deliveries(&store, &[20], &two).await;
    let over = Delivery {
        status: Status::Delivered,
        attempts: 3,
        next_at: None,
        last_status: Some(204),
        last_error: Some("slow at first".into()),
        delivered_at: Some(at(99)),
        ..delivery(11, &one)
    };
    let written = over.clone();
    write(&store, move |writer| writer.update_delivery(&written)).await;
    let (mine, theirs, of) = (one.account, foreign.account, one.id);
    let list = async |account, status, after| {
        let filter = DeliveryFilter { endpoint: of, status };
        let limit = Limit::clamped(2, 2);
        read(&store, move |reader| reader.deliveries(account, &filter, after, limit)).await
    };
    let first = list(mine, None, None).await;
    assert_eq!((first.rows.as_slice(), first.total), ([delivery(12, &one), over.clone()].as_slice(), 3));
    let rest = list(mine, None, first.next).await;
    assert_eq!((rest.rows.as_slice(), rest.next), ([delivery(10, &one)].as_slice(), None));
    assert_eq!(list(mine, Some(Status::Delivered), None).await.rows, [over]);
    assert_eq!(list(theirs, None, None).await.total, 0);
    assert_eq!(read(&store, move |reader| reader.delivery(theirs, id(10))).await, None);
}

pub(crate) async fn a_delivery_is_leased_when_it_is_due_and_by_one_at_a_time(store: Any) {
    let [one, ..] = with_endpoints(&store).await;
    with_deliveries(&store, &[10, 11, 30], &one).await;
    assert!(!read(&store, |reader| reader.has_due_deliveries(at(9))).await);
    assert!(read(&store, |reader| reader.has_due_deliveries(at(11))).await);
    assert_eq!(lease(&store, 11, LIMITS).await, [10, 11]);
    assert!(!read(&store, |reader| reader.has_due_deliveries(at(12))).await);
    assert_eq!(lease(&store, 12, LIMITS).await, []);
    assert_eq!(lease(&store, 71, LIMITS).await, [10, 11, 30], "leases run out");
    let (account, first) = (one.account, id(10));
    let tried = read(&store, move |reader| reader.delivery(account, first)).await.unwrap();
    assert_eq!(tried.attempts, 2);
    let later = Delivery { next_at: Some(at(500)), ..tried };
    write(&store, move |writer| writer.update_delivery(&later)).await;
    assert_eq!(write(&store, |writer| writer.release_deliveries()).await, 2);
    assert_eq!(lease(&store, 72, LIMITS).await, [11, 30], "leases are given back, and 10 waits");
}

pub(crate) async fn one_endpoint_takes_no_others_place(store: Any) {
    let [one, two, foreign] = with_endpoints(&store).await;
    with_deliveries(&store, &[10, 11, 12, 13], &one).await;
    with_deliveries(&store, &[20], &two).await;
    with_deliveries(&store, &[25], &foreign).await;
    let limits = DeliveryLimits { lease: 3, endpoint: 2 };
    assert_eq!(lease(&store, 100, limits).await, [10, 11, 20]);
    assert_eq!(lease(&store, 101, limits).await, [25], "the first endpoint has two under way");
    let done = Delivery { status: Status::Delivered, next_at: None, ..delivery(10, &one) };
    write(&store, move |writer| writer.update_delivery(&done)).await;
    assert_eq!(lease(&store, 102, limits).await, [12]);
}

pub(crate) async fn what_is_given_up_or_old_goes(store: Any) {
    let [one, two, _] = with_endpoints(&store).await;
    with_deliveries(&store, &[10, 11, 12], &one).await;
    with_deliveries(&store, &[20], &two).await;
    let (account, of) = (one.account, one.id);
    lease(&store, 10, LIMITS).await;
    assert_eq!(write(&store, move |writer| writer.fail_deliveries(of, "turned off")).await, 3);
    let failed = read(&store, move |reader| reader.delivery(account, id(10))).await.unwrap();
    assert_eq!((failed.status, failed.next_at), (Status::Failed, None));
    assert_eq!(failed.last_error.as_deref(), Some("turned off"));
    assert_eq!(lease(&store, 100, LIMITS).await, [20]);
    let remove = |before, max| {
        write(&store, move |writer| writer.remove_deliveries(at(before), Limit::clamped(max, 10)))
    };
    assert_eq!(remove(12, 1).await, 1);
    assert_eq!(remove(12, 10).await, 1, "12 is not old enough");
    assert_eq!(remove(1_000, 10).await, 1, "20 is pending");
}
