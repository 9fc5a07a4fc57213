//! Trying to get out of a machine, by commands that run in it.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use roost_domain::gate::Profile;
use roost_ports::machine::{Error, ExitStatus, Machines};
use roost_sandbox::conformance::Bench;

use crate::driver::{Attempts, Driver, machines};

/// A machine with the probe in its workspace.
pub(crate) struct Jail {
    pub(crate) bench: Bench,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) machines: Arc<dyn Machines>,
    pub(crate) driver: Driver,
    pub(crate) dir: tempfile::TempDir,
}

impl Jail {
    pub(crate) async fn new(driver: Driver) -> Self {
        Self::with(driver, |_| {}).await
    }

    pub(crate) async fn with(driver: Driver, change: impl FnOnce(&mut Bench)) -> Self {
        let attempts = Arc::new(Attempts::default());
        let (dir, machines) = machines(driver, Arc::clone(&attempts)).await;
        let mut bench = Bench::new(Arc::clone(&machines));
        change(&mut bench);
        let jail = Self { bench, attempts, machines, driver, dir };
        let probe = std::fs::read(env!("CARGO_BIN_EXE_roost-probe")).unwrap();
        let machine = jail.bench.open().await;
        machine.write(&jail.bench.may_write(), "probe", &probe).await.unwrap();
        assert_eq!(jail.say("chmod 755 probe && ./probe spin 0").await, "spun\n");
        jail
    }

    /// Runs a command and returns what it said on both channels.
    pub(crate) async fn say(&self, line: &str) -> String {
        let ran = self.bench.run(line).await;
        format!("{}{}", ran.stdout, ran.stderr)
    }
}

pub(crate) async fn only_the_system_and_the_workspace_are_there(driver: Driver) {
    let jail = Jail::new(driver).await;
    let allowed = "bin dev etc lib lib32 lib64 libexec libx32 proc run sbin tmp usr var workspace"
        .split(' ')
        .collect::<Vec<_>>();
    let top = jail.say("ls -A /").await;
    // An engine puts a mark and an empty place for what is known of the hardware there.
    let added = |name: &str| driver == Driver::Docker && [".dockerenv", "sys"].contains(&name);
    assert!(top.lines().all(|name| allowed.contains(&name) || added(name)), "{top}");
    assert!(top.contains("workspace"), "{top}");
    let devices = jail.say("ls -A /dev").await;
    let expected = ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"];
    let engines =
        |name: &str| driver == Driver::Docker && ["core", "mqueue", "ptmx", "pts", "tty"].contains(&name);
    assert_eq!(devices.lines().filter(|name| !engines(name)).collect::<Vec<_>>(), expected);
    assert_eq!(jail.say("hostname 2>/dev/null || cat /proc/sys/kernel/hostname").await, "machine\n");
    let shadow = jail.say("cat /etc/shadow /etc/machine-id /etc/ssh/* 2>&1; ls /etc/ssl/private 2>&1").await;
    assert!(shadow.lines().all(|line| line.contains("No such file")), "{shadow}");
}

pub(crate) async fn another_agents_workspace_cannot_be_found(driver: Driver) {
    let jail = Jail::new(driver).await;
    let other = jail.bench.other();
    other.write("secret", "the other's secret\n").await;
    let path = jail.dir.path().join("machines").join(other.agent.uuid().to_string());
    assert!(path.join("secret").exists());
    let mine = jail.dir.path().join("machines").join(jail.bench.agent.uuid().to_string());
    let found = jail.say(&format!("cat {0}/secret; ls {0}; ls {1}", path.display(), mine.display())).await;
    assert!(found.lines().all(|line| line.contains("No such file")), "{found}");
    let found =
        jail.say(&format!("find / -name '*{}*' -not -path '/proc/*' 2>/dev/null", other.agent.uuid())).await;
    assert_eq!(found, "");
    if rustix::process::geteuid().is_root() {
        let (one, two) = (std::fs::metadata(&path).unwrap(), std::fs::metadata(&mine).unwrap());
        assert_ne!(one.uid(), two.uid(), "also the file system's own rights keep them apart");
        assert_eq!((one.mode() & 0o777, two.mode() & 0o777), (0o700, 0o700));
        assert!(one.uid() > 1_000_000 && two.uid() > 1_000_000);
    }
}

