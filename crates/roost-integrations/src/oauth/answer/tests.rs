use super::*;

fn read(status: u16, body: &str) -> (u16, Value) {
    let mended = mended(status, body.as_bytes().to_vec());
    (mended.status, serde_json::from_slice(&mended.body).unwrap_or(Value::Null))
}

#[test]
fn answers_of_many_kinds_come_to_one_shape() {
    let wanted = json!({"access_token": "a", "refresh_token": "r", "expires_in": 3600, "scopes": ["x", "y"]});
    for body in [
        r#"{"access_token":"a","token_type":"bearer","refresh_token":"r","expires_in":3600,"scope":"x y"}"#,
        r#"{"access_token":"a","refresh_token":"r","expires_in":"3600","scope":"x,y"}"#,
        r#"{"ok":true,"access_token":"a","refresh_token":"r","expires_in":3600.0,"scope":["x","y"]}"#,
        "access_token=a&refresh_token=r&expires_in=3600&scope=x%2Cy&token_type=bearer",
    ] {
        assert_eq!(read(200, body), (200, wanted.clone()), "{body}");
    }
    let bare = read(200, r#"{"access_token":"a","expires_in":-1,"scope":""}"#).1;
    assert_eq!(bare, json!({"access_token": "a", "refresh_token": null, "expires_in": null, "scopes": null}));
}

#[test]
fn a_no_is_a_no_whatever_its_status() {
    for (status, body, wanted) in [
        (
            200,
            r#"{"error":"bad_verification_code","error_description":"It expired."}"#,
            json!({"error": "bad_verification_code", "error_description": "It expired."}),
        ),
        (200, r#"{"ok":false,"error":"invalid_code"}"#, json!({"error": "invalid_code"})),
        (200, "error=incorrect_client_credentials", json!({"error": "incorrect_client_credentials"})),
        (
            400,
            r#"{"error":{"message":"Bad code","code":100}}"#,
            json!({"error": "no_token", "error_description": "Bad code"}),
        ),
        (200, r#"{"hello":"world"}"#, json!({"error": "no_token"})),
    ] {
        let (told, shape) = read(status, body);
        assert!(told == 400 && shape == wanted, "{body}: {told} {shape}");
    }
    assert_eq!(read(502, "<html>").0, 502, "what is nothing known stays what it is");
}
