use jiff::Timestamp;

/// Writes a time as the contract does: `2026-02-10T14:00:00.000Z`.
pub fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Writes a time that may not have come.
pub fn iso_if(at: Option<Timestamp>) -> Option<String> {
    at.map(iso)
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn times_have_milliseconds_and_a_z() {
        let at = |text: &str| iso(text.parse().unwrap());
        assert_eq!(at("2026-02-10T14:00:00Z"), "2026-02-10T14:00:00.000Z");
        assert_eq!(at("2026-02-10T15:00:00.123456+01:00"), "2026-02-10T14:00:00.123Z");
        assert_eq!(at("2026-02-10T14:00:00.9999Z"), "2026-02-10T14:00:00.999Z");
    }
}
