use super::*;

#[tokio::test]
async fn what_others_wrote_is_text_and_no_markup() {
    let view = LinkView {
        agent_name: "<script>alert(1)</script>".into(),
        title: "A & \"B\"".into(),
        documentation: None,
        by_key: true,
        fields: vec![("shop".into(), "Your <b>shop</b>".into())],
        connected: true,
    };
    let response = ask(&view);
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    let body = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(!text.contains("<script") && text.contains("&lt;script&gt;alert(1)"), "{text}");
    assert!(text.contains("A &amp; &quot;B&quot;") && text.contains("Your &lt;b&gt;shop"), "{text}");
    assert!(text.contains("name=\"field.shop\"") && text.contains("type=\"password\""), "{text}");
}

#[test]
fn what_went_wrong_is_a_sentence() {
    assert_eq!(sentence("this link is too old; ask for another"), "This link is too old; ask for another.");
    assert_eq!(sentence("Done."), "Done.");
}
