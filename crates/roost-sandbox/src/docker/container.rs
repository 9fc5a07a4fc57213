//! How a machine's container is to be.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount};
use roost_ports::machine::Spec;

use super::DockerHost;
use super::mounts::PROGRAM;
use crate::hands::root::{HIDDEN_DIRECTORIES, HIDDEN_FILES};
use crate::hands::{self, environment};
use crate::workspace::Workspace;

/// The machine's first process, which is not the agent's.
const OWN_PROCESSES: u32 = 1;

/// Describes the container to the engine.
pub(super) fn describe(
    host: &DockerHost,
    spec: &Spec,
    workspace: &Workspace,
    mounts: Vec<Mount>,
) -> ContainerCreateBody {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let environment = environment().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    ContainerCreateBody {
        image: Some(host.image.clone()),
        entrypoint: words(&[PROGRAM]),
        cmd: words(&[hands::COMMAND, "contained"]),
        env: Some(environment),
        user: Some(format!("{}:{}", workspace.uid, workspace.gid)),
        hostname: Some("machine".to_owned()),
        working_dir: Some("/".to_owned()),
        network_disabled: Some(true),
        labels: Some(host.labels(spec)),
        healthcheck: Some(HealthConfig { test: words(&["NONE"]), ..HealthConfig::default() }),
        host_config: Some(walls(spec, mounts)),
        ..ContainerCreateBody::default()
    }
}

fn walls(spec: &Spec, mounts: Vec<Mount>) -> HostConfig {
    let amount = |n: u64| Some(i64::try_from(n).unwrap_or(i64::MAX));
    let limits = &spec.limits;
    let scratch_bytes = limits.memory.0 / 2;
    let hidden = HIDDEN_FILES.iter().chain(&HIDDEN_DIRECTORIES).map(|name| format!("/proc/{name}"));
    HostConfig {
        network_mode: Some("none".to_owned()),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        privileged: Some(false),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        ipc_mode: Some("private".to_owned()),
        // The workspace belongs to a user of the host, whose number must be the same inside.
        userns_mode: Some("host".to_owned()),
        memory: amount(limits.memory.0),
        memory_swap: amount(limits.memory.0),
        nano_cpus: amount(u64::from(limits.cpu.0).saturating_mul(1_000_000)),
        pids_limit: Some(i64::from(limits.processes.saturating_add(OWN_PROCESSES))),
        mounts: Some(mounts),
        tmpfs: Some(HashMap::from([(
            "/tmp".to_owned(),
            format!("rw,exec,nosuid,nodev,size={scratch_bytes},mode=1777"),
        )])),
        shm_size: amount(scratch_bytes),
        masked_paths: Some(hidden.chain(["/sys".to_owned()]).collect()),
        readonly_paths: Some(vec!["/proc/irq".to_owned(), "/proc/sys".to_owned()]),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([("max-size".to_owned(), "1m".to_owned())])),
        }),
        ..HostConfig::default()
    }
}
