use std::collections::BTreeSet;

use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;

fn schedule(expression: &str, zone: &str) -> Schedule {
    Schedule::new(expression, zone).unwrap_or_else(|error| panic!("{expression} in {zone}: {error}"))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn fires(schedule: &Schedule, after: Timestamp) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(schedule.next_after(after), |last| schedule.next_after(*last))
}

#[test]
fn clocks_that_are_put_forward_or_back_fire_as_documented() {
    let table: [(&str, &str, &str, &[&str]); 18] = [
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", &["2026-03-29T01:00Z", "2026-03-30T00:30Z"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", &["2026-10-25T00:30Z", "2026-10-26T01:30Z"]),
        ("30 2,14 * * *", "Europe/Berlin", "2026-03-28T20:00Z", &["2026-03-29T01:00Z", "2026-03-29T12:30Z"]),
        ("30 2,14 * * *", "Europe/Berlin", "2026-10-24T20:00Z", &["2026-10-25T00:30Z", "2026-10-25T13:30Z"]),
        // All that the clock skips comes at once, and with what is due then anyway.
        ("0,30 2,3 * * *", "Europe/Berlin", "2026-03-28T20:00Z", &["2026-03-29T01:00Z", "2026-03-29T01:30Z"]),
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-03-28T23:30Z",
            &["2026-03-29T00:00Z", "2026-03-29T01:00Z", "2026-03-29T02:00Z"],
        ),
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-24T23:30Z",
            &["2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"],
        ),
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", &["2026-03-30T00:00Z", "2026-03-30T00:30Z"]),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00Z",
            &["2026-10-25T00:00Z", "2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z"],
        ),
        // Half an hour each way.
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00Z",
            &["2026-10-03T15:30Z", "2026-10-04T15:15Z"],
        ),
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T12:00Z",
            &["2026-04-04T14:45Z", "2026-04-05T15:15Z"],
        ),
        (
            "0 * * * *",
            "Australia/Lord_Howe",
            "2026-04-04T13:30Z",
            &["2026-04-04T14:00Z", "2026-04-04T15:30Z", "2026-04-04T16:30Z"],
        ),
        // No midnight on that day.
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00Z", &["2018-11-04T03:00Z", "2018-11-05T02:00Z"]),
        ("@daily", "Asia/Beirut", "2022-03-26T12:00Z", &["2022-03-26T22:00Z", "2022-03-27T21:00Z"]),
        // A whole day that never was.
        ("0 12 * * *", "Pacific/Apia", "2011-12-29T23:00Z", &["2011-12-30T10:00Z", "2011-12-30T22:00Z"]),
        ("0 0 29 2 *", "UTC", "2096-03-01T00:00Z", &["2104-02-29T00:00Z", "2108-02-29T00:00Z"]),
        ("0 0 31 * *", "UTC", "2026-01-31T00:00Z", &["2026-03-31T00:00Z", "2026-05-31T00:00Z"]),
        (
            "30 0 9 L * *",
            "Asia/Kathmandu",
            "2028-02-01T00:00Z",
            &["2028-02-29T03:15:30Z", "2028-03-31T03:15:30Z"],
        ),
    ];
    for (expression, zone, after, expected) in table {
        let found: Vec<_> = fires(&schedule(expression, zone), time(after)).take(expected.len()).collect();
        let expected: Vec<_> = expected.iter().map(|text| time(text)).collect();
        assert_eq!(found, expected, "{expression} in {zone} after {after}");
    }
}

#[test]
fn the_second_named_is_the_second_fired() {
    let every_ten = schedule("*/10 * * * * *", "UTC");
    let found: Vec<_> = fires(&every_ten, time("2026-01-01T00:00:09.999999Z")).take(3).collect();
    assert_eq!(found, ["2026-01-01T00:00:10Z", "2026-01-01T00:00:20Z", "2026-01-01T00:00:30Z"].map(time));
    let sixth = schedule("0 0 6 * * *", "UTC");
    assert_eq!(
        sixth.next_after(time("2026-01-01T06:00:00Z")),
        Some(time("2026-01-02T06:00Z")),
        "strictly after"
    );
    assert_eq!(sixth.next_after(Timestamp::MAX), None);
}

