use std::time::Duration;

use roost_domain::event::Problem;
use roost_domain::id::{AccountId, AgentId, TriggerId};
use roost_domain::page::Limit;
use roost_domain::trigger::{Fire, Outcome, Standing};
use roost_domain::workflow::{MissedFires, Trigger, TriggerKind};
use roost_ports::store::{Error, MessageHash, TriggerSecrets, Writer};
use roost_ports::vault::{KeyHash, Sealed};
use serde_json::json;

use super::{Any, account, agent, at, id, read, world, write};

fn trigger(number: u128, account: AccountId, agent: AgentId) -> Standing {
    let kind = TriggerKind::Cron {
        expression: "0 6 * * *".into(),
        timezone: "UTC".into(),
        missed: MissedFires::Once,
    };
    Standing {
        id: id(number),
        account,
        agent,
        trigger: Trigger { name: format!("trigger {number}"), kind, input: None },
        next_at: None,
        running: None,
        cursor: None,
        fired: 0,
        failed: 0,
        last: None,
        created_at: at(1),
    }
}

fn secrets(number: u8) -> TriggerSecrets {
    TriggerSecrets {
        token_hash: KeyHash([number; 32]),
        token: Sealed(vec![number, 1]),
        secret: Sealed(vec![number, 2]),
        before: None,
    }
}

fn limit(rows: u32) -> Limit {
    Limit::clamped(rows, 1_000)
}

/// Triggers 1, 2, 3, … of the world's agent.
async fn with_triggers<const N: usize>(
    store: &Any,
    change: impl Fn(&mut Standing) + Send + 'static,
) -> [Standing; N] {
    let world = world(store).await;
    write(store, move |writer| {
        let made = std::array::from_fn(|index| {
            let mut made = trigger(index as u128 + 1, world.account, world.agent);
            change(&mut made);
            made
        });
        made.iter().try_for_each(|one| writer.insert_trigger(one))?;
        Ok(made)
    })
    .await
}

fn ids(triggers: &[TriggerId]) -> Vec<u128> {
    triggers.iter().map(|id| id.uuid().as_u128()).collect()
}

pub(crate) async fn a_trigger_reads_back_as_it_was_written_and_changed(store: Any) {
    let [one, two] = with_triggers(&store, |_| ()).await;
    let (account, agent, first) = (one.account, one.agent, one.id);
    assert_eq!(read(&store, move |reader| reader.trigger(first)).await.as_ref(), Some(&one));
    let problem = Problem { code: "agent_in_error".into(), message: "größer".into() };
    let mut changed = Standing {
        trigger: Trigger {
            kind: TriggerKind::Continuous { delay: Duration::from_secs(5) },
            input: Some(json!({"at": "{{ event.due_at }}"})),
            ..one.trigger.clone()
        },
        next_at: Some(at(7)),
        running: Some(id(70)),
        cursor: Some(json!(["a", 1])),
        fired: 3,
        failed: 2,
        last: Some(Fire { due_at: at(5), at: at(6), outcome: Outcome::NotBegun(problem) }),
        ..one.clone()
    };
    for outcome in [None, Some(Outcome::Begun(id(70)))] {
        if let (Some(outcome), Some(last)) = (outcome, changed.last.as_mut()) {
            last.outcome = outcome;
        }
        let written = changed.clone();
        write(&store, move |writer| writer.update_trigger(&written)).await;
        let found = read(&store, move |reader| reader.trigger_named(agent, "trigger 1")).await;
        assert_eq!(found.as_ref(), Some(&changed));
    }
    assert_eq!(read(&store, move |reader| reader.triggers_of(account, agent)).await, [changed, two]);
    let stranger = super::account(2).id;
    assert_eq!(read(&store, move |reader| reader.triggers_of(stranger, agent)).await, []);
    assert_eq!(read(&store, move |reader| reader.trigger_named(agent, "trigger")).await, None);
    let same_name = Standing { id: id(99), ..one };
    let again = store.write(move |writer| writer.insert_trigger(&same_name)).await;
    assert!(matches!(again, Err(Error::Exists { what: "trigger" })), "{again:?}");
}

