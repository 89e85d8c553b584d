//! Number of posts in a month that an operator pays for, kept over a restart.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use time::OffsetDateTime;

/// Posts of a month.
pub(super) struct Budget {
    most: u32,
    file: PathBuf,
    used: Mutex<Used>,
}

/// What is known of the posts of a month.
#[derive(Clone, Copy)]
enum Used {
    Counted(Month, u32),
    /// The count cannot be read, so that as many may have been posted in the month as are paid for.
    Unknown(Month),
}

/// A month, counted from the year 0. Each post is of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(i32);

impl Month {
    fn of(now: OffsetDateTime) -> Self {
        Self(now.year() * 12 + i32::from(u8::from(now.month())))
    }
}

impl Budget {
    /// A budget of `most` posts a month, whose use stands in `file`. A count that cannot be read
    /// means that the month of `now` has none left; it fails only where the place of the file
    /// cannot be used.
    pub(super) fn open(file: PathBuf, most: u32, now: OffsetDateTime) -> io::Result<Self> {
        fs::read_dir(place(&file))?;
        let used = match read(&file) {
            Ok(used) => used,
            Err(error) => {
                let file = file.display();
                tracing::error!(%file, %error, "unknown how many posts went to X: the month is full");
                Used::Unknown(Month::of(now))
            }
        };
        Ok(Self { most, file, used: Mutex::new(used) })
    }

    /// Takes one post of the month that `now` is in, if there is one left, and says of which month
    /// it is. It is on disk first: a post that is paid for is never forgotten.
    pub(super) fn take(&self, now: OffsetDateTime) -> io::Result<Option<Month>> {
        let month = Month::of(now);
        self.change(|used| {
            // A clock that was set back gives no month twice.
            let (month, posts) = match used {
                Used::Counted(last, posts) if month <= last => (last, posts),
                Used::Unknown(last) if month <= last => return None,
                Used::Counted(..) | Used::Unknown(_) => (month, 0),
            };
            (posts < self.most).then_some((month, posts + 1))
        })
    }

    /// Gives one back that was taken in `month` and not posted. What is given back to a month that
    /// is over is worth nothing to the next one.
    pub(super) fn give_back(&self, month: Month) -> io::Result<()> {
        let back = |used| match used {
            Used::Counted(now, posts @ 1..) if now == month => Some((now, posts - 1)),
            Used::Counted(..) | Used::Unknown(_) => None,
        };
        self.change(back).map(drop)
    }

    fn change(&self, to: impl FnOnce(Used) -> Option<(Month, u32)>) -> io::Result<Option<Month>> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((month, posts)) = to(*used) else { return Ok(None) };
        self.write(month, posts)?;
        *used = Used::Counted(month, posts);
        Ok(Some(month))
    }

    fn write(&self, Month(month): Month, posts: u32) -> io::Result<()> {
        let beside = self.file.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(format!("{month} {posts}\n").as_bytes())?;
        // A loss of power must leave one count or the other, and neither an empty file.
        file.sync_all()?;
        fs::rename(&beside, &self.file)?;
        File::open(place(&self.file))?.sync_all()
    }
}

/// The directory of a file.
fn place(file: &Path) -> &Path {
    file.parent().filter(|place| !place.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn read(file: &Path) -> io::Result<Used> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Used::Counted(Month(0), 0)),
        text => text?,
    };
    let (month, posts) = text.trim().split_once(' ').unwrap_or_default();
    let read = month.parse().ok().zip(posts.parse().ok());
    let (month, posts) =
        read.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "it is no count of posts"))?;
    Ok(Used::Counted(Month(month), posts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at((year, month): (i32, u8)) -> OffsetDateTime {
        let date = time::Date::from_calendar_date(year, month.try_into().unwrap(), 28);
        date.unwrap().midnight().assume_utc()
    }

    fn open(file: &Path) -> Budget {
        Budget::open(file.into(), 2, at((2026, 11))).unwrap()
    }

    fn takes(budget: &Budget, month: (i32, u8)) -> bool {
        budget.take(at(month)).unwrap().is_some()
    }

    #[test]
    fn a_month_has_so_many_also_over_a_restart_and_the_next_has_as_many_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x-posts");
        let november = open(&file).take(at((2026, 11))).unwrap().unwrap();
        let budget = open(&file);
        assert!(takes(&budget, (2026, 11)) && !takes(&budget, (2026, 11)));
        assert!(!takes(&open(&file), (2026, 11)));
        budget.give_back(november).unwrap();
        assert!(takes(&budget, (2026, 11)) && !takes(&budget, (2026, 11)));
        assert!(takes(&budget, (2026, 12)));
        assert!(takes(&budget, (2026, 11)), "of the later month");
        budget.give_back(november).unwrap();
        assert!(!takes(&budget, (2026, 12)), "what is left of another month");
        assert!(takes(&budget, (2027, 1)));
    }

    #[test]
    fn a_count_that_cannot_be_read_means_that_the_month_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x-posts");
        for text in ["", "many", "24323 -1"] {
            fs::write(&file, text).unwrap();
            let budget = open(&file);
            assert!(!takes(&budget, (2026, 11)) && !takes(&budget, (2026, 10)), "{text}");
            budget.give_back(Month::of(at((2026, 11)))).unwrap();
            assert!(!takes(&budget, (2026, 11)) && takes(&budget, (2026, 12)), "{text}");
        }
        let nowhere = dir.path().join("none").join("x-posts");
        assert!(Budget::open(nowhere, 2, at((2026, 11))).is_err());
    }
}
