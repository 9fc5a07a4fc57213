use super::*;

#[test]
fn summaries_of_nextest_are_counted() {
    let table = [
        ("     Summary [   1.914s] 67 tests run: 67 passed, 0 skipped", 67, 0),
        ("     Summary [   0.1s] 1 test run: 0 passed, 1 failed, 3 skipped", 0, 1),
        (
            "Summary [  61.0s] 9 tests run: 5 passed (1 slow, 1 flaky, 2 leaky), 2 failed (1 leaky), 1 timed out, \
             1 exec failed, 0 skipped",
            5,
            4,
        ),
        ("Summary [   0.1s] 3/67 tests run: 2 passed, 1 failed, 0 skipped", 2, 1),
    ];
    for (line, passed, failed) in table {
        assert_eq!(of_nextest(line), Some(Tally { passed, failed }), "{line}");
    }
}

#[test]
fn summaries_of_the_harness_are_counted() {
    let table = [
        (
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.00s",
            5,
            0,
        ),
        (
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.2s",
            3,
            2,
        ),
    ];
    for (line, passed, failed) in table {
        assert_eq!(of_harness(line), Some(Tally { passed, failed }), "{line}");
    }
}

#[test]
fn other_lines_are_not_counted() {
    for line in
        ["", "running 3 tests", "test a::b ... ok", "PASS [ 0.1s] roost a::b", "Summary of changes: 3 passed"]
    {
        assert_eq!((of_nextest(line), of_harness(line)), (None, None), "{line}");
    }
}

#[test]
fn the_output_of_a_failed_test_is_not_counted_again() {
    // Nextest shows what the program of a failed test printed, which ends in the harness's own sum.
    let shown = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.5s";
    assert_eq!((of_nextest(shown), of_harness(shown)), (None, None));
}