pub(crate) async fn a_trigger_is_found_by_its_address(store: Any) {
    let [one, two] = with_triggers(&store, |_| ()).await;
    let (first, second) = (one.id, two.id);
    assert_eq!(read(&store, move |reader| reader.trigger_secrets(first)).await, None);
    let with_before = TriggerSecrets { before: Some((Sealed(vec![9]), at(50))), ..secrets(1) };
    let written = with_before.clone();
    write(&store, move |writer| writer.put_trigger_secrets(first, Some(&written))).await;
    assert_eq!(read(&store, move |reader| reader.trigger_secrets(first)).await, Some(with_before));
    assert_eq!(read(&store, |reader| reader.trigger_at(&KeyHash([1; 32]))).await, Some(one));
    assert_eq!(read(&store, |reader| reader.trigger_at(&KeyHash([2; 32]))).await, None);
    let taken = store.write(move |writer| writer.put_trigger_secrets(second, Some(&secrets(1)))).await;
    assert!(matches!(taken, Err(Error::Exists { .. })), "{taken:?}");
    write(&store, move |writer| writer.put_trigger_secrets(first, None)).await;
    assert_eq!(read(&store, |reader| reader.trigger_at(&KeyHash([1; 32]))).await, None);
}

pub(crate) async fn triggers_are_due_in_order_and_those_without_a_time_never(store: Any) {
    assert_eq!(read(&store, |reader| reader.next_trigger_at()).await, None);
    let [one, two, three, _] = with_triggers(&store, |_| ()).await;
    write(&store, move |writer| {
        for (trigger, next_at) in [(one, 30), (two, 10), (three, 20)] {
            writer.update_trigger(&Standing { next_at: Some(at(next_at)), ..trigger })?;
        }
        Ok(())
    })
    .await;
    let due =
        async |now, most| ids(&read(&store, move |reader| reader.due_triggers(at(now), limit(most))).await);
    assert_eq!(due(9, 10).await, [] as [u128; 0]);
    assert_eq!(due(10, 10).await, [2], "on the dot");
    assert_eq!(due(1_000, 10).await, [2, 3, 1]);
    assert_eq!(due(1_000, 2).await, [2, 3]);
    assert_eq!(read(&store, |reader| reader.next_trigger_at()).await, Some(at(10)));
}

pub(crate) async fn a_trigger_fires_once_for_each_time(store: Any) {
    let [one, two] = with_triggers(&store, |_| ()).await;
    let (first, second) = (one.id, two.id);
    let fire = |due: i64| Fire { due_at: at(due), at: at(due + 1), outcome: Outcome::Begun(id(7)) };
    let problem = Problem { code: "missed".into(), message: "no server was up".into() };
    let not_begun = Fire { outcome: Outcome::NotBegun(problem), ..fire(20) };
    let written = not_begun.clone();
    write(&store, move |writer| {
        writer.insert_fire(first, &fire(10))?;
        writer.insert_fire(first, &written)?;
        writer.insert_fire(second, &fire(10))
    })
    .await;
    for (due, expected) in [(10, true), (20, true), (11, false)] {
        assert_eq!(read(&store, move |reader| reader.has_fired(first, at(due))).await, expected, "{due}");
    }
    let again = store.write(move |writer| writer.insert_fire(first, &fire(10))).await;
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
    let fires = async |most| read(&store, move |reader| reader.trigger_fires(first, limit(most))).await;
    assert_eq!(fires(10).await, [not_begun.clone(), fire(10)], "newest first");
    assert_eq!(fires(1).await.len(), 1);
    assert_eq!(write(&store, |writer| writer.forget_fires(at(11), limit(10))).await, 0, "before, not at");
    assert_eq!(write(&store, |writer| writer.forget_fires(at(12), limit(1))).await, 1);
    assert_eq!(write(&store, |writer| writer.forget_fires(at(12), limit(10))).await, 1);
    assert_eq!(fires(10).await, [not_begun]);
}

