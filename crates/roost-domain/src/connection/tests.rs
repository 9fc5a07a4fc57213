use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn connection() -> Connection {
    Connection {
        id: ConnectionId::from_uuid(uuid::Uuid::from_u128(1)),
        account: AccountId::from_uuid(uuid::Uuid::from_u128(2)),
        agent: AgentId::from_uuid(uuid::Uuid::from_u128(3)),
        integration: "github".parse().unwrap(),
        kind: CredentialKind::OAuth,
        status: Status::Active,
        scopes: Vec::new(),
        fields: BTreeMap::new(),
        expires_at: Some(at(1_000)),
        renewable: true,
        version: 1,
        failure: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

#[test]
fn a_token_is_renewed_shortly_before_it_ends() {
    let mut one = connection();
    assert!(!one.is_due(at(939)) && one.is_due(at(940)));
    assert!(!one.is_over(at(999)) && one.is_over(at(1_000)));
    one.renewable = false;
    assert!(!one.is_due(at(2_000)) && one.is_over(at(2_000)));
    one.expires_at = None;
    assert!(!one.is_over(at(i64::from(i32::MAX))));
}

#[test]
fn a_refused_connection_is_good_again_with_a_new_credential() {
    let refused = connection().refused("invalid_grant".into(), at(5));
    assert_eq!((refused.status, refused.version), (Status::Expired, 1));
    let renewed = refused.renewed(Some(at(9_000)), true, at(6));
    assert_eq!((renewed.status, renewed.version, renewed.failure), (Status::Active, 2, None));
}
