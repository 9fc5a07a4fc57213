use roost_core::{CreateKey, Kind, Principal};
use roost_domain::key::{Scope, Style};
use roost_domain::secret::Secret;
use roost_testkit::TestApp;

fn new(style: Style, scopes: &[Scope]) -> CreateKey {
    CreateKey { name: "ci".to_owned(), style, scopes: scopes.to_vec() }
}

#[tokio::test]
async fn a_key_opens_its_account_until_it_is_revoked() {
    let app = TestApp::start().await;
    let made = app.core.keys().create(&app.ctx(), new(Style::Agento, &[Scope::Chat])).await.unwrap();
    let text = made.text.expose();
    assert!(text.starts_with("ak_live_") && text.len() == 40, "{}", text.len());
    let Principal::Key(key) = app.core.keys().authenticate(&made.text).await.unwrap() else { panic!() };
    assert_eq!((key.account, key.scopes), (app.account, vec![Scope::Chat]));
    app.core.keys().revoke(&app.ctx(), made.key.id).await.unwrap();
    let error = app.core.keys().authenticate(&made.text).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Unauthenticated, "unauthorized"));
    let unknown = app.core.keys().authenticate(&Secret::new("ak_live_0")).await.unwrap_err();
    assert_eq!(error.public(), unknown.public(), "which of the two it is, is not told");
}

#[tokio::test]
async fn a_key_cannot_give_away_more_than_it_has() {
    let app = TestApp::start().await;
    let admin = app.ctx_with(&[Scope::Admin, Scope::Chat]);
    let error = app.core.keys().create(&admin, new(Style::Native, &[Scope::Policy])).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Forbidden);
    app.core
        .keys()
        .create(&admin, new(Style::Native, &[Scope::Chat]))
        .await
        .expect("what it has, it can give");
    let plain = app.ctx_with(&[Scope::Chat]);
    assert_eq!(
        app.core.keys().create(&plain, new(Style::Native, &[])).await.err().unwrap().kind(),
        Kind::Forbidden
    );
}

#[test]
fn agentos_write_scope_deletes_and_gopilots_read_scope_reads_logs() {
    let key = |style, scope| roost_domain::key::Key {
        id: "key_0000000000007000800000000000feed".parse().unwrap(),
        account: "acct_0000000000007000800000000000feed".parse().unwrap(),
        name: String::new(),
        style,
        scopes: vec![scope],
        hint: String::new(),
        created_at: roost_testkit::TestClock::START,
        revoked_at: None,
    };
    assert!(key(Style::Agento, Scope::AgentsWrite).allows(Scope::AgentsDelete));
    assert!(!key(Style::Gopilot, Scope::AgentsWrite).allows(Scope::AgentsDelete));
    assert!(key(Style::Gopilot, Scope::AgentsRead).allows(Scope::Logs));
    assert!(!key(Style::Agento, Scope::AgentsRead).allows(Scope::Logs));
}