pub(crate) async fn a_message_is_remembered_with_its_run_until_it_is_forgotten(store: Any) {
    let [one, two] = with_triggers(&store, |_| ()).await;
    let (first, second) = (one.id, two.id);
    let message = MessageHash([3; 32]);
    write(&store, move |writer| writer.insert_message(first, &message, id(7), at(10))).await;
    assert_eq!(read(&store, move |reader| reader.run_of_message(first, &message)).await, Some(id(7)));
    assert_eq!(read(&store, move |reader| reader.run_of_message(second, &message)).await, None);
    assert_eq!(read(&store, move |reader| reader.run_of_message(first, &MessageHash([4; 32]))).await, None);
    let again = store.write(move |writer| writer.insert_message(first, &message, id(8), at(11))).await;
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
    assert_eq!(write(&store, |writer| writer.forget_fires(at(11), limit(10))).await, 1);
    assert_eq!(read(&store, move |reader| reader.run_of_message(first, &message)).await, None);
    // Some are remembered until they are let go.
    for trigger in [first, second] {
        let insert = move |writer: &mut dyn Writer| {
            writer.insert_message(trigger, &message, id(7), jiff::Timestamp::MAX)
        };
        write(&store, insert).await;
    }
    assert_eq!(write(&store, |writer| writer.forget_fires(at(1_000), limit(10))).await, 0);
    write(&store, move |writer| writer.release_messages(first, at(20))).await;
    assert_eq!(write(&store, |writer| writer.forget_fires(at(1_000), limit(10))).await, 1);
    assert_eq!(read(&store, move |reader| reader.run_of_message(second, &message)).await, Some(id(7)));
}

pub(crate) async fn a_trigger_that_waits_for_a_run_is_found_by_it(store: Any) {
    let [one, two, three] = with_triggers(&store, |_| ()).await;
    let waiting = Standing { running: Some(id(70)), ..two };
    let other = Standing { running: Some(id(71)), ..three };
    let written = [waiting.clone(), other.clone()];
    write(&store, move |writer| written.iter().try_for_each(|one| writer.update_trigger(one))).await;
    assert_eq!(read(&store, |reader| reader.trigger_after(id(70))).await, Some(waiting.clone()));
    assert_eq!(read(&store, |reader| reader.trigger_after(id(72))).await, None);
    let listed =
        async |after, most| read(&store, move |reader| reader.waiting_triggers(after, limit(most))).await;
    assert_eq!(listed(None, 10).await, [(waiting.id, id(70)), (other.id, id(71))]);
    assert_eq!(listed(None, 1).await, [(waiting.id, id(70))]);
    assert_eq!(listed(Some(waiting.id), 10).await, [(other.id, id(71))]);
    assert_eq!(listed(Some(one.id), 1).await, [(waiting.id, id(70))]);
}

pub(crate) async fn triggers_go_with_their_agent(store: Any) {
    let [one] = with_triggers(&store, |trigger| trigger.next_at = Some(at(1))).await;
    let (account_id, agent_id, first) = (one.account, one.agent, one.id);
    write(&store, move |writer| {
        let other = agent(20, account_id);
        writer.insert_agent(&other)?;
        writer.insert_trigger(&trigger(2, account_id, other.id))?;
        for number in [1, 2] {
            let fire = Fire { due_at: at(1), at: at(1), outcome: Outcome::Begun(id(7)) };
            writer.insert_fire(id(number), &fire)?;
            writer.insert_message(id(number), &MessageHash([1; 32]), id(7), at(1))?;
        }
        writer.delete_agent(account(1).id, agent_id, at(9))
    })
    .await;
    assert_eq!(read(&store, move |reader| reader.trigger(first)).await, None);
    assert_eq!(read(&store, move |reader| reader.trigger_fires(first, limit(9))).await, []);
    assert_eq!(read(&store, |reader| reader.due_triggers(at(99), limit(9))).await, []);
    let second: TriggerId = id(2);
    assert_eq!(read(&store, move |reader| reader.trigger_fires(second, limit(9))).await.len(), 1);
    write(&store, move |writer| writer.delete_trigger(second)).await;
    assert_eq!(read(&store, move |reader| reader.trigger(second)).await, None);
    assert_eq!(read(&store, move |reader| reader.run_of_message(second, &MessageHash([1; 32]))).await, None);
}
