use roost_domain::sandbox::{Mode, Requested};
use serde_json::Value;

use super::*;

/// What was written by the first version.
const V1: &str = include_str!("../../../fixtures/sandbox/v1.json");

fn settings() -> Vec<Settings> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let full = Requested {
        read_only: texts(&["data"]),
        read_write: texts(&["out"]),
        blocked: texts(&["data/private", "*.pem"]),
        allow: texts(&["api.example.com:443"]),
        cpu: Some("0.5".into()),
        memory: Some("256m".into()),
        timeout: Some(60),
        ..Requested::default()
    };
    let open = Requested { block_outbound: Some(false), ..Requested::default() };
    let images = texts(&["default"]);
    [full, open].iter().map(|asked| Settings::read(Mode::Container, asked, &images).unwrap()).collect()
}

#[test]
fn what_the_first_version_wrote_is_read_and_written_the_same() {
    let records: Vec<Value> = serde_json::from_str(V1).unwrap();
    assert_eq!(records.len(), settings().len());
    for (record, settings) in records.iter().zip(settings()) {
        assert_eq!(decode(&record.to_string()).unwrap(), settings);
        assert_eq!(serde_json::from_str::<Value>(&encode(&settings).unwrap()).unwrap(), *record);
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let record: Value = serde_json::from_str::<Vec<Value>>(V1).unwrap().remove(0);
    let with = |key: &str, value: Value| {
        let mut record = record.clone();
        record[key] = value;
        decode(&record.to_string()).unwrap_err().to_string()
    };
    assert!(with("v", 2.into()).contains("version 2"));
    assert!(with("read", serde_json::json!(["/etc"])).contains("not a rule"));
    assert!(with("profile", "wild".into()).contains("wild"));
    assert!(with("other", 1.into()).contains("other"));
}
