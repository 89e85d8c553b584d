//! Settings of a service: its value, and with whom it is shared.

use crosstalk_core::{Address, MAX_SETTINGS, label};

use crate::speech::Speech;

/// Stands for everybody who has no line of his own.
const ALL: &str = "*";

/// What is said where nothing more can be kept.
const NO_ROOM: &str = "Nothing was changed: there is no room for more. While all are told, \
    \"on\" for somebody whom /privacy shows with \"not to\" frees some, as in \
    /privacy location on bob@yahoo.";

/// The settings of one service among those of a person: lines `service=value`, `service/*=off` and
/// `service/bob@yahoo=on`.
pub(super) struct Sharing<'a> {
    service: &'static str,
    settings: &'a [String],
}

impl<'a> Sharing<'a> {
    pub(super) const fn of(service: &'static str, settings: &'a [String]) -> Self {
        Self { service, settings }
    }

    /// What is set; nothing while the service is off.
    pub(super) fn value(&self) -> Option<&'a str> {
        self.lines().find_map(|(whom, value)| whom.is_none().then_some(value))
    }

    /// Whether `who` is told, if anybody is.
    pub(super) fn is_with(&self, who: &Address) -> bool {
        self.said_of(&who.to_string()).or_else(|| self.said_of(ALL)).unwrap_or(true)
    }

    /// Whether everybody is told who has no line of his own.
    pub(super) fn is_with_all(&self) -> bool {
        self.said_of(ALL).unwrap_or(true)
    }

    /// Those who have a line of their own, and whether they are told.
    pub(super) fn exceptions(&self) -> impl Iterator<Item = (Address, bool)> {
        let lines = self.lines().filter_map(|(whom, value)| Some((whom?, value == "on")));
        lines.filter_map(|(whom, is_told)| Some((whom.parse().ok()?, is_told)))
    }

    /// All settings with this value for the service, or with none; fails with words where they
    /// cannot be kept.
    pub(super) fn with_value(&self, value: Option<&str>) -> Result<Vec<String>, Speech> {
        self.with(self.service, value)
    }

    /// All settings with this said of one person, or of everybody else. Of whom is told anyway
    /// nothing is kept, which takes an exception back: should everybody else be told no more,
    /// neither is that person. "off" is kept always, or others' "on" could undo it.
    pub(super) fn with_exception(
        &self,
        whom: Option<&Address>,
        is_told: bool,
    ) -> Result<Vec<String>, Speech> {
        let is_told_anyway = is_told && (whom.is_none() || self.is_with_all());
        let said = if is_told { "on" } else { "off" };
        let whom = whom.map_or_else(|| ALL.to_owned(), Address::to_string);
        self.with(&format!("{}/{whom}", self.service), (!is_told_anyway).then_some(said))
    }

    fn with(&self, key: &str, value: Option<&str>) -> Result<Vec<String>, Speech> {
        let other = |line: &&String| read(line).is_none_or(|(k, _)| k != key);
        let mut all: Vec<String> = self.settings.iter().filter(other).cloned().collect();
        if let Some(value) = value {
            let line = format!("{key}={value}");
            // Cut, it would be another's, or say nothing.
            if label(line.clone()) != line {
                return Err("Nothing was changed: that is too long to be kept.".into());
            }
            all.push(line);
        }
        if all.len() > MAX_SETTINGS {
            return Err(NO_ROOM.into());
        }
        Ok(all)
    }

    fn said_of(&self, who: &str) -> Option<bool> {
        self.lines().find_map(|(whom, value)| (whom == Some(who)).then_some(value == "on"))
    }

    /// Lines of the service: of whom, and the value.
    fn lines(&self) -> impl Iterator<Item = (Option<&'a str>, &'a str)> {
        self.settings.iter().filter_map(|line| {
            let (key, value) = read(line)?;
            match key.strip_prefix(self.service)? {
                "" => Some((None, value)),
                rest => Some((Some(rest.strip_prefix('/')?), value)),
            }
        })
    }
}

