//! Which walls stand on this host.

use roost_domain::machine::Layer;

use super::KernelHost;
use crate::cgroup::Version;
use crate::lock;

/// Returns every wall, whether it holds here, and how or why not.
///
/// Before the first machine has started, what only a machine can tell is what the host promises.
pub(super) fn layers(host: &KernelHost) -> Vec<Layer> {
    let ready = lock(&host.common.ready).clone();
    let user =
        if host.common.workspaces.has_own_users() { "a user of its own" } else { "the server's own user" };
    let namespaces = match (&ready, forbidden()) {
        (Some(ready), _) => (true, format!("{user}, /proc: {}", ready.proc)),
        (None, Some(why)) => (false, why),
        (None, None) => (true, user.to_owned()),
    };
    let network = match &ready {
        None => (true, "none but the egress door".to_owned()),
        Some(ready) => match &ready.loopback {
            Ok(()) => (true, "none but the egress door".to_owned()),
            Err(problem) => (true, format!("none, nor the egress door: {problem}")),
        },
    };
    let landlock = match ready.map_or_else(promised_landlock, |ready| ready.landlock) {
        Ok(how) => (true, how),
        Err(why) => (false, why),
    };
    let seccomp = match rustix::thread::secure_computing_mode() {
        Ok(_) => (true, "list of known system calls".to_owned()),
        Err(error) => (false, format!("the kernel has no system call filters: {error}")),
    };
    let files = match (lock(&host.common.fences).clone(), &namespaces) {
        (Some(problem), _) => (false, problem),
        (None, (false, why)) => (false, why.clone()),
        (None, (true, _)) => (true, "by mounts".to_owned()),
    };
    let mut layers = vec![
        layer("namespaces", namespaces),
        layer("network", network),
        layer("files", files),
        layer("seccomp", seccomp),
        layer("landlock", landlock),
    ];
    layers.extend(limits(host));
    layers
}

fn limits(host: &KernelHost) -> Vec<Layer> {
    let version = host.cgroups.as_ref().map(|cgroups| match cgroups.version {
        Version::V1 => "cgroup v1",
        Version::V2 => "cgroup v2",
    });
    let parents = host.cgroups.as_ref().map(|cgroups| &cgroups.parents);
    let by = |has: Option<bool>, instead: &str| match (has, version) {
        (Some(true), Some(version)) => (true, version.to_owned()),
        _ => (false, instead.to_owned()),
    };
    let per_process = "no writable control group: limited for each process, not for the machine";
    vec![
        layer("memory", by(parents.map(|all| all.memory.is_some()), per_process)),
        layer("cpu", by(parents.map(|all| all.cpu.is_some()), "no writable control group: not limited")),
        layer("processes", by(parents.map(|all| all.pids.is_some()), per_process)),
        layer(
            "freezer",
            by(
                parents.map(|all| all.freezer.is_some()),
                "no writable control group: processes are stopped by signal",
            ),
        ),
    ]
}

pub(crate) fn layer(name: &'static str, (holds, detail): (bool, String)) -> Layer {
    Layer { name, holds, detail }
}

/// Says why this server may make no user namespaces, if it may not.
fn forbidden() -> Option<String> {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    if read("/proc/sys/user/max_user_namespaces").is_some_and(|most| most == "0") {
        return Some("the host forbids user namespaces: user.max_user_namespaces is 0".to_owned());
    }
    if rustix::process::geteuid().is_root() {
        return None;
    }
    if read("/proc/sys/kernel/unprivileged_userns_clone").is_some_and(|allowed| allowed == "0") {
        return Some("only root may make user namespaces: kernel.unprivileged_userns_clone is 0".to_owned());
    }
    if read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
        .is_some_and(|restricted| restricted == "1")
    {
        return Some(
            "only root may use user namespaces: kernel.apparmor_restrict_unprivileged_userns is 1".to_owned(),
        );
    }
    None
}

/// Asks the kernel for an empty set of rules, which restricts nobody.
pub(crate) fn promised_landlock() -> Result<String, String> {
    use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
    let asked = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create);
    match asked {
        Ok(_) => Ok("as far as this kernel has it".to_owned()),
        Err(error) => Err(format!("the kernel has no Landlock, or it is turned off: {error}")),
    }
}
