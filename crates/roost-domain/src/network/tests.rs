use super::*;

fn rule(text: &str) -> HostRule {
    text.parse().unwrap()
}

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

#[test]
fn rules_cover_what_they_say_and_nothing_near_it() {
    let table = [
        ("example.com", "EXAMPLE.com.", 443, true),
        ("example.com", "www.example.com", 443, false),
        ("example.com", "badexample.com", 443, false),
        ("*.example.com", "www.example.com", 80, true),
        ("*.example.com", "a.b.example.com", 80, true),
        ("*.example.com", "example.com", 80, false),
        ("*.example.com", "badexample.com", 80, false),
        ("example.com:443", "example.com", 443, true),
        ("example.com:443", "example.com", 80, false),
        ("*", "anything.test", 1, true),
        ("10.0.0.5", "10.0.0.5", 1, true),
        ("[::1]:80", "::1", 80, true),
        ("::1", "[::1]", 80, true),
    ];
    for (pattern, name, port, expected) in table {
        assert_eq!(rule(pattern).matches(&host(name), port), expected, "{pattern} {name}:{port}");
    }
}

#[test]
fn rules_print_as_they_are_written() {
    for text in ["example.com", "*.example.com:443", "*", "10.0.0.5:80", "[::1]:80"] {
        assert_eq!(rule(text).to_string(), text);
    }
}

#[test]
fn odd_hosts_are_refused() {
    for text in ["", ".", "a..b", "a b", "127.1", "0x7f000001", "2130706433", "user@host", "host/path"] {
        assert!(text.parse::<Host>().is_err(), "{text:?}");
    }
    for text in ["", "*.", "*.10.0.0.1", "a:0", "a:99999", "a:b"] {
        assert!(text.parse::<HostRule>().is_err(), "{text:?}");
    }
}

#[test]
fn inner_addresses_are_not_public_in_any_disguise() {
    for text in [
        "0.0.0.0",
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "64:ff9b:1::1",
        "100::1",
    ] {
        assert!(!is_public(text.parse().unwrap()), "{text}");
    }
    for text in
        ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::1"]
    {
        assert!(is_public(text.parse().unwrap()), "{text}");
    }
}

#[test]
fn a_private_address_needs_its_host_in_the_private_list() {
    let rules = NetworkRules {
        allow: vec![rule("db.example")],
        allow_private: vec![rule("files.example:80")],
        ..NetworkRules::default()
    };
    let inner = "10.0.0.5".parse().unwrap();
    assert!(!rules.permits_address(&host("db.example"), 80, inner));
    assert!(rules.permits_address(&host("files.example"), 80, inner));
    assert!(!rules.permits_address(&host("files.example"), 81, inner));
    assert!(rules.lists(&host("files.example"), 80) && rules.lists(&host("db.example"), 5432));
}