/// Key and value of a line. A name after a slash may hold `=`, and then only the last one is
/// before the value; a value that was set may hold it too.
fn read(line: &str) -> Option<(&str, &str)> {
    let first = line.chars().find(|c| matches!(c, '/' | '='));
    if first == Some('/') { line.rsplit_once('=') } else { line.split_once('=') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_others_are_kept_and_the_most_exact_counts() {
        let bob: Address = "bob@yahoo".parse().unwrap();
        let carol: Address = "carol@msn".parse().unwrap();
        let mut settings = vec!["later=thing".to_owned(), "musical=x".into()];
        let set =
            |settings: &[String], value| Sharing::of("music", settings).with_value(value).unwrap();
        let except = |settings: &[String], whom, told| {
            Sharing::of("music", settings).with_exception(whom, told).unwrap()
        };
        assert_eq!(Sharing::of("music", &settings).value(), None);
        settings = set(&settings, Some("lastfm a=b"));
        assert_eq!(Sharing::of("music", &settings).value(), Some("lastfm a=b"));
        assert!(Sharing::of("music", &settings).is_with(&bob));
        settings = except(&settings, None, false);
        assert!(!Sharing::of("music", &settings).is_with(&bob));
        settings = except(&settings, Some(&carol), true);
        let sharing = Sharing::of("music", &settings);
        assert!(sharing.is_with(&carol) && !sharing.is_with(&bob) && !sharing.is_with_all());
        assert_eq!(sharing.exceptions().filter(|(_, told)| *told).count(), 1);
        settings = set(&settings, None);
        assert_eq!(Sharing::of("music", &settings).value(), None);
        assert_eq!(settings[..2], ["later=thing", "musical=x"]);
        let full = vec![String::new(); MAX_SETTINGS];
        assert_eq!(Sharing::of("music", &full).with_value(Some("x")), Err(NO_ROOM.into()));
    }

    #[test]
    fn what_is_said_of_somebody_can_be_taken_back() {
        let name = |n: usize| format!("v{n}@yahoo").parse::<Address>().unwrap();
        let mut settings = Vec::new();
        let said = |settings: &[String], whom: Option<&Address>, told| {
            Sharing::of("music", settings).with_exception(whom, told)
        };
        for n in 0..MAX_SETTINGS {
            settings = said(&settings, Some(&name(n)), false).unwrap();
        }
        assert_eq!(said(&settings, Some(&name(99)), false), Err(NO_ROOM.into()));
        assert_eq!(Sharing::of("music", &settings).with_value(Some("x")), Err(NO_ROOM.into()));
        settings = said(&settings, Some(&name(7)), true).unwrap();
        assert_eq!(settings.len(), MAX_SETTINGS - 1);
        assert!(Sharing::of("music", &settings).is_with(&name(7)));
        settings = said(&settings, None, false).unwrap();
        let sharing = Sharing::of("music", &settings);
        assert!(!sharing.is_with(&name(7)), "errs to the private side");
        settings = said(&settings, None, true).unwrap();
        assert_eq!(settings.len(), MAX_SETTINGS - 1);
        assert!(Sharing::of("music", &settings).is_with_all());
    }

    #[test]
    fn who_is_not_told_is_not_told_either_when_all_are_again() {
        let bob: Address = "bob@yahoo".parse().unwrap();
        let mut settings = Vec::new();
        for (whom, told) in [(None, false), (Some(&bob), false), (None, true)] {
            settings = Sharing::of("music", &settings).with_exception(whom, told).unwrap();
        }
        assert_eq!(settings, ["music/bob@yahoo=off"]);
        assert!(!Sharing::of("music", &settings).is_with(&bob));
    }

    #[test]
    fn whoever_is_named_is_told_or_not_whatever_the_name_holds() {
        for name in ["a=b@example.org@jabber", "a/b=on@example.org@jabber", "=@yahoo"] {
            let whom: Address = name.parse().unwrap();
            let mut settings = vec!["location=at a/b=c".to_owned(), "location/*=off".into()];
            for is_told in [false, true, false] {
                let sharing = Sharing::of("location", &settings);
                settings = sharing.with_exception(Some(&whom), is_told).unwrap();
                let sharing = Sharing::of("location", &settings);
                assert_eq!(sharing.is_with(&whom), is_told, "{settings:?}");
                let mut named = sharing.exceptions();
                assert_eq!((named.next(), named.next()), (Some((whom.clone(), is_told)), None));
                assert_eq!(sharing.value(), Some("at a/b=c"));
                assert_eq!(settings.len(), 3, "{settings:?}");
            }
        }
    }
}