#[test]
fn what_is_wrong_with_an_expression_is_said() {
    let table = [
        ("", "has five fields"),
        ("* * * *", "and this has 4"),
        ("* * * * * * *", "and this has 7"),
        ("60 * * * *", "\"60\" is no minute; use 0 to 59"),
        ("0 24 * * *", "\"24\" is no hour; use 0 to 23"),
        ("0 0 0 * *", "\"0\" is no day of month"),
        ("0 0 1 13 *", "\"13\" is no month"),
        ("0 0 * * 8", "\"8\" is no day of week"),
        ("0 0 * * MONDAYS", "\"MONDAYS\" is no day of week"),
        ("60 0 0 * * *", "\"60\" is no second"),
        ("5-1 * * * *", "\"5-1\" is no minute"),
        ("*/0 * * * *", "\"*/0\" is no minute"),
        ("@reboot", "and this has 1"),
        ("٣ * * * *", "\"٣\" is no minute"),
        ("0 0 31 2 *", "\"0 0 31 2 *\" never fires"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires"),
    ];
    for (expression, expected) in table {
        let error = Schedule::new(expression, "UTC").expect_err(expression).to_string();
        assert!(error.contains(expected), "{expression}: {error}");
    }
    let long = format!("0 0 * * {}", "1,".repeat(100));
    assert_eq!(Schedule::new(&long, "UTC"), Err(InvalidSchedule::TooLong));
    for zone in ["", "Europe/Berlon", "CEST", "+02:00", "../../etc/passwd"] {
        let error = Schedule::new("0 0 * * *", zone).expect_err(zone);
        assert!(matches!(error, InvalidSchedule::Timezone { .. }), "{zone}: {error}");
    }
}

#[test]
fn either_day_is_enough_where_both_are_named() {
    // Friday the 13th and every other Friday, and every other 13th.
    let found: Vec<_> = fires(&schedule("0 0 13 * FRI", "UTC"), time("2026-11-06T00:00Z")).take(3).collect();
    assert_eq!(found, ["2026-11-13T00:00Z", "2026-11-20T00:00Z", "2026-11-27T00:00Z"].map(time));
}

#[test]
fn missed_times_fire_as_the_policy_says() {
    let hourly = schedule("0 * * * *", "UTC");
    let next = time("2026-01-01T01:00Z");
    let due = |now: &str, missed| hourly.due(next, time(now), missed);
    for policy in MissedFires::ALL {
        assert_eq!(due("2026-01-01T00:59:59.999Z", policy), [], "not yet");
        assert_eq!(due("2026-01-01T01:00Z", policy), [next], "on the dot");
        assert_eq!(due("2026-01-01T01:01Z", policy), [next], "late is not missed");
    }
    let now = "2026-01-01T04:30Z";
    assert_eq!(due(now, MissedFires::Skip), []);
    assert_eq!(due(now, MissedFires::Once), [time("2026-01-01T04:00Z")]);
    let all = ["2026-01-01T01:00Z", "2026-01-01T02:00Z", "2026-01-01T03:00Z", "2026-01-01T04:00Z"].map(time);
    assert_eq!(due(now, MissedFires::All), all);
    assert_eq!(due("2026-01-01T04:00:10Z", MissedFires::Skip), [all[3]], "the last one was not missed");
}

#[test]
fn a_year_of_missed_seconds_is_the_last_hundred() {
    let every_second = schedule("* * * * * *", "UTC");
    let now = time("2027-01-01T00:00:00.5Z");
    let due = every_second.due(time("2026-01-01T00:00Z"), now, MissedFires::All);
    let seconds: Vec<_> =
        (0..100).rev().map(|ago| time("2027-01-01T00:00Z") - SignedDuration::from_secs(ago)).collect();
    assert_eq!(due, seconds);
    assert_eq!(every_second.due(time("2026-01-01T00:00Z"), now, MissedFires::Once), seconds[99..]);
}

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "Pacific/Apia",
    "Asia/Kathmandu",
];

/// One field of an expression, with what it means.
type Field = (String, BTreeSet<i8>);

fn field(min: i8, max: i8) -> impl Strategy<Value = Field> {
    let number = min..=max;
    prop_oneof![
        2 => Just(("*".to_owned(), (min..=max).collect())),
        3 => number.clone().prop_map(|one| (one.to_string(), BTreeSet::from([one]))),
        2 => proptest::collection::btree_set(number.clone(), 1..4).prop_map(|set| {
            let text: Vec<_> = set.iter().map(ToString::to_string).collect();
            (text.join(","), set)
        }),
        2 => (number.clone(), number).prop_map(|(a, b)| {
            (format!("{}-{}", a.min(b), a.max(b)), (a.min(b)..=a.max(b)).collect())
        }),
        1 => (2..=9_i8).prop_map(move |step| {
            (format!("*/{step}"), (min..=max).step_by(usize::from(step.unsigned_abs())).collect())
        }),
    ]
}

