//! Number of posts in a month that an operator pays for, kept over a restart.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

/// Posts of a month.
pub(super) struct Budget {
    most: u32,
    file: PathBuf,
    /// The month, counted from the year 0, and its posts.
    used: Mutex<(i32, u32)>,
}

impl Budget {
    /// A budget of `most` posts a month, whose use stands in `file`.
    pub(super) fn open(file: PathBuf, most: u32) -> io::Result<Self> {
        let used = match fs::read_to_string(&file) {
            Ok(text) => {
                let (month, posts) = text.trim().split_once(' ').unwrap_or_default();
                let read = month.parse().ok().zip(posts.parse().ok());
                read.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "no count of posts"))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (0, 0),
            Err(error) => return Err(error),
        };
        Ok(Self { most, file, used: Mutex::new(used) })
    }

    /// Takes one post of the month that `now` is in, if there is one left. It is on disk first: a
    /// post that is paid for is never forgotten.
    pub(super) fn take(&self, now: OffsetDateTime) -> io::Result<bool> {
        let month = now.year() * 12 + i32::from(u8::from(now.month()));
        self.change(|used| {
            // A clock that was set back gives no month twice.
            let posts = if month > used.0 { 0 } else { used.1 };
            (posts < self.most).then_some((month.max(used.0), posts + 1))
        })
    }

    /// Gives one back that was not posted.
    pub(super) fn give_back(&self) -> io::Result<()> {
        self.change(|used| Some((used.0, used.1.saturating_sub(1)))).map(drop)
    }

    fn change(&self, change: impl FnOnce((i32, u32)) -> Option<(i32, u32)>) -> io::Result<bool> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(new) = change(*used) else { return Ok(false) };
        let beside = self.file.with_extension("new");
        fs::write(&beside, format!("{} {}\n", new.0, new.1))?;
        fs::rename(&beside, &self.file)?;
        *used = new;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: (i32, u8)) -> OffsetDateTime {
        let date = time::Date::from_calendar_date(text.0, text.1.try_into().unwrap(), 28);
        date.unwrap().midnight().assume_utc()
    }

    #[test]
    fn a_month_has_so_many_also_over_a_restart_and_the_next_has_as_many_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x-posts");
        let open = || Budget::open(file.clone(), 2).unwrap();
        let budget = open();
        assert!(budget.take(at((2026, 11))).unwrap());
        let budget = open();
        assert!(budget.take(at((2026, 11))).unwrap() && !budget.take(at((2026, 11))).unwrap());
        assert!(!open().take(at((2026, 11))).unwrap());
        budget.give_back().unwrap();
        assert!(budget.take(at((2026, 11))).unwrap() && !budget.take(at((2026, 11))).unwrap());
        assert!(budget.take(at((2026, 12))).unwrap());
        assert!(budget.take(at((2026, 11))).unwrap(), "of the later month");
        assert!(!budget.take(at((2026, 12))).unwrap() && budget.take(at((2027, 1))).unwrap());
        fs::write(&file, "many").unwrap();
        assert!(Budget::open(file, 2).is_err());
    }
}
