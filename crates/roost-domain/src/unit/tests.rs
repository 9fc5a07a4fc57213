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
