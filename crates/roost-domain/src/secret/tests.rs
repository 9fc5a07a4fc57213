use super::{Binding, Secret, fill, placeholder, placeholders};

fn binding(hosts: &[&str], methods: &[&str]) -> Binding {
    Binding {
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
    }
}

#[test]
fn a_binding_permits_its_hosts_and_methods_over_tls_and_nothing_else() {
    let bound = binding(&["api.example.com", "*.example.org:443", "127.0.0.1"], &["GET"]);
    for (url, host, port, method, permitted) in [
        ("https://api.example.com/x", "api.example.com", 443, "GET", true),
        ("https://api.example.com/x", "api.example.com", 443, "POST", false),
        ("http://api.example.com/x", "api.example.com", 80, "GET", false),
        ("https://example.com/x", "example.com", 443, "GET", false),
        ("https://evil-api.example.com/x", "evil-api.example.com", 443, "GET", false),
        ("https://api.example.com.evil.net/", "api.example.com.evil.net", 443, "GET", false),
        ("https://a.example.org/", "a.example.org", 443, "GET", true),
        ("https://a.example.org:8443/", "a.example.org", 8443, "GET", false),
        ("https://example.org/", "example.org", 443, "GET", false),
        ("http://127.0.0.1:9000/", "127.0.0.1", 9000, "GET", true),
    ] {
        assert_eq!(bound.permits(url, &host.parse().unwrap(), port, method), permitted, "{method} {url}");
    }
    assert!(!binding(&["10.0.0.5"], &["GET"]).permits(
        "http://10.0.0.5/",
        &"10.0.0.5".parse().unwrap(),
        80,
        "GET"
    ));
    assert_eq!(bound.to_string(), "GET on api.example.com, *.example.org:443, 127.0.0.1");
}

#[test]
fn placeholders_are_found_and_filled_in_their_order() {
    let (user, token) = (Secret::new("ann"), Secret::new("t0k3n {{secret:user}}"));
    let value = |name: &str| match name {
        "user" => Some(&user),
        "token" => Some(&token),
        _ => None,
    };
    let text = format!("{}:{{{{secret: token }}}}!", placeholder("user"));
    assert_eq!(placeholders(&text), ["user", "token"]);
    let filled = fill(&text, value).ok().unwrap();
    assert_eq!(filled.expose(), "ann:t0k3n {{secret:user}}!", "what a value holds is no placeholder");
    assert_eq!(fill("{{secret:other}}", value).err().unwrap(), "other");
    for plain in ["", "Bearer x", "{{secret:", "{{ secret:user }}", "{secret:user}"] {
        assert!(placeholders(plain).is_empty(), "{plain}");
        assert_eq!(fill(plain, value).ok().unwrap().expose(), plain);
    }
}
