use roost_domain::machine::Size;

use super::*;

#[test]
fn the_servers_own_groups_are_found_in_version_one() {
    let mounts = "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        35 31 0:32 /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    let own = "4:memory:/docker/ab/sub\n1:cpu,cpuacct:/service\n0::/\n";
    let hosts = hosts::parse(mounts, own);
    assert_eq!(hosts.v1.cpu.as_deref(), Some(Path::new("/sys/fs/cgroup/cpu,cpuacct/service")));
    assert_eq!(hosts.v1.cpuacct, hosts.v1.cpu);
    assert_eq!(hosts.v1.memory.as_deref(), Some(Path::new("/sys/fs/cgroup/memory/sub")));
    assert_eq!(hosts.v1.freezer, None);
    assert_eq!(hosts.unified.as_deref(), Some(Path::new("/sys/fs/cgroup/unified/")));
}

#[test]
fn the_servers_own_group_is_found_in_version_two() {
    let mounts = "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
    let hosts = hosts::parse(mounts, "0::/system.slice/roost.service\n");
    assert_eq!(hosts.unified.as_deref(), Some(Path::new("/sys/fs/cgroup/system.slice/roost.service")));
    assert_eq!(hosts.v1, Controllers::default());
}

/// A directory that looks like a delegated group of version 2, whose files take what is written to them.
fn delegated() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for path in ["", "roost", "roost/m"] {
        std::fs::create_dir_all(dir.path().join(path)).unwrap();
        std::fs::write(dir.path().join(path).join("cgroup.subtree_control"), "cpu memory pids\n").unwrap();
    }
    dir
}

#[test]
fn limits_are_written_in_the_words_of_version_two() {
    let dir = delegated();
    let at = Some(dir.path().join("roost"));
    let parents = Controllers {
        memory: at.clone(),
        cpu: at.clone(),
        cpuacct: at.clone(),
        pids: at.clone(),
        freezer: at,
    };
    let cgroups = Cgroups { version: Version::V2, parents };
    let m = dir.path().join("roost/m");
    std::fs::write(m.join("memory.swap.max"), "max").unwrap();
    cgroups.group("m").create(&Size::Medium.limits()).unwrap();
    cgroups.group("m").attach(42).unwrap();
    let read = |file| std::fs::read_to_string(m.join(file)).unwrap();
    assert_eq!(read("memory.max"), (4u64 << 30).to_string());
    assert_eq!(read("memory.swap.max"), "0");
    assert_eq!(read("cpu.max"), "200000 100000");
    assert_eq!(read("pids.max"), "514");
    assert_eq!(read("cgroup.procs"), "42");
}

#[test]
fn statistics_are_read_in_the_words_of_version_two() {
    let dir = delegated();
    let at = Some(dir.path().join("roost/m"));
    let at = Controllers {
        memory: at.clone(),
        cpu: at.clone(),
        cpuacct: at.clone(),
        pids: at.clone(),
        freezer: at,
    };
    let group = Group::new(Version::V2, at);
    let m = dir.path().join("roost/m");
    std::fs::write(m.join("memory.current"), "4096\n").unwrap();
    std::fs::write(m.join("cpu.stat"), "usage_usec 1500\nuser_usec 1000\n").unwrap();
    std::fs::write(m.join("memory.events"), "low 0\noom 2\noom_kill 1\noom_group_kill 0\n").unwrap();
    std::fs::write(m.join("cgroup.procs"), "10\n11\n12\n").unwrap();
    assert_eq!(group.memory_bytes().unwrap(), Some(4096));
    assert_eq!(group.cpu().unwrap(), Some(std::time::Duration::from_micros(1500)));
    assert_eq!(group.out_of_memory_count().unwrap(), 1);
    assert_eq!(group.processes().unwrap(), Some(2));
}
