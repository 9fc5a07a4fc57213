//! Which walls stand around the engine's containers.

use roost_domain::machine::Layer;

use super::DockerHost;
use crate::kernel::{layer, promised_landlock};
use crate::lock;

/// Returns every wall, whether it holds here, and how or why not.
///
/// Before the first machine has started, what only a machine can tell is what the host promises.
pub(super) fn layers(host: &DockerHost) -> Vec<Layer> {
    let common = &host.common;
    let info = host.engine.info();
    let user = if common.workspaces.has_own_users() { "a user of its own" } else { "the server's own user" };
    let version = info.server_version.as_deref().unwrap_or("of unknown version");
    let ready = lock(&common.ready).clone();
    let landlock = match ready.map_or_else(promised_landlock, |ready| ready.landlock) {
        Ok(how) => (true, how),
        Err(why) => (false, why),
    };
    let files = match lock(&common.fences).clone() {
        Some(problem) => (false, problem),
        None => (true, "by mounts".to_owned()),
    };
    let options = info.security_options.as_deref().unwrap_or_default();
    let engine_filter = options.iter().any(|option| option.contains("name=seccomp"));
    let seccomp = if engine_filter {
        "list of known system calls, and the engine's own"
    } else {
        "list of known system calls"
    };
    let by = |has: Option<bool>, name: &str| match has {
        Some(true) => (true, "by the engine".to_owned()),
        Some(false) | None => (false, format!("the engine cannot limit {name} on this host")),
    };
    vec![
        layer("namespaces", (true, format!("container of Docker {version}, {user}"))),
        layer("network", (true, "none but the egress door".to_owned())),
        layer("files", files),
        layer("seccomp", (true, seccomp.to_owned())),
        layer("landlock", landlock),
        layer("memory", by(info.memory_limit, "memory")),
        layer("cpu", by(info.cpu_cfs_quota, "CPU time")),
        layer("processes", by(info.pids_limit, "processes")),
        layer("freezer", (true, "by the engine".to_owned())),
    ]
}