/// Minute, hour, day of month, month, day of week.
fn fields() -> impl Strategy<Value = [Field; 5]> {
    let everything = |min: i8, max: i8| Just(("*".to_owned(), (min..=max).collect::<BTreeSet<i8>>()));
    (
        field(0, 59),
        field(0, 23),
        prop_oneof![2 => everything(1, 31), 1 => field(1, 31)],
        prop_oneof![3 => everything(1, 12), 1 => field(1, 12)],
        prop_oneof![2 => everything(0, 6), 1 => field(0, 6)],
    )
        .prop_map(|(minute, hour, day, month, weekday)| [minute, hour, day, month, weekday])
}

fn is_shown([minutes, hours, days, months, weekdays]: &[Field; 5], shown: DateTime) -> bool {
    let day = days.1.contains(&shown.day());
    let weekday = weekdays.1.contains(&shown.weekday().to_sunday_zero_offset());
    let date = if days.0 != "*" && weekdays.0 != "*" { day || weekday } else { day && weekday };
    minutes.1.contains(&shown.minute())
        && hours.1.contains(&shown.hour())
        && months.1.contains(&shown.month())
        && date
}

/// Watches a clock for so many minutes and writes down when it shows what is looked for.
fn watched(fields: &[Field; 5], zone: &TimeZone, after: Timestamp, minutes: i64) -> Vec<Timestamp> {
    let minute = SignedDuration::from_mins(1);
    let is_interval = fields.iter().take(2).any(|field| field.0.contains('*'));
    let mut found = Vec::new();
    // The latest that the clock has shown; a day before is enough to know what is shown again.
    let mut latest = zone.to_datetime(after - minute * 3_000);
    for passed in -2_999..=minutes {
        let now = after + minute * i32::try_from(passed).unwrap();
        let shown = zone.to_datetime(now);
        let fires = if is_interval {
            is_shown(fields, shown)
        } else {
            let mut skipped = std::iter::successors(Some(latest + minute), |time| Some(*time + minute));
            skipped.by_ref().take_while(|time| *time <= shown).any(|time| is_shown(fields, time))
        };
        latest = latest.max(shown);
        if fires && passed > 0 {
            found.push(now);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_schedule_agrees_with_somebody_who_watches_the_clock(
        fields in fields(),
        zone in proptest::sample::select(&ZONES),
        day in 0..4_700_i64,
        offset in -2_000..1_000_i64,
    ) {
        let text: Vec<_> = fields.iter().map(|field| field.0.clone()).collect();
        let Ok(schedule) = Schedule::new(&text.join(" "), zone) else {
            // Of all that is made here only a day that never comes is refused.
            prop_assert!(fields[2].0 != "*" && fields[3].0 != "*", "{text:?}");
            return Ok(());
        };
        let clock = TimeZone::get(zone).unwrap();
        let from = time("2008-01-01T00:00Z") + SignedDuration::from_hours(24 * day);
        // Near the next change of the clock, where there is one.
        let near = clock.following(from).next().map_or(from, |change| change.timestamp());
        let after = near + SignedDuration::from_mins(offset);
        let expected = watched(&fields, &clock, after, 3_000);
        let found: Vec<_> =
            fires(&schedule, after).take_while(|fire| *fire <= after + SignedDuration::from_mins(3_000)).collect();
        prop_assert_eq!(&found, &expected, "{:?} in {} after {}", text, zone, after);
        prop_assert!(found.is_sorted_by(|a, b| a < b));
        let last = schedule.last_within(after, after + SignedDuration::from_mins(3_000));
        prop_assert_eq!(last, expected.last().copied());
    }

    #[test]
    fn no_text_makes_the_reader_stumble(text in "[-*/,0-9A-Z@#L?+ ]{0,30}|.{0,30}") {
        if let Ok(schedule) = Schedule::new(&text, "Europe/Berlin") {
            let now = time("2026-01-01T00:00Z");
            let next = schedule.next_after(now).expect("what never fires is refused");
            prop_assert!(next > now);
        }
    }
}
