use super::*;

const V1: &str = include_str!("../../../fixtures/integration/v1.json");
const OPERATION_V1: &str = include_str!("../../../fixtures/integration/operation-v1.json");

#[test]
fn what_was_written_once_is_read_for_ever() {
    let integration = decode(V1).unwrap();
    assert_eq!(integration.oauth().unwrap().client_auth, ClientAuth::Basic);
    assert_eq!(integration.placement, Placement::Header { name: "X-Token".into(), prefix: String::new() });
    assert_eq!(encode(&integration).unwrap(), V1.trim());
    let operation = decode_operation(OPERATION_V1).unwrap();
    assert_eq!(
        (operation.parameters[1].style, operation.body.as_ref().unwrap().media),
        (Style::Deep, Media::Form)
    );
    assert_eq!(encode_operation(&operation).unwrap(), OPERATION_V1.trim());
    for placement in [Placement::Basic, Placement::Query { name: "key".into() }, Placement::bearer()] {
        assert_eq!(decode_placement(&encode_placement(&placement).unwrap()).unwrap(), placement);
    }
    let by_key = Integration { access: Access::Key, ..integration };
    assert_eq!(decode(&encode(&by_key).unwrap()).unwrap(), by_key);
}

#[test]
fn what_cannot_be_read_says_why() {
    assert!(decode(&V1.replace("\"v\":1", "\"v\":2")).unwrap_err().contains("version 2"));
    assert!(
        decode(&V1.replace("https://{shop}.pets.example/token", "ftp://x")).unwrap_err().contains("ftp://x")
    );
    assert!(
        decode_operation(&OPERATION_V1.replace("\"deep\"}", "\"odd\"}")).unwrap_err().contains("\"odd\"")
    );
}
