use super::*;

const NOW: i64 = 1_614_265_330;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn request(headers: &[(&str, &str)], body: &str) -> HookRequest {
    HookRequest {
        token: Secret::new("t"),
        method: "POST".into(),
        query: String::new(),
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        body: body.into(),
    }
}

fn verified(request: &HookRequest, secret: &str, now: Timestamp) -> Result<Names, Unsigned> {
    verify(request, &[Secret::new("another-secret"), Secret::new(secret)], now)
}

/// Each scheme with a message that it has signed, as its own documents or libraries have it.
fn examples() -> [(&'static str, HookRequest, &'static str); 7] {
    [
        (
            "standard webhooks",
            request(
                &[
                    ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                    ("webhook-timestamp", "1614265330"),
                    (
                        "webhook-signature",
                        "v2,AAAA v1,bm9ldHU= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                    ),
                ],
                "{\"test\": 2432232314}",
            ),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
        (
            "svix",
            request(
                &[
                    ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                    ("svix-timestamp", "1614265330"),
                    ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
                ],
                "{\"test\": 2432232314}",
            ),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
        (
            // The example of GitHub's documentation.
            "github",
            request(
                &[(
                    "x-hub-signature-256",
                    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
                )],
                "Hello, World!",
            ),
            "It's a Secret to Everybody",
        ),
        ("stripe", stripe_example("evt_1", NOW), "whsec_stripe"),
        ("slack", slack_example(NOW), "8f742231b10e8888abcd99yyyzzz85a5"),
        ("shared", request(&[("x-webhook-secret", "long-shared-secret")], "{}"), "long-shared-secret"),
        ("bearer", request(&[("authorization", "bearer  long-shared-secret")], "{}"), "long-shared-secret"),
    ]
}

/// Signs by the book, with another way to write hexadecimal than the one under test.
fn hex_mac(key: &str, text: &str) -> String {
    let bytes = mac(key.as_bytes(), &[text.as_bytes()]).finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn stripe_example(event: &str, at: i64) -> HookRequest {
    let body = format!("{{\"id\":\"{event}\"}}");
    let signature = hex_mac("whsec_stripe", &format!("{at}.{body}"));
    let header = format!("t={at},v0=00,v1=ab12,v1={signature}");
    request(&[("stripe-signature", &header)], &body)
}

fn slack_example(at: i64) -> HookRequest {
    let body = "token=x&team_id=T1DC2JH3J";
    let signature = format!("v0={}", hex_mac("8f742231b10e8888abcd99yyyzzz85a5", &format!("v0:{at}:{body}")));
    request(&[("x-slack-request-timestamp", &at.to_string()), ("x-slack-signature", &signature)], body)
}

#[test]
fn each_way_of_signing_is_known_and_the_secret_matters() {
    for (scheme, request, secret) in examples() {
        assert!(verified(&request, secret, now()).is_ok(), "{scheme}");
        for wrong in ["another", "", &secret[1..]] {
            assert_eq!(verified(&request, wrong, now()), Err(Unsigned::Wrong), "{scheme}");
        }
    }
    assert_eq!(verified(&request(&[], "{}"), "secret", now()), Err(Unsigned::Missing));
}

#[test]
fn a_changed_body_is_not_signed() {
    for (scheme, mut request, secret) in examples().into_iter().take(5) {
        request.body.push(b' ');
        assert_eq!(verified(&request, secret, now()), Err(Unsigned::Wrong), "{scheme}");
    }
}

#[test]
fn what_was_signed_long_ago_or_ahead_of_time_is_stale() {
    for (scheme, request, secret) in examples() {
        let is_timed = ["standard webhooks", "svix", "stripe", "slack"].contains(&scheme);
        for seconds in [-301, 301] {
            let then = now() + SignedDuration::from_secs(seconds);
            let expected = if is_timed { Err(Unsigned::Stale) } else { Ok(()) };
            assert_eq!(verified(&request, secret, then).map(|_| ()), expected, "{scheme} {seconds}");
        }
        for seconds in [-300, 300] {
            assert!(
                verified(&request, secret, now() + SignedDuration::from_secs(seconds)).is_ok(),
                "{scheme}"
            );
        }
    }
}

#[test]
fn a_message_that_comes_again_is_known() {
    let names = |request: &HookRequest, secret: &str, at| {
        verified(request, secret, Timestamp::from_second(at).unwrap()).unwrap()
    };
    let know = |one: &Names, other: &Names| one.id.is_some() && one.id == other.id;
    // Stripe and Slack sign anew what they send again.
    let stripe = |event, at| names(&stripe_example(event, at), "whsec_stripe", at);
    assert!(know(&stripe("evt_1", NOW), &stripe("evt_1", NOW + 900)));
    assert!(!know(&stripe("evt_1", NOW), &stripe("evt_2", NOW)));
    let slack = |at| names(&slack_example(at), "8f742231b10e8888abcd99yyyzzz85a5", at);
    assert!(know(&slack(NOW), &slack(NOW)));
    assert!(!know(&slack(NOW), &slack(NOW + 1)), "a command that somebody gives twice is no repeat");
    // GitHub's id is not signed.
    let (_, github, secret) = examples().into_iter().nth(2).unwrap();
    let delivered = |id: &str| {
        let mut headers = github.headers.clone();
        headers.push(("x-github-delivery".into(), id.into()));
        names(&HookRequest { headers, body: github.body.clone(), ..request(&[], "") }, secret, NOW)
    };
    assert!(know(&delivered("a"), &delivered("a")) && !know(&delivered("a"), &delivered("b")));
    assert!(delivered("a").signature.is_some());
    assert_eq!(delivered("a").signature, delivered("b").signature, "the same message under another id");
    // What nobody signs is known by its id alone, and without one by nothing.
    let keyed = |key: &str| unsigned_names(&request(&[("idempotency-key", key)], "{}"));
    assert!(know(&keyed("a"), &keyed("a")) && !know(&keyed("a"), &keyed("b")));
    assert_eq!(unsigned_names(&request(&[], "{}")), Names::default());
}

#[test]
fn a_few_signatures_are_looked_at_and_no_more() {
    let body = "{}";
    let signed = |at: usize| {
        let right = STANDARD.encode(mac(b"secret", &[b"msg_1.1614265330.{}"]).finalize().into_bytes());
        let wrong = STANDARD.encode([0; 32]);
        let all: Vec<_> =
            (0..50).map(|place| format!("v1,{}", if place == at { &right } else { &wrong })).collect();
        let all = format!("v1,AA== v1,AA== {}", all.join(" "));
        let headers = [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", all.as_str()),
        ];
        verified(&request(&headers, body), "secret", now()).map(|_| ())
    };
    assert_eq!(signed(9), Ok(()), "those that are too short do not count");
    assert_eq!(signed(10), Err(Unsigned::Wrong));
}

#[test]
fn no_header_makes_the_reader_stumble() {
    let odd = [
        "",
        "=",
        "sha256=",
        "sha256=zz",
        "sha256=abc",
        "v1,",
        "t=,v1=",
        "t=99999999999999999999,v1=",
        "v0=é",
    ];
    for value in odd {
        for name in ["x-hub-signature-256", "stripe-signature", "webhook-signature", "x-slack-signature"] {
            let headers = [
                (name, value),
                ("webhook-id", value),
                ("webhook-timestamp", value),
                ("x-slack-request-timestamp", value),
            ];
            assert!(verified(&request(&headers, "{}"), "secret", now()).is_err(), "{name}: {value}");
        }
    }
}
