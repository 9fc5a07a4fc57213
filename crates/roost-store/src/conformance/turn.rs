use roost_domain::id::TurnId;
use roost_ports::store::{Turn, TurnPhase};

use super::{Any, agent, at, id, read, session, turn, world, write};

pub(crate) async fn turns_are_open_until_they_end(store: Any) {
    let world = world(&store).await;
    write(&store, move |writer| {
        let owner = agent(10, world.account);
        writer.insert_session(&session(101, &owner))?;
        // The order is that of their coming, whatever their ids and times say.
        writer.insert_turn(&Turn { created_at: at(-5), ..turn(5, &session(100, &owner)) })?;
        writer.insert_turn(&turn(6, &session(101, &owner)))?;
        writer.insert_turn(&turn(4, &session(100, &owner)))?;
        writer.set_turn_phase(id(5), TurnPhase::Waiting)
    })
    .await;
    let ids = |turns: Vec<Turn>| turns.into_iter().map(|turn| turn.id).collect::<Vec<TurnId>>();
    let in_session = read(&store, move |reader| reader.open_turns(world.session)).await;
    assert_eq!(ids(in_session), [id(1_000), id(5), id(4)]);
    write(&store, move |writer| writer.set_turn_phase(world.turn, TurnPhase::Ended)).await;
    let of_agent = read(&store, move |reader| reader.open_turns_of(world.agent)).await;
    assert_eq!(ids(of_agent), [id(5), id(6), id(4)]);
}

pub(crate) async fn a_turn_that_is_over_stays_over(store: Any) {
    let world = world(&store).await;
    let mut phases = Vec::new();
    for phase in [TurnPhase::Active, TurnPhase::Ended, TurnPhase::Queued] {
        write(&store, move |writer| writer.set_turn_phase(world.turn, phase)).await;
        phases.push(read(&store, move |reader| reader.turn(world.turn)).await.unwrap().phase);
    }
    assert_eq!(phases, [TurnPhase::Active, TurnPhase::Ended, TurnPhase::Ended]);
}