pub(crate) async fn nothing_of_the_server_is_in_sight(driver: Driver) {
    let jail = Jail::new(driver).await;
    let environment = jail
        .say("env; cat /proc/self/environ /proc/$PPID/environ /proc/1/environ 2>/dev/null | tr '\\0' '\\n'")
        .await;
    assert!(
        environment.contains("HOME=/workspace") && environment.contains("HTTPS_PROXY=http://127.0.0.1:3128")
    );
    assert!(!environment.contains("CARGO"), "the test's own environment shows: {environment}");
    // The listing's own descriptor is the fourth.
    let descriptors = jail.say("ls /proc/self/fd").await;
    assert_eq!(descriptors, "0\n1\n2\n3\n", "{}", jail.say("ls -l /proc/self/fd").await);
    for inside in ["environ", "fd", "maps", "mem", "cwd/", "root/", "exe", "fdinfo"] {
        let ran =
            jail.bench.run(&format!("ls /proc/1/{inside} > /dev/null && head -c 1 /proc/1/{inside}")).await;
        assert_ne!(ran.exit.status, ExitStatus::Code(0), "{inside}: {}", ran.stdout);
    }
    let processes = jail.say("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").await;
    assert!(!processes.contains("it-") && processes.contains("hands"), "host processes show: {processes}");
}

pub(crate) async fn the_system_cannot_be_changed(driver: Driver) {
    let jail = Jail::new(driver).await;
    for place in [
        "/",
        "/usr",
        "/usr/bin",
        "/usr/lib",
        "/bin",
        "/etc",
        "/etc/ssl",
        "/var",
        "/run",
        "/dev",
        "/proc",
        "/proc/sys/kernel",
    ] {
        let ran = jail.bench.run(&format!("echo x > {place}/made-by-a-probe")).await;
        assert_ne!(ran.exit.status, ExitStatus::Code(0), "{place}");
    }
    for line in [
        "echo x >> /etc/passwd",
        "echo x >> /bin/sh",
        "rm -f /usr/bin/env",
        "mv /usr/bin /usr/bin2",
        "echo b > /proc/sysrq-trigger; grep -q . /proc/sysrq-trigger",
        "echo 1 > /proc/sys/vm/drop_caches",
        "echo core > /proc/sys/kernel/core_pattern",
        "ls -A /sys | grep -q .",
        "head -c 1 /proc/kcore | grep -q .",
        "chmod 777 /usr",
    ] {
        let ran = jail.bench.run(line).await;
        assert_ne!(ran.exit.status, ExitStatus::Code(0), "{line}: {ran:?}");
    }
}

pub(crate) async fn no_privilege_is_left_and_none_can_be_had(driver: Driver) {
    let jail = Jail::new(driver).await;
    for process in ["self", "1"] {
        let status = jail.say(&format!("cat /proc/{process}/status")).await;
        let line = |name: &str| {
            status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim().to_owned()
        };
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(line(set), "0000000000000000", "{process} {set}");
        }
        assert_eq!((line("NoNewPrivs:").as_str(), line("Seccomp:").as_str()), ("1", "2"), "{process}");
        // A container's user is the one that owns the workspace on the host; a machine of the kernel's has its own
        // numbers.
        let uid = match jail.driver {
            Driver::Kernel => 1000,
            Driver::Docker => {
                let path = jail.dir.path().join("machines").join(jail.bench.agent.uuid().to_string());
                std::fs::metadata(path).unwrap().uid()
            }
        };
        assert_eq!(line("Uid:"), format!("{uid}\t{uid}\t{uid}\t{uid}"), "{process}");
    }
    for line in [
        "su -c id",
        "unshare -U true",
        "unshare -r id",
        "chroot / true",
        "mount -t tmpfs x /tmp",
        "mknod d b 8 0",
        "sudo id",
    ] {
        let ran = jail.bench.run(line).await;
        assert_ne!(ran.exit.status, ExitStatus::Code(0), "{line}: {ran:?}");
    }
    assert_eq!(
        jail.say("cp /bin/sh s && chmod 4755 s && ./s -c 'grep CapEff /proc/self/status'").await,
        "CapEff:\t0000000000000000\n"
    );
}

