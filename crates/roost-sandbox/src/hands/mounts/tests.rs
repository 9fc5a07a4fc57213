use super::*;

#[test]
fn the_mount_table_is_read_with_escapes_and_flags() {
    let table = "22 27 0:21 / /proc rw,relatime - proc proc rw\n\
        31 27 8:1 /a /with\\040space ro,nosuid,noexec shared:1 - ext4 /dev/sda rw\n";
    let mounts = parse(table);
    assert_eq!(mounts[0].path, "/proc");
    assert_eq!(mounts[0].flags, MountFlags::RELATIME);
    assert_eq!(mounts[1].path, "/with space");
    assert_eq!(mounts[1].flags, MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NOEXEC);
}

#[test]
fn a_path_is_below_itself_and_its_parents_only() {
    assert!(is_below("/usr", "/usr") && is_below("/usr/lib/x", "/usr"));
    assert!(!is_below("/usrlocal", "/usr") && !is_below("/", "/usr"));
}
