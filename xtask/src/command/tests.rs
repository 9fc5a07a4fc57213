use super::*;

fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[test]
fn lines_of_both_outputs_arrive_and_the_end_is_told() {
    let mut seen = Vec::new();
    let ended = run(&mut shell("echo one; echo two >&2; printf three"), soon(), &mut |line| {
        seen.push(line.to_owned())
    });
    seen.sort();
    assert_eq!(ended.unwrap(), Ended::Well);
    assert_eq!(seen, ["one", "three", "two"]);
    assert_eq!(run(&mut shell("exit 3"), soon(), &mut |_| {}).unwrap(), Ended::Badly);
    assert_eq!(run(&mut shell("kill -9 $$"), soon(), &mut |_| {}).unwrap(), Ended::Badly);
}

#[test]
fn a_command_has_no_input_to_wait_for() {
    assert_eq!(run(&mut shell("cat"), soon(), &mut |_| {}).unwrap(), Ended::Well);
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let began = Instant::now();
    let deadline = began + Duration::from_millis(200);
    assert_eq!(run(&mut shell("exec sleep 600"), deadline, &mut |_| {}).unwrap(), Ended::OutOfTime);
    assert!(began.elapsed() < GRACE, "it was asked to end and did");
}

#[test]
fn a_command_that_does_not_exist_is_an_error_that_names_it() {
    let error = run(&mut Command::new("no-such-program"), soon(), &mut |_| {}).unwrap_err();
    assert!(format!("{error:#}").contains("no-such-program"), "{error:#}");
    assert!(!works(&mut Command::new("no-such-program")) && works(&mut shell("true")));
}