pub(crate) async fn dangerous_system_calls_are_refused(driver: Driver) {
    let jail = Jail::new(driver).await;
    let (eperm, enosys) = (format!("errno {}\n", libc::EPERM), format!("errno {}\n", libc::ENOSYS));
    let packet = [libc::AF_PACKET, libc::SOCK_RAW, 0].map(i64::from);
    let calls: &[(i64, &[i64])] = &[
        (libc::SYS_ptrace, &[16, 1]),
        (libc::SYS_process_vm_readv, &[1]),
        (libc::SYS_pidfd_getfd, &[0, 0]),
        (libc::SYS_kcmp, &[1, 1]),
        (libc::SYS_mount, &[]),
        (libc::SYS_umount2, &[]),
        (libc::SYS_pivot_root, &[]),
        (libc::SYS_fsopen, &[]),
        (libc::SYS_open_tree, &[]),
        (libc::SYS_move_mount, &[]),
        (libc::SYS_chroot, &[]),
        (libc::SYS_unshare, &[0x1000_0000]),
        (libc::SYS_setns, &[0]),
        (libc::SYS_clone, &[0x1000_0000 | 17]),
        (libc::SYS_clone, &[0x2000_0000 | 17]),
        (libc::SYS_bpf, &[]),
        (libc::SYS_perf_event_open, &[]),
        (libc::SYS_keyctl, &[0, -3]),
        (libc::SYS_add_key, &[]),
        (libc::SYS_request_key, &[]),
        (libc::SYS_kexec_load, &[]),
        (libc::SYS_init_module, &[]),
        (libc::SYS_finit_module, &[]),
        (libc::SYS_delete_module, &[]),
        (libc::SYS_userfaultfd, &[]),
        (libc::SYS_io_uring_setup, &[]),
        (libc::SYS_open_by_handle_at, &[]),
        (libc::SYS_reboot, &[]),
        (libc::SYS_swapon, &[]),
        (libc::SYS_syslog, &[]),
        (libc::SYS_settimeofday, &[]),
        (libc::SYS_sethostname, &[]),
        (libc::SYS_personality, &[0x0004_0000]),
        (libc::SYS_socket, &packet),
        (libc::SYS_socket, &[2, 3, 1]),
        (libc::SYS_socket, &[16, 3, 15]),
        (libc::SYS_socket, &[40, 1, 0]),
        (libc::SYS_socket, &[38, 5, 0]),
        (libc::SYS_ioctl, &[0, 0x5412]),
    ];
    for (number, arguments) in calls {
        let arguments: Vec<_> = arguments.iter().map(i64::to_string).collect();
        let said = jail.say(&format!("./probe call {number} {}", arguments.join(" "))).await;
        assert_eq!(said, eperm, "call {number} {arguments:?}");
    }
    for (number, why) in [(libc::SYS_clone3, "no filter can see its flags"), (9999, "nobody knows it")] {
        assert_eq!(jail.say(&format!("./probe call {number}")).await, enosys, "{why}");
    }
    // What programs need goes on: local, TCP, UDP and the socket that name lookups ask.
    for socket in ["1 1 0", "2 1 0", "2 2 0", "10 1 0", "16 3 0"] {
        let said = jail.say(&format!("./probe call {} {socket}", libc::SYS_socket)).await;
        assert!(said.starts_with("done"), "socket {socket}: {said}");
    }
}

pub(crate) async fn processes_outside_cannot_be_reached(driver: Driver) {
    let jail = Jail::new(driver).await;
    let said = jail
        .say(&format!(
            "kill -9 {}; kill -9 {}; kill -9 1; kill -9 -1; echo",
            std::process::id(),
            rustix::process::getppid().unwrap()
        ))
        .await;
    assert!(said.contains("No such process") || said.contains("no such process"), "{said}");
    // It has ended its own command that way, and nothing else.
    assert_eq!(jail.say("echo on").await, "on\n");
}

pub(crate) async fn the_hosts_loopback_cannot_be_reached_by_any_name(driver: Driver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let v6 = TcpListener::bind(("::1", port));
    let jail = Jail::with(driver, |bench| bench.spec.profile = Profile::Open).await;
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "::1", "::ffff:127.0.0.1", "machine"] {
        let said = jail.say(&format!("./probe connect {host} {port}")).await;
        assert!(said.starts_with("refused"), "directly to {host}: {said}");
    }
    let hosts = [
        "127.0.0.1",
        "127.1.2.3",
        "localhost",
        "LocalHost.",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0x7f.1",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
    ];
    for host in hosts {
        for request in [format!("CONNECT {host}:{port}"), format!("GET http://{host}:{port}/")] {
            let said = jail.say(&format!("./probe proxy '{request}'")).await;
            assert!(said.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{request}: {said}");
        }
    }
    let noted = jail.attempts.0.lock().unwrap().clone();
    assert_eq!(noted.len(), 2 * hosts.len(), "every attempt is told");
    assert!(noted.iter().all(|attempt| attempt.refused.is_some() && attempt.agent == jail.bench.agent));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "something arrived");
    drop(v6);
    for address in ["1.1.1.1", "8.8.8.8"] {
        let said = jail.say(&format!("./probe connect {address} 53")).await;
        assert!(said.starts_with("refused"), "past the proxy to {address}: {said}");
    }
}

