use std::collections::HashSet;

use super::*;

#[test]
fn every_peer_has_a_directory_of_its_own_and_exact_versions() {
    let mut seen = HashSet::new();
    for peer in PEERS {
        assert!(seen.insert(peer.directory()), "two peers in {}", peer.directory());
        // Options of the installer may stand among them.
        for package in peer.packages.iter().filter(|package| !package.starts_with("--")) {
            let version = match peer.registry {
                Registry::Npm => package.rsplit_once('@').map(|(_, version)| version),
                Registry::Pypi => package.split_once("==").map(|(_, version)| version),
            };
            let version = version.unwrap_or_default();
            assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{package} is not pinned");
        }
    }
}

#[test]
fn a_peer_is_there_only_when_all_of_it_is_and_nothing_else() {
    let place = std::env::temp_dir().join(format!("roost-peers-{}", std::process::id()));
    fs::create_dir_all(&place).unwrap();
    let peer = Peer { name: "a", registry: Registry::Npm, packages: &["a@1.0.0", "b@2.0.0"] };
    assert!(!peer.is_in(&place), "a directory without a stamp is half of an installation");
    fs::write(place.join(STAMP), "a@1.0.0").unwrap();
    assert!(!peer.is_in(&place), "the stamp of other packages");
    fs::write(place.join(STAMP), "a@1.0.0\nb@2.0.0").unwrap();
    assert!(peer.is_in(&place));
    fs::remove_dir_all(&place).unwrap();
}
