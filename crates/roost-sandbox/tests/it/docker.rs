//! The Docker driver passes the suite, and what is its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use roost_domain::machine::Condition;
use roost_ports::machine::{Error, Machines};
use roost_sandbox::conformance::{Bench, must};
use roost_sandbox::{DockerMachines, DockerOptions, OpenError};

use crate::driver::{Attempts, Driver, docker_options, engine, machines};

async fn make() -> Option<(tempfile::TempDir, Arc<dyn Machines>)> {
    engine()?;
    Some(machines(Driver::Docker, Arc::new(Attempts::default())).await)
}

roost_sandbox::machine_conformance!(match make().await {
    Some(made) => made,
    None => return,
});

async fn client(socket: &Path) -> bollard::Docker {
    let path = socket.to_str().unwrap();
    let docker = bollard::Docker::connect_with_unix(path, 60, bollard::API_DEFAULT_VERSION).unwrap();
    docker.negotiate_version().await.unwrap()
}

/// Returns the containers that the engine knows of an agent, running or not.
async fn containers_of(bench: &Bench) -> Vec<String> {
    let label = format!("roost.agent={}", bench.agent);
    let options = bollard::query_parameters::ListContainersOptions {
        all: true,
        filters: Some(std::collections::HashMap::from([("label".to_owned(), vec![label])])),
        ..Default::default()
    };
    let found = client(&engine().unwrap()).await.list_containers(Some(options)).await.unwrap();
    found.into_iter().filter_map(|container| container.id).collect()
}

/// Returns the libraries that a program needs.
fn libraries(program: &Path) -> BTreeSet<String> {
    let listed = std::process::Command::new("ldd").arg(program).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned).collect()
}

/// An image with a shell, one program and a file of its own; made from scratch, as none can be fetched.
async fn small_image(socket: &Path) -> String {
    use futures_util::StreamExt;
    let mut archive = tar::Builder::new(Vec::new());
    archive.sparse(false);
    let mut files: BTreeMap<String, PathBuf> = [("bin/sh", "/bin/sh"), ("opt/tool/cat", "/bin/cat")]
        .map(|(at, of)| (at.to_owned(), of.into()))
        .into();
    let programs = [env!("CARGO_BIN_EXE_roost-hands"), "/bin/sh", "/bin/cat"];
    for library in programs.iter().flat_map(|program| libraries(Path::new(program))) {
        files.insert(library.trim_start_matches('/').to_owned(), library.into());
    }
    let above: BTreeSet<_> = files.keys().flat_map(|path| Path::new(path).ancestors().skip(1)).collect();
    for directory in above.into_iter().filter(|path| !path.as_os_str().is_empty()) {
        archive.append_dir(directory, "/usr").unwrap();
    }
    for (place, file) in &files {
        archive.append_path_with_name(std::fs::canonicalize(file).unwrap(), place).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(9);
    header.set_mode(0o644);
    archive.append_data(&mut header, "opt/greeting", b"image of ".as_slice()).unwrap();
    let bytes = archive.into_inner().unwrap();
    let docker = client(socket).await;
    let options = bollard::query_parameters::CreateImageOptions {
        from_src: Some("-".to_owned()),
        repo: Some("roost-test-small".to_owned()),
        tag: Some("1".to_owned()),
        ..Default::default()
    };
    let body = bollard::body_full(bytes.into());
    let steps: Vec<_> = docker.create_image(Some(options), Some(body), None).collect().await;
    assert!(steps.iter().all(Result::is_ok), "{steps:?}");
    "roost-test-small:1".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_image_machines_have_its_programs_and_no_other() {
    let Some(socket) = engine() else { return };
    let image = small_image(&socket).await;
    let dir = tempfile::tempdir().unwrap();
    let options = DockerOptions { image: Some(image), ..docker_options(&dir.path().join("m"), socket) };
    let machines = DockerMachines::open(options).await.unwrap();
    let bench = Bench::new(Arc::clone(&machines) as Arc<dyn Machines>);
    bench.write("mine", "workspace\n").await;
    assert_eq!(bench.run("/opt/tool/cat /opt/greeting mine").await.stdout, "image of workspace\n");
    assert_ne!(bench.run("/usr/bin/env").await.exit.status, roost_ports::machine::ExitStatus::Code(0));
    assert_ne!(
        bench.run("echo x > /opt/greeting").await.exit.status,
        roost_ports::machine::ExitStatus::Code(0)
    );
    machines.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_there_and_an_engine_that_does_not_answer_are_told() {
    let Some(socket) = engine() else { return };
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("m");
    let options =
        DockerOptions { image: Some("roost-no-such:1".to_owned()), ..docker_options(&root, socket) };
    let Err(OpenError::Engine { problem, .. }) = DockerMachines::open(options).await else {
        panic!("it opened")
    };
    assert!(problem.contains("docker pull roost-no-such:1"), "{problem}");
    let nowhere = PathBuf::from("/nonexistent/docker.sock");
    let Err(error) = DockerMachines::open(docker_options(&root, nowhere)).await else { panic!("it opened") };
    assert!(
        error.to_string().contains("/nonexistent/docker.sock") && error.to_string().contains("running"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_somebody_else_ends_is_absent_and_starts_anew() {
    let Some((_dir, machines)) = make().await else { return };
    let bench = Bench::new(Arc::clone(&machines));
    bench.write("kept", "yes").await;
    let machine = bench.open().await;
    let found = containers_of(&bench).await;
    let [container] = found.as_slice() else { panic!("{found:?}") };
    let options = bollard::query_parameters::KillContainerOptions { signal: "KILL".to_owned() };
    client(&engine().unwrap()).await.kill_container(container, Some(options)).await.unwrap();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while machines.condition(bench.agent) != Condition::Absent {
        assert!(tokio::time::Instant::now() < deadline, "it is still said to run");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let read = machine.read(&bench.may_read(), "kept", 0, roost_domain::unit::Bytes(9)).await;
    assert!(matches!(read, Err(Error::Gone)), "{read:?}");
    assert_eq!(must("kept", bench.read("kept").await), "yes");
    machines.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_container_and_no_directory_is_left_of_a_machine_that_stopped() {
    let Some((dir, machines)) = make().await else { return };
    let bench = Bench::new(Arc::clone(&machines));
    bench.open().await;
    let places = dir.path().join("machines/.containers");
    assert_eq!(std::fs::read_dir(&places).unwrap().count(), 1);
    let layers = machines.layers();
    assert!(layers.iter().all(|layer| layer.holds), "{layers:?}");
    machines.stop(bench.agent).await.unwrap();
    assert_eq!(std::fs::read_dir(&places).unwrap().count(), 0);
    assert_eq!(containers_of(&bench).await, Vec::<String>::new());
}
