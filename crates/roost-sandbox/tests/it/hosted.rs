//! What machines have that host somebody else's runtime.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use roost_domain::unit::Bytes;
use roost_ports::machine::{Command, ExitStatus, Hosted, Output};

use crate::driver::Driver;
use crate::escape::Jail;

/// A machine that shows a directory to which only the server knows the way, and whose door leads to a listener.
async fn hosting(driver: Driver) -> (Jail, TcpListener, tempfile::TempDir) {
    let place = tempfile::tempdir().unwrap();
    let programs = place.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    std::fs::write(programs.join("tool"), "#!/bin/sh\necho ran $1\n").unwrap();
    for path in [programs.clone(), programs.join("tool")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let door = listener.local_addr().unwrap();
    let jail = Jail::with(driver, |bench| bench.spec.hosted = Some(Hosted { programs, door })).await;
    (jail, listener, place)
}

pub(crate) async fn the_programs_can_be_run_and_not_changed(driver: Driver) {
    let (jail, _listener, place) = hosting(driver).await;
    assert_eq!(jail.say("/opt/runtime/tool well").await, "ran well\n");
    for line in
        ["echo x > /opt/runtime/tool", "echo x > /opt/runtime/new", "rm /opt/runtime/tool", "mkdir /opt/x"]
    {
        assert_ne!(jail.bench.run(line).await.exit.status, ExitStatus::Code(0), "{line}");
    }
    assert_ne!(
        jail.bench.run(&format!("ls {}", place.path().display())).await.exit.status,
        ExitStatus::Code(0)
    );
}

pub(crate) async fn the_door_leads_to_the_service_and_nowhere_else(driver: Driver) {
    let (jail, listener, _place) = hosting(driver).await;
    let serve = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nserved").unwrap();
        heard
    });
    let said = jail.say("./probe proxy 'POST /v1/chat/completions'").await;
    assert!(said.ends_with("served\n"), "{said}");
    let heard = serve.join().unwrap();
    assert!(
        heard.starts_with("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"),
        "{heard}"
    );
    assert!(heard.ends_with("hello"), "{heard}");
    assert!(jail.attempts.0.lock().unwrap().is_empty(), "it is no connection to a host");
    let other = Jail::new(driver).await;
    let said = other.say("./probe proxy 'POST /v1/chat/completions'").await;
    assert!(said.starts_with("HTTP/1.1 400"), "a machine that hosts nothing: {said}");
}

pub(crate) async fn what_listens_inside_can_be_dialled_and_lets_the_machine_idle(driver: Driver) {
    let (jail, _listener, _place) = hosting(driver).await;
    let machine = jail.bench.open().await;
    let permit = jail.bench.may_run("./probe echo 7000");
    assert!(machine.dial(&permit, 7000).await.is_err(), "nobody listens yet");
    let hour = Duration::from_secs(3600);
    let command = Command { line: "./probe echo 7000".to_owned(), timeout: hour, output_cap: Bytes::mib(1) };
    let (said, mut has_said) = tokio::sync::watch::channel(false);
    let mut take = |piece: Output<'_>| {
        if matches!(piece, Output::Stdout(b"listening\n")) {
            said.send_replace(true);
        }
    };
    let speak = async {
        has_said.wait_for(|said| *said).await.unwrap();
        for n in 0..3 {
            let mut socket = machine.dial(&permit, 7000).await.unwrap();
            let heard = tokio::task::spawn_blocking(move || {
                socket.set_nonblocking(false).unwrap();
                socket.write_all(format!("word {n}").as_bytes()).unwrap();
                socket.shutdown(std::net::Shutdown::Write).unwrap();
                let mut heard = String::new();
                socket.read_to_string(&mut heard).map(|_| heard)
            });
            assert_eq!(heard.await.unwrap().unwrap(), format!("heard word {n}"));
        }
        assert!(jail.machines.idle(Duration::ZERO).contains(&jail.bench.agent), "it is idle while it serves");
        jail.machines.freeze(jail.bench.agent).await.unwrap();
        let mut socket = machine.dial(&permit, 7000).await.unwrap();
        assert!(socket.write_all(b"thawed").is_ok());
        jail.machines.stop(jail.bench.agent).await.unwrap();
    };
    let (ended, ()) = tokio::join!(machine.serve(&permit, command, &mut take), speak);
    assert!(matches!(ended, Err(roost_ports::machine::Error::Gone)), "{ended:?}");
}

crate::driver::for_each_driver!(
    the_programs_can_be_run_and_not_changed,
    the_door_leads_to_the_service_and_nowhere_else,
    what_listens_inside_can_be_dialled_and_lets_the_machine_idle,
);
