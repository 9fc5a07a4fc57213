use super::*;

#[test]
fn a_time_is_read_with_its_unit_and_written_in_the_largest_that_fits() {
    for (text, millis, written) in [
        ("500ms", 500, "500ms"),
        ("30s", 30_000, "30s"),
        ("90s", 90_000, "90s"),
        ("120s", 120_000, "2m"),
        (" 24 h ", 86_400_000, "1d"),
        ("0s", 0, "0ms"),
    ] {
        let span: Span = text.parse().expect(text);
        assert_eq!(span.0, Duration::from_millis(millis), "{text}");
        assert_eq!(span.to_string(), written, "{text}");
    }
}

#[test]
fn a_size_is_read_in_binary_and_decimal_units() {
    for (text, bytes, written) in [
        ("0B", 0, "0B"),
        ("512KiB", 524_288, "512KiB"),
        ("1024KiB", 1_048_576, "1MiB"),
        ("2 GiB", 2_147_483_648, "2GiB"),
        ("10MB", 10_000_000, "10000000B"),
    ] {
        let size: Size = text.parse().expect(text);
        assert_eq!(size.0, Bytes(bytes), "{text}");
        assert_eq!(size.to_string(), written, "{text}");
    }
}

#[test]
fn a_number_without_a_unit_and_an_unknown_unit_are_refused_with_an_example() {
    for text in ["30", "30 parsecs", "s", "-1s", "1.5s", "99999999999999999999s", "300000000000d", ""] {
        let error = text.parse::<Span>().expect_err(text).to_string();
        assert!(error.contains("\"30s\"") && error.contains(text), "{error}");
    }
    for text in ["64", "64Mib", "MiB", "64 mb"] {
        let error = text.parse::<Size>().expect_err(text).to_string();
        assert!(error.contains("\"64MiB\"") && error.contains(text), "{error}");
    }
}
