//! Privileges given up for good, by the first process and so by everything it starts.

use std::os::fd::BorrowedFd;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::{seccomp, step};

/// Gives up every capability, and the ways to get one back.
pub(super) fn drop_capabilities() -> Result<(), String> {
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // Past the last one that this kernel knows.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(format!("give up the capabilities: {error}")),
        }
    }
    step("give up the capabilities", rustix::thread::clear_ambient_capability_set())?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    step("give up the capabilities", rustix::thread::set_capabilities(None, sets))?;
    step("forbid new privileges", rustix::thread::set_no_new_privs(true))
}

/// Checks that whoever built the container has left no capability, and forbids the ways to get one.
pub(super) fn require_no_capabilities() -> Result<(), String> {
    let sets = step("read the capabilities", rustix::thread::capabilities(None))?;
    let mut left = sets.effective | sets.permitted | sets.inheritable;
    for number in 0..64 {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::capability_is_in_bounding_set(capability) {
            Ok(true) => left |= capability,
            Ok(false) => {}
            // Past the last one that this kernel knows.
            Err(rustix::io::Errno::INVAL) => break,
            Err(error) => return Err(format!("read the capabilities: {error}")),
        }
    }
    if !left.is_empty() {
        return Err(format!("the container has capabilities: {:#x}", left.bits()));
    }
    step("forbid new privileges", rustix::thread::set_no_new_privs(true))
}

/// Puts Landlock up as far as the kernel has it. Says which part stands, or why none does; a host without it is
/// no reason not to start, as the driver reports it.
/// `system` is what commands can read and run. `whole` is the workspace as file operations reach it, where commands see only a part.
pub(super) fn landlock(
    program: BorrowedFd<'_>,
    system: &[String],
    whole: Option<BorrowedFd<'_>>,
) -> Result<String, String> {
    try_landlock(program, system, whole).map_err(|error| error.to_string()).and_then(|status| match status {
        RulesetStatus::FullyEnforced => Ok("fully enforced".to_owned()),
        RulesetStatus::PartiallyEnforced => Ok("as far as this kernel has it".to_owned()),
        RulesetStatus::NotEnforced => Err("the kernel has no Landlock, or it is turned off".to_owned()),
    })
}

fn try_landlock(
    program: BorrowedFd<'_>,
    system: &[String],
    whole: Option<BorrowedFd<'_>>,
) -> Result<RulesetStatus, landlock::RulesetError> {
    let abi = ABI::V6;
    let look = AccessFs::from_read(abi);
    let run = AccessFs::Execute | AccessFs::ReadFile;
    let all = AccessFs::from_all(abi);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        // The program that stands above each command.
        .add_rule(PathBeneath::new(program, run))?;
    // Reading anywhere: the root itself holds nothing but what was put there. Running only the host's programs
    // and the machine's own; changing only what is the machine's own.
    let system = system.iter().map(|path| (path.clone(), look));
    let own = ["/workspace", "/tmp", "/dev/shm"].iter().map(|path| ((*path).to_owned(), all));
    let devices = ["null", "zero", "full", "random", "urandom"].iter();
    let devices = devices.map(|name| (format!("/dev/{name}"), AccessFs::ReadFile | AccessFs::WriteFile));
    let seen =
        ["/etc", "/dev", "/run", "/var"].iter().map(|path| ((*path).to_owned(), look & !AccessFs::Execute));
    // A process may change what /proc says of itself, for example how willing it is to end when memory is short.
    let proc = [(
        "/proc".to_owned(),
        AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::WriteFile | AccessFs::Truncate,
    )];
    let top = [("/".to_owned(), AccessFs::ReadDir.into())];
    for (path, access) in system.chain(own).chain(devices).chain(seen).chain(proc).chain(top) {
        // A directory that this host does not have needs no rule.
        if let Ok(place) = PathFd::new(&path) {
            rules = rules.add_rule(PathBeneath::new(place, access))?;
        }
    }
    if let Some(whole) = whole {
        rules = rules.add_rule(PathBeneath::new(whole, all))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

/// Puts the system call filters up. The last wall: the filters forbid building walls.
pub(super) fn seccomp() -> Result<(), String> {
    for filter in seccomp::filters().map_err(|error| format!("build the system call filter: {error}"))? {
        seccompiler::apply_filter(&filter)
            .map_err(|error| format!("put up the system call filter: {error}"))?;
    }
    Ok(())
}