pub(crate) async fn a_listed_inner_host_can_be_reached_through_the_door(driver: Driver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let jail = Jail::with(driver, |bench| {
        bench.spec.network.allow_private = vec![format!("127.0.0.1:{port}").parse().unwrap()]
    })
    .await;
    let serve = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        std::io::Write::write_all(&mut stream, format!("heard {heard}").as_bytes()).unwrap();
    });
    let said = jail.say(&format!("./probe proxy 'CONNECT 127.0.0.1:{port}'")).await;
    assert!(said.ends_with("heard hello\n"), "{said}");
    serve.join().unwrap();
    let said = jail.say(&format!("./probe proxy 'CONNECT 127.0.0.1:{}'", port.wrapping_add(1).max(1))).await;
    assert!(said.starts_with("HTTP/1.1 403"), "another port: {said}");
    let said = jail.say("./probe proxy 'CONNECT api.example.com:443'").await;
    assert!(said.contains("Add \"api.example.com\" to config.network.allow"), "{said}");
}

pub(crate) async fn file_operations_cannot_be_led_out_by_a_race(driver: Driver) {
    let jail = Jail::new(driver).await;
    let swap = "mkdir -p real; echo inside > real/passwd; \
        (while [ ! -e stop ]; do ln -sfn real d; ln -sfn /etc d; done) & echo started";
    assert_eq!(jail.say(swap).await, "started\n");
    let machine = jail.bench.open().await;
    let (mut read, mut refused) = (0, 0);
    for _ in 0..2000 {
        match machine.read(&jail.bench.may_read(), "d/passwd", 0, roost_domain::unit::Bytes(100)).await {
            Ok(part) => {
                assert_eq!(part.content, b"inside\n");
                read += 1;
            }
            Err(Error::Outside { .. } | Error::NotFound { .. }) => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    jail.bench.write("stop", "").await;
    assert!(read > 0 && refused > 0, "the race was not run: {read} {refused}");
}

pub(crate) async fn the_layers_say_what_holds(driver: Driver) {
    let jail = Jail::new(driver).await;
    let layers = jail.machines.layers();
    let names: Vec<_> = layers.iter().map(|layer| layer.name).collect();
    assert_eq!(
        names,
        ["namespaces", "network", "files", "seccomp", "landlock", "memory", "cpu", "processes", "freezer"]
    );
    for name in ["namespaces", "network", "files", "seccomp"] {
        assert!(layers.iter().any(|layer| layer.name == name && layer.holds), "{layers:?}");
    }
}

pub(crate) async fn a_denied_host_and_one_outside_a_confinement_are_refused_at_the_door(driver: Driver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let here = format!("127.0.0.1:{port}");
    let mut jail = Jail::with(driver, |bench| {
        bench.spec.profile = Profile::Open;
        bench.spec.network.allow_private = vec![here.parse().unwrap()];
        bench.spec.network.deny = vec![here.parse().unwrap()];
    })
    .await;
    let said = jail.say(&format!("./probe proxy 'CONNECT {here}'")).await;
    assert!(said.starts_with("HTTP/1.1 403") && said.contains("are denied by"), "{said}");
    jail.bench.spec.network.deny = Vec::new();
    jail.bench.spec.network.confine = Some(vec!["only.example".parse().unwrap()]);
    let said = jail.say(&format!("./probe proxy 'CONNECT {here}'")).await;
    assert!(said.starts_with("HTTP/1.1 403") && said.contains("confined"), "{said}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "something arrived");
}

crate::driver::for_each_driver!(
    only_the_system_and_the_workspace_are_there,
    another_agents_workspace_cannot_be_found,
    nothing_of_the_server_is_in_sight,
    the_system_cannot_be_changed,
    no_privilege_is_left_and_none_can_be_had,
    dangerous_system_calls_are_refused,
    processes_outside_cannot_be_reached,
    the_hosts_loopback_cannot_be_reached_by_any_name,
    a_listed_inner_host_can_be_reached_through_the_door,
    file_operations_cannot_be_led_out_by_a_race,
    the_layers_say_what_holds,
    a_denied_host_and_one_outside_a_confinement_are_refused_at_the_door,
);
