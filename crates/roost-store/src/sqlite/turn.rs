use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_ports::store::{Error, Turn, TurnPhase, Turns, TurnsMut};
use rusqlite::params;

use super::{Columns, Noun, Tx, micros, noun};

const TURN: Noun = noun!("turn");

impl Turns for Tx<'_> {
    fn turn(&self, id: TurnId) -> Result<Option<Turn>, Error> {
        self.first(
            TURN,
            "select id, account_id, agent_id, session_id, phase, created_at from turns where id = $1",
            params![id.uuid().as_bytes()],
            turn,
        )
    }

    fn open_turns(&self, session: SessionId) -> Result<Vec<Turn>, Error> {
        self.all(
            TURN,
            "select id, account_id, agent_id, session_id, phase, created_at
             from turns where session_id = $1 and phase in ('queued', 'active', 'waiting')
             order by position limit 1000",
            params![session.uuid().as_bytes()],
            turn,
        )
    }

    fn open_turns_of(&self, agent: AgentId) -> Result<Vec<Turn>, Error> {
        self.all(
            TURN,
            "select id, account_id, agent_id, session_id, phase, created_at
             from turns where agent_id = $1 and phase in ('queued', 'active', 'waiting')
             order by position limit 10000",
            params![agent.uuid().as_bytes()],
            turn,
        )
    }
}

impl TurnsMut for Tx<'_> {
    fn insert_turn(&mut self, turn: &Turn) -> Result<(), Error> {
        self.change_one(
            TURN,
            "insert into turns (id, account_id, agent_id, session_id, phase, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            params![
                turn.id.uuid().as_bytes(),
                turn.account.uuid().as_bytes(),
                turn.agent.uuid().as_bytes(),
                turn.session.uuid().as_bytes(),
                turn.phase.name(),
                micros(turn.created_at),
            ],
        )
    }

    fn set_turn_phase(&mut self, id: TurnId, phase: TurnPhase) -> Result<(), Error> {
        self.change(
            TURN,
            "update turns set phase = $1 where id = $2 and phase <> 'ended'",
            params![phase.name(), id.uuid().as_bytes()],
        )
        .map(|_rows| ())
    }
}

fn turn(columns: &mut Columns<'_>) -> Result<Turn, Error> {
    Ok(Turn {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        session: columns.id()?,
        phase: columns.named(&TurnPhase::ALL, TurnPhase::name)?,
        created_at: columns.time()?,
    })
}
