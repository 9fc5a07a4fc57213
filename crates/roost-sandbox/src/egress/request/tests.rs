use super::*;

fn understood(text: &str) -> Request {
    parse(text.as_bytes()).unwrap().expect("a whole head")
}

#[test]
fn a_tunnel_is_asked_for_by_host_and_port() {
    let request = understood("CONNECT api.example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03");
    assert_eq!(request.target.unwrap().to_string(), "api.example.com:443");
    assert!(request.reply.starts_with(b"HTTP/1.1 200 "));
    assert_eq!(request.forward, b"\x16\x03", "what came along goes on");
    assert_eq!(understood("CONNECT [::1]:80 HTTP/1.1\r\n\r\n").target.unwrap().to_string(), "[::1]:80");
}

#[test]
fn a_plain_request_is_passed_on_in_the_servers_form() {
    let request = understood(
        "POST HTTP://Example.com:8080/a?b HTTP/1.1\r\nHost: elsewhere\r\nProxy-Authorization: s\r\nTE: x\r\n\
         Content-Length: 2\r\nX-Y: z\r\n\r\nhi",
    );
    assert_eq!(request.target.unwrap().to_string(), "example.com:8080");
    assert_eq!(
        String::from_utf8(request.forward).unwrap(),
        "POST /a?b HTTP/1.1\r\nHost: Example.com:8080\r\nConnection: close\r\nContent-Length: 2\r\nX-Y: z\r\n\r\nhi"
    );
    let request = understood("GET http://example.com?q HTTP/1.1\r\n\r\n");
    assert_eq!(request.target.unwrap().port, 80);
    assert!(request.forward.starts_with(b"GET /?q HTTP/1.1\r\n"));
}

#[test]
fn what_is_no_target_is_refused() {
    for line in [
        "CONNECT example.com HTTP/1.1",
        "CONNECT example.com:0 HTTP/1.1",
        "CONNECT 2130706433:80 HTTP/1.1",
        "CONNECT 0x7f000001:80 HTTP/1.1",
        "CONNECT 127.1:80 HTTP/1.1",
        "GET http://user@127.0.0.1/ HTTP/1.1",
        "GET http:/// HTTP/1.1",
    ] {
        let refused = parse(format!("{line}\r\n\r\n").as_bytes());
        assert!(matches!(refused, Err(Unreadable::Target { .. })), "{line}: {refused:?}");
    }
    for line in ["GET https://example.com/ HTTP/1.1", "GET ftp://example.com/ HTTP/1.1", "\x16\x03\x01"] {
        let refused = parse(format!("{line}\r\n\r\n").as_bytes());
        assert!(matches!(refused, Err(Unreadable::Malformed(_))), "{line}: {refused:?}");
    }
    assert!(
        parse(b"CONNECT example.com:443 HTTP/1.1\r\nHost").unwrap().is_none(),
        "half a head is waited for"
    );
}

#[test]
fn a_request_that_names_no_host_is_for_the_service_behind_the_proxy() {
    let request =
        understood("POST /v1/x?y HTTP/1.1\r\nHost: 127.0.0.1:3128\r\nAuthorization: Bearer t\r\n\r\nbody");
    assert_eq!(request.target, None);
    assert_eq!(
        String::from_utf8(request.forward).unwrap(),
        "POST /v1/x?y HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer t\r\n\r\nbody"
    );
}
