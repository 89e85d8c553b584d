//! Calendar days, by which people say how long a gateway is a member.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crosstalk_core::UnixMillis;
use serde::{Deserialize, Serialize};

/// Error that clocks may have: a day is over for sure only so long after its end.
pub(crate) const CLOCK_SLACK: Duration = Duration::from_hours(1);

const DAY: u64 = 24 * 60 * 60 * 1000;

/// A day of UTC, counted from 1970-01-01 and written as `2027-11-22`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day(u32);

/// The text is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a day such as 2027-11-22")]
pub struct BadDay;

impl Day {
    /// The day of a moment.
    pub fn of(moment: UnixMillis) -> Self {
        Self(u32::try_from(moment.0 / DAY).unwrap_or(u32::MAX))
    }

    /// Time from which on the day is over on every clock that is not too wrong.
    pub(crate) fn over(self) -> UnixMillis {
        UnixMillis((u64::from(self.0) + 1) * DAY + CLOCK_SLACK.as_millis() as u64)
    }

    /// Year, month and day of month, by Howard Hinnant's `civil_from_days`, which counts years
    /// from March.
    const fn civil(self) -> (u32, u32, u32) {
        let days = self.0 as u64 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = era * 400 + year + (month <= 2) as u64;
        (year as u32, month as u32, day as u32)
    }
}

impl FromStr for Day {
    type Err = BadDay;

    fn from_str(text: &str) -> Result<Self, BadDay> {
        let parts: Vec<u32> =
            text.split('-').map(str::parse).collect::<Result<_, _>>().map_err(|_| BadDay)?;
        let [year @ 1970..=9999, month, day] = parts[..] else { return Err(BadDay) };
        // At most 31 days behind the first of the month, and never before it.
        let about = (u64::from(year) - 1970) * 365 + u64::from(month.saturating_sub(1)) * 28;
        let near = (about..about + 2100).filter_map(|n| u32::try_from(n).ok().map(Self));
        near.into_iter().find(|d| d.civil() == (year, month, day)).ok_or(BadDay)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_written() {
        for text in ["1970-01-01", "2000-02-29", "2024-12-31", "2027-11-22", "2100-03-01"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
        assert_eq!("2001-09-09".parse(), Ok(Day::of(UnixMillis(1_000_000_000_000))));
        for bad in ["", "2027", "2027-02-29", "2027-13-01", "2027-00-01", "27-1-1", "tomorrow"] {
            assert_eq!(bad.parse::<Day>(), Err(BadDay), "{bad}");
        }
    }

    #[test]
    fn a_day_is_over_when_it_is_on_clocks_that_are_minutes_behind() {
        let day: Day = "1970-01-02".parse().unwrap();
        assert_eq!(day.over(), UnixMillis(2 * DAY + 3_600_000));
    }
}
