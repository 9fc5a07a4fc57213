use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, date};

use super::{EXPRESSION_BYTES_MAX, InvalidSchedule};

/// The fields, seconds first, with what each may hold.
const FIELDS: [(&str, &str); 6] = [
    ("second", "0 to 59"),
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of month", "1 to 31, L for the last"),
    ("month", "1 to 12 or JAN to DEC"),
    ("day of week", "0 (Sunday) to 7 (Sunday) or SUN to SAT, 5#2 for the second Friday, 5L for the last"),
];

const NAMED: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// A cron expression, as a set of what clocks show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    cron: Cron,
    is_interval: bool,
}

impl Expression {
    pub(super) fn read(text: &str) -> Result<Self, InvalidSchedule> {
        if text.len() > EXPRESSION_BYTES_MAX {
            return Err(InvalidSchedule::TooLong);
        }
        let text = text.trim();
        let text =
            NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map_or(text, |(_, fields)| fields);
        let mut fields: Vec<&str> = text.split_whitespace().collect();
        match fields.len() {
            5 => fields.insert(0, "0"),
            6 => {}
            found => return Err(InvalidSchedule::Fields { found }),
        }
        let is_wrong = |place: usize, field: &str| {
            let mut alone = ["*"; FIELDS.len()];
            alone[place] = field;
            !field.is_ascii() || parse(&alone).is_none()
        };
        for (place, (field, (name, allowed))) in fields.iter().zip(FIELDS).enumerate() {
            if is_wrong(place, field) {
                return Err(InvalidSchedule::Field { field: name, text: (*field).to_owned(), allowed });
            }
        }
        let never = || InvalidSchedule::Never { expression: text.to_owned() };
        let cron = parse(&fields).ok_or_else(never)?;
        let is_interval = fields.iter().take(3).any(|field| field.contains('*'));
        let expression = Self { cron, is_interval };
        // Every day of the calendar comes within 28 years of this one, 40 if a leap year is left out.
        expression.from(date(2000, 1, 1).at(0, 0, 0, 0)).ok_or_else(never)?;
        Ok(expression)
    }

    /// Tells whether it means every so often, not points on the clock.
    pub(super) const fn is_interval(&self) -> bool {
        self.is_interval
    }

    /// Returns the first of its times after the second that a clock shows.
    pub(super) fn after(&self, shown: DateTime) -> Option<DateTime> {
        self.cron.find_next_occurrence(&shown, false).ok()
    }

    /// Returns the first of its times from the second on that a clock shows.
    pub(super) fn from(&self, shown: DateTime) -> Option<DateTime> {
        self.cron.find_next_occurrence(&shown, true).ok()
    }
}

fn parse(fields: &[&str]) -> Option<Cron> {
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Disallowed).build();
    parser.parse(&fields.join(" ")).ok()
}
