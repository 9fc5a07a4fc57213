use super::*;

#[test]
fn a_step_that_ends_badly_has_failed_whatever_its_tests_say() {
    let all_passed = Tally { passed: 5, failed: 0 };
    let some_failed = Tally { passed: 5, failed: 2 };
    assert_eq!(NEXTEST.judge(all_passed, Ended::Well), all_passed);
    assert_eq!(NEXTEST.judge(all_passed, Ended::Badly), Tally { passed: 5, failed: 1 });
    assert_eq!(NEXTEST.judge(all_passed, Ended::OutOfTime), Tally { passed: 5, failed: 1 });
    assert_eq!(NEXTEST.judge(some_failed, Ended::Badly), some_failed);
    let [formatting, ..] = CHECKS;
    assert_eq!(formatting.judge(Tally::default(), Ended::Well), Tally { passed: 1, failed: 0 });
    assert_eq!(formatting.judge(Tally::default(), Ended::Badly), Tally { passed: 0, failed: 1 });
}
