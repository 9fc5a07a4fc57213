use crate::roost::{Home, Options, Server};

#[tokio::test]
async fn a_key_made_while_the_server_runs_works_at_once_and_revoking_ends_that() {
    let mut server = Server::start(Options::default());
    let made = server.home().json(&["keys", "create", "--name", "late", "--as", "agento", "--json"]);
    let (id, key) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
    assert!(key.starts_with("ak_live_") && key.len() == "ak_live_".len() + 32, "{key}");
    assert!(id.starts_with("key_"), "{id}");
    server.key = key.to_owned();
    assert_eq!(server.get("/v1/agents").await.0, 200);
    server.home().json(&["keys", "revoke", id, "--json"]);
    assert_eq!(server.get("/v1/agents").await.0, 401);
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_names_the_one_it_lacks() {
    let mut server = Server::start(Options::default());
    let made = server.home().json(&["keys", "create", "--name", "n", "--scope", "chat", "--json"]);
    server.key = made["key"].as_str().expect("a key").to_owned();
    let (status, body) = server.get("/v1/agents").await;
    assert_eq!(status, 403);
    assert!(body["error"]["message"].as_str().expect("a message").contains("agents:read"), "{body}");
}

#[test]
fn the_first_key_makes_the_data_directory_and_lists_never_show_its_text() {
    let home = Home::new(Options::default());
    let made = home.json(&["keys", "create", "--name", "first", "--as", "shinzo", "--json"]);
    let key = made["key"].as_str().expect("a key");
    let list = home.json(&["keys", "list", "--json"]).to_string();
    assert!(list.contains("first") && !list.contains(key), "{list}");
    let output = home.run(&["keys", "list"]);
    let printed = crate::roost::text(&output.stdout);
    assert!(printed.contains("sk_shinzo_…") && !printed.contains(key), "{printed}");
}

#[test]
fn keys_of_a_directory_without_data_are_refused_without_making_any() {
    let home = Home::new(Options::default());
    let message = home.failure(&["keys", "list"]);
    assert!(message.contains("there is no Roost data") && message.contains("--data"), "{message}");
    assert!(!home.data().exists());
    let message = home.failure(&["keys", "create", "--name", ""]);
    assert!(message.contains("name must have 1 to 100 characters"), "{message}");
}
