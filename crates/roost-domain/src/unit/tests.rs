use super::*;

#[test]
fn money_prints_as_dollars() {
    assert_eq!(MicroUsd(4_200).to_string(), "$0.004200");
    assert_eq!(MicroUsd(-1_500_000).to_string(), "-$1.500000");
    assert_eq!(MicroUsd(i64::MIN).to_string(), "-$9223372036854.775808");
}

#[test]
fn sizes_print_as_container_tools_print_them() {
    for (bytes, text) in
        [(0, "0B"), (1023, "1023B"), (1 << 20, "1MiB"), (3 << 29, "1.5GiB"), (u64::MAX, "17179869183.9GiB")]
    {
        assert_eq!(Bytes(bytes).to_string(), text);
    }
}

#[test]
fn token_estimates_round_up() {
    assert_eq!(Tokens::estimate(""), Tokens(0));
    assert_eq!(Tokens::estimate("abcd"), Tokens(2));
}

#[test]
fn cpu_and_memory_are_read_as_container_tools_write_them() {
    for (text, milli) in [("0.5", 500), ("1", 1000), ("2.0", 2000), ("0.125", 125), ("250m", 250), ("0", 0)] {
        assert_eq!(text.parse(), Ok(MilliCpus(milli)), "{text}");
    }
    for text in ["", ".", "-1", "0.1234", "1e3", "half", " 1", "5000000", "0.5m", "+1", ".5", "1."] {
        let error = text.parse::<MilliCpus>().unwrap_err().to_string();
        assert!(error.ends_with("is not an amount of CPU; write 0.5, 2 or 500m"), "{text}: {error}");
    }
    for milli in [0, 1, 50, 500, 1000, 1500, 12_345] {
        assert_eq!(MilliCpus(milli).to_string().parse(), Ok(MilliCpus(milli)));
    }
    for (text, bytes) in
        [("512m", Bytes::mib(512)), ("2g", Bytes::gib(2)), ("1GiB", Bytes::gib(1)), ("7", Bytes(7))]
    {
        assert_eq!(text.parse(), Ok(bytes), "{text}");
    }
    for text in ["", "m", "-1m", "1.5g", "1t", "99999999999999g", "1 g"] {
        assert!(text.parse::<Bytes>().is_err(), "{text}");
    }
}
