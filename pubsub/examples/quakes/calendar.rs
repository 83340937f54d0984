//! Instants and days, UTC, without a date library: all this program needs is their names.

use std::fmt;
use std::time::Duration;

const MS_PER_DAY: i64 = 86_400_000;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // 1970-01-01 was a Thursday
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Milliseconds since 1970-01-01 00:00 UTC.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(i64);

impl Timestamp {
    /// The first and the last instant that have a year of four digits.
    pub(crate) const RANGE: (i64, i64) = (-62_167_219_200_000, 253_402_300_799_999);

    /// `None` outside [`RANGE`](Self::RANGE).
    pub(crate) fn from_ms(ms: i64) -> Option<Self> {
        (Self::RANGE.0..=Self::RANGE.1).contains(&ms).then_some(Self(ms))
    }

    pub(crate) fn ms(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; nothing if it is not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The instant `duration` after this one, or the last there is.
    pub(crate) fn after(self, duration: Duration) -> Self {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ms).min(Self::RANGE.1))
    }

    pub(crate) fn date(self) -> Date {
        Date(self.0.div_euclid(MS_PER_DAY))
    }
}

/// As in `2018-02-06 15:50`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date().civil();
        let minute = self.0.rem_euclid(MS_PER_DAY) / 60_000;
        let (hour, minute) = (minute / 60, minute % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
    }
}

/// A day: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date(i64);

impl Date {
    /// Year, month (from 1) and day in the Gregorian calendar.
    ///
    /// This is `civil_from_days` by Howard Hinnant, <https://howardhinnant.github.io/date_algorithms.html>: years
    /// are counted from March, so that a leap day is the last day of a year, in eras of 400 years.
    pub(crate) fn civil(self) -> (i64, usize, i64) {
        let days = self.0 + 719_468; // since 0000-03-01
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        (era * 400 + year_of_era + i64::from(month <= 2), month as usize, day)
    }

    /// As in `6 Feb`.
    pub(crate) fn short(self) -> String {
        let (_, month, day) = self.civil();
        format!("{day} {}", MONTHS[month - 1])
    }
}

/// As in `Tue  6 Feb`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (_, month, day) = self.civil();
        let weekday = WEEKDAYS[self.0.rem_euclid(7) as usize];
        write!(f, "{weekday} {day:>2} {}", MONTHS[month - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_shows(ms: i64, time: &str, date: &str) {
        let timestamp = Timestamp::from_ms(ms).expect("in range");
        assert_eq!((timestamp.to_string(), timestamp.date().to_string()), (time.into(), date.into()));
    }

    #[test]
    fn instants_are_named_as_in_the_gregorian_calendar() {
        assert_shows(0, "1970-01-01 00:00", "Thu  1 Jan");
        assert_shows(1_517_932_242_400, "2018-02-06 15:50", "Tue  6 Feb");
        assert_shows(951_782_400_000, "2000-02-29 00:00", "Tue 29 Feb"); // divisible by 400: a leap year
        assert_shows(4_107_542_400_000, "2100-03-01 00:00", "Mon  1 Mar"); // by 100 only: no 29 February
        assert_shows(-1, "1969-12-31 23:59", "Wed 31 Dec");
    }

    #[test]
    fn durations_lie_between_instants_and_end_with_them() {
        let [early, late] = [1_000, 3_500].map(|ms| Timestamp::from_ms(ms).expect("in range"));
        assert_eq!((late.since(early), early.since(late)), (Duration::from_millis(2_500), Duration::ZERO));
        assert_eq!(early.after(late.since(early)), late);
        assert_eq!(late.after(Duration::MAX).ms(), Timestamp::RANGE.1);
    }

    #[test]
    fn years_have_four_digits() {
        let (first, last) = Timestamp::RANGE;
        assert_shows(first, "0000-01-01 00:00", "Sat  1 Jan");
        assert_shows(last, "9999-12-31 23:59", "Fri 31 Dec");
        assert_eq!((Timestamp::from_ms(first - 1), Timestamp::from_ms(last + 1)), (None, None));
    }

    #[test]
    fn no_day_of_four_centuries_is_skipped_or_named_twice() {
        let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let mut expected = (1970, 1, 1);
        for days in 0..146_097 {
            assert_eq!(Date(days).civil(), expected);
            let (year, month, day) = expected;
            let last = match month {
                2 if leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                (_, day) if day == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
    }
}
