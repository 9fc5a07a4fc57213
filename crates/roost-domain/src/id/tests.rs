use super::*;

const TEXT: &str = "0190b5a4-2f6e-7cc1-9d2b-8a6c1d2e3f40";

#[test]
fn an_agent_id_is_a_bare_uuid_and_a_session_id_carries_its_prefix() {
    let uuid = Uuid::try_parse(TEXT).unwrap();
    assert_eq!(AgentId::from_uuid(uuid).to_string(), TEXT);
    assert_eq!(SessionId::from_uuid(uuid).to_string(), "sess_0190b5a42f6e7cc19d2b8a6c1d2e3f40");
}

#[test]
fn ids_read_back_what_they_print() {
    let uuid = Uuid::try_parse(TEXT).unwrap();
    assert_eq!(AgentId::from_uuid(uuid).to_string().parse(), Ok(AgentId::from_uuid(uuid)));
    assert_eq!(TurnId::from_uuid(uuid).to_string().parse(), Ok(TurnId::from_uuid(uuid)));
}

#[test]
fn other_spellings_are_refused_with_what_would_be_right() {
    for text in
        ["", "sess_", "turn_0190b5a42f6e7cc19d2b8a6c1d2e3f40", TEXT, "sess_0190B5A42F6E7CC19D2B8A6C1D2E3F40"]
    {
        let error = text.parse::<SessionId>().unwrap_err();
        assert_eq!(error.to_string(), format!("{text:?} is not a session id (sess_…)"));
    }
}
