use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::tool::ToolCallId;
use roost_ports::store::{Caller, Error, OfRun, Turn, TurnPhase, Turns, TurnsMut};
use rusqlite::params;

use super::{Columns, Noun, Tx, corrupt, failed, micros, noun};

const TURN: Noun = noun!("turn");

impl Turns for Tx<'_> {
    fn turn(&self, id: TurnId) -> Result<Option<Turn>, Error> {
        self.first(
            TURN,
            "select id, account_id, agent_id, session_id, phase, created_at,
                    caller_turn, caller_agent, caller_session, caller_call, caller_above,
                    run_id, run_step, run_attempt, run_criterion
             from turns where id = $1",
            params![id.uuid().as_bytes()],
            turn,
        )
    }

    fn open_turns(&self, session: SessionId) -> Result<Vec<Turn>, Error> {
        self.all(
            TURN,
            "select id, account_id, agent_id, session_id, phase, created_at,
                    caller_turn, caller_agent, caller_session, caller_call, caller_above,
                    run_id, run_step, run_attempt, run_criterion
             from turns where session_id = $1 and phase in ('queued', 'active', 'waiting')
             order by position limit 1000",
            params![session.uuid().as_bytes()],
            turn,
        )
    }

    fn open_turns_of(&self, agent: AgentId) -> Result<Vec<Turn>, Error> {
        self.all(
            TURN,
            "select id, account_id, agent_id, session_id, phase, created_at,
                    caller_turn, caller_agent, caller_session, caller_call, caller_above,
                    run_id, run_step, run_attempt, run_criterion
             from turns where agent_id = $1 and phase in ('queued', 'active', 'waiting')
             order by position limit 10000",
            params![agent.uuid().as_bytes()],
            turn,
        )
    }

    fn turns_for(&self, caller: TurnId) -> Result<Vec<Turn>, Error> {
        self.all(
            TURN,
            "select id, account_id, agent_id, session_id, phase, created_at,
                    caller_turn, caller_agent, caller_session, caller_call, caller_above,
                    run_id, run_step, run_attempt, run_criterion
             from turns where caller_turn = $1 order by position limit 1000",
            params![caller.uuid().as_bytes()],
            turn,
        )
    }
}

impl TurnsMut for Tx<'_> {
    fn insert_turn(&mut self, turn: &Turn) -> Result<(), Error> {
        let (caller, run) = (turn.caller.as_ref(), turn.run.as_ref());
        let ids = |caller: &Caller| caller.above.iter().map(ToString::to_string).collect::<Vec<_>>();
        let above = caller.map(|caller| serde_json::to_string(&ids(caller))).transpose();
        let above = above.map_err(|error| failed(TURN.writing, error))?;
        self.change_one(
            TURN,
            "insert into turns (id, account_id, agent_id, session_id, phase, created_at,
                 caller_turn, caller_agent, caller_session, caller_call, caller_above,
                 run_id, run_step, run_attempt, run_criterion)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            params![
                turn.id.uuid().as_bytes(),
                turn.account.uuid().as_bytes(),
                turn.agent.uuid().as_bytes(),
                turn.session.uuid().as_bytes(),
                turn.phase.name(),
                micros(turn.created_at),
                caller.map(|caller| caller.turn.uuid().into_bytes()),
                caller.map(|caller| caller.agent.uuid().into_bytes()),
                caller.map(|caller| caller.session.uuid().into_bytes()),
                caller.map(|caller| caller.call.as_str()),
                above,
                run.map(|run| run.run.uuid().into_bytes()),
                run.map(|run| run.step.to_string()),
                run.map(|run| run.attempt),
                run.and_then(|run| run.criterion),
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
        caller: caller(columns)?,
        run: of_run(columns)?,
    })
}

fn of_run(columns: &mut Columns<'_>) -> Result<Option<OfRun>, Error> {
    let (run, step) = (columns.id_if_any()?, columns.take::<Option<String>>()?);
    let (attempt, criterion) = (columns.take::<Option<u32>>()?, columns.take()?);
    let (Some(run), Some(step), Some(attempt)) = (run, step, attempt) else { return Ok(None) };
    let step = step.parse().map_err(|error| corrupt(TURN.name, error))?;
    Ok(Some(OfRun { run, step, attempt, criterion }))
}

fn caller(columns: &mut Columns<'_>) -> Result<Option<Caller>, Error> {
    let (turn, agent, session) = (columns.id_if_any()?, columns.id_if_any()?, columns.id_if_any()?);
    let (call, above): (Option<String>, Option<String>) = (columns.take()?, columns.take()?);
    let (Some(turn), Some(agent), Some(session), Some(call), Some(above)) =
        (turn, agent, session, call, above)
    else {
        return Ok(None);
    };
    let above: Vec<String> = serde_json::from_str(&above).map_err(|error| corrupt(TURN.name, error))?;
    let above = above.iter().map(|id| id.parse()).collect::<Result<_, _>>();
    let above = above.map_err(|error| corrupt(TURN.name, error))?;
    Ok(Some(Caller { turn, agent, session, call: ToolCallId::from_text(call), above }))
}
