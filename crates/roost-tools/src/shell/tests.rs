use roost_domain::gate::Profile;
use roost_domain::tool::ToolStatus;
use roost_ports::tool::{Injections, Plan, Tools};

use super::*;
use crate::HttpOptions;
use crate::tests::{FakeMachine, Piece, call, permit, run_on, spec as machine_spec, tools};

fn exit(status: ExitStatus) -> Exit {
    Exit { status, took: Duration::from_millis(1300), dropped: Bytes(0) }
}

#[tokio::test]
async fn both_streams_come_as_they_were_written_also_while_the_command_runs() {
    let machine = FakeMachine::new(&[]);
    // The euro sign of each stream is cut in the middle, by a piece of the other stream.
    *machine.prints.lock().unwrap() = vec![
        Piece::Out(b"a \xe2\x82".to_vec()),
        Piece::Err(b"b \xe2".to_vec()),
        Piece::Out(b"\xac\n".to_vec()),
        Piece::Err(b"\x82\xac\n".to_vec()),
        Piece::Out(b"\xff".to_vec()),
    ];
    let tools = tools(Some(machine), HttpOptions::system());
    let call = call(NAME, json!({"command": "both"}));
    let Plan::Act { action, idempotent } = tools.plan(&call).unwrap() else { panic!() };
    assert!(!idempotent);
    let mut shown = String::new();
    let spec = machine_spec(Profile::Standard, &[], &[]);
    let outcome = tools
        .run(&permit(&call, action), &call, &spec, &Injections::default(), &mut |text| shown.push_str(text))
        .await;
    assert_eq!(shown, "a b €\n€\n\u{fffd}");
    assert_eq!(outcome.text, "a b €\n€\n\u{fffd}\n[exit code 0 after 1.3 s]");
    assert_eq!(outcome.status, ToolStatus::Done);
}

#[tokio::test]
async fn the_result_names_how_the_command_ended() {
    let table = [
        (ExitStatus::Code(2), ToolStatus::Done, "[no output]\n[exit code 2 after 1.3 s]"),
        (ExitStatus::Signal(11), ToolStatus::Done, "[no output]\n[ended by signal 11, SIGSEGV after 1.3 s]"),
        (
            ExitStatus::TimedOut,
            ToolStatus::Failed,
            "[no output]\n[killed: not done after 7 s. Give a larger timeout_s (up to 600) or do less at once]",
        ),
        (
            ExitStatus::OutOfMemory,
            ToolStatus::Failed,
            "[no output]\n[killed after 1.3 s: the machine's memory was used up. Use less memory at once]",
        ),
    ];
    for (status, expected, text) in table {
        let machine = FakeMachine::new(&[]);
        *machine.exit.lock().unwrap() = exit(status);
        let outcome = run_on(&machine, NAME, json!({"command": "x", "timeout_s": 7})).await;
        assert_eq!((outcome.status, outcome.text.as_str()), (expected, text));
        assert_eq!(machine.commands.lock().unwrap()[0].timeout, Duration::from_secs(7));
    }
}

#[tokio::test]
async fn long_output_keeps_its_head_and_tail_and_tells_what_is_missing() {
    let machine = FakeMachine::new(&[]);
    let lines: String = (0..40_000).map(|number| format!("line {number}\n")).collect();
    *machine.prints.lock().unwrap() =
        lines.as_bytes().chunks(1000).map(|piece| Piece::Out(piece.to_vec())).collect();
    let dropped = Exit { dropped: Bytes::mib(3), ..exit(ExitStatus::Code(0)) };
    *machine.exit.lock().unwrap() = dropped;
    let outcome = run_on(&machine, NAME, json!({"command": "seq"})).await;
    assert!(outcome.text.starts_with("line 0\nline 1\n"));
    let left_out = lines.len() - TEXT_CAP;
    assert!(outcome.text.contains(&format!("\n[{left_out} bytes left out here]\n")), "{left_out}");
    assert!(
        outcome.text.ends_with("line 39999\n[3MiB more of output was not kept]\n[exit code 0 after 1.3 s]")
    );
    assert!(outcome.text.len() < TEXT_CAP + 200);
}

#[tokio::test]
async fn what_is_shown_while_a_command_runs_is_bounded() {
    let machine = FakeMachine::new(&[]);
    *machine.prints.lock().unwrap() = vec![Piece::Out(vec![b'x'; 300 * 1024]); 8];
    let tools = tools(Some(machine), HttpOptions::system());
    let call = call(NAME, json!({"command": "yes"}));
    let permit = permit(&call, Action::RunCommand { command: "yes".to_owned() });
    let mut shown = String::new();
    let spec = machine_spec(Profile::Standard, &[], &[]);
    tools.run(&permit, &call, &spec, &Injections::default(), &mut |text| shown.push_str(text)).await;
    assert!(shown.len() < PROGRESS_CAP + 100, "{}", shown.len());
    assert!(shown.ends_with("\n[what follows is not shown while it runs]\n"));
}

#[test]
fn the_time_a_command_has_is_60_seconds_unless_said() {
    assert_eq!(Shell::read(&json!({"command": "x"})).unwrap().timeout, Duration::from_secs(60));
    assert_eq!(
        Shell::read(&json!({"command": "x", "timeout_s": 600})).unwrap().timeout,
        Duration::from_secs(600)
    );
}

#[test]
fn what_no_shell_can_run_is_refused() {
    for command in [" \n".to_owned(), "a\0b".to_owned(), "x".repeat(COMMAND_MAX + 1)] {
        let problem = Shell::read(&json!({"command": command})).unwrap_err().0;
        assert!(problem.starts_with("shell: `command` is "), "{problem}");
    }
}
