//! The presence of a person, as others see it.

use crate::address::Address;
use crate::rich::RichText;
use crate::time::UnixMillis;

/// Degrees of availability, from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Availability {
    /// Not signed on, or invisible: nobody can tell.
    #[default]
    Offline,
    /// Away for long.
    ExtendedAway,
    /// Away.
    Away,
    /// Asking not to be disturbed.
    Busy,
    /// There.
    Available,
    /// Signed on and glad to talk.
    Chatty,
}

/// The presence of a person, as others see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Availability.
    pub show: Availability,
    /// Status or away text; empty for none.
    pub text: RichText,
    /// Since when the person has not touched the client.
    pub idle_since: Option<UnixMillis>,
    /// Since when the person is signed on.
    pub online_since: Option<UnixMillis>,
}

impl Presence {
    /// Place in a status text for the name of whoever reads it, as AIM's `%n`. A gateway that does not
    /// fill it in shows that.
    pub const READER: &str = "%\u{2060}n";

    /// Fills the name of `reader` into the [places](Self::READER) of the text.
    pub fn fill_in(&mut self, reader: &Address) {
        /// More places make a text too much longer than it was; those of one run are counted.
        const MAX_PLACES: usize = 8;
        if !self.text.text().contains(Self::READER) {
            return;
        }
        let mut filled = RichText::default();
        for (run, styles) in self.text.runs() {
            filled.push(&run.replacen(Self::READER, reader.local(), MAX_PLACES), styles);
        }
        self.text = filled;
    }

    /// Signed off, or as good as.
    pub fn offline() -> Self {
        Self::default()
    }

    /// Available, without a text.
    pub fn available() -> Self {
        Self { show: Availability::Available, ..Self::default() }
    }

    /// Whether others see the person at all.
    pub fn is_online(&self) -> bool {
        self.show != Availability::Offline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_text_names_its_reader() {
        let mut text = RichText::plain("Hi ");
        text.push(Presence::READER, &[crate::Style::Bold]);
        text.push(", 100%n", []);
        let mut presence = Presence { text, ..Presence::available() };
        presence.fill_in(&"alice@jabber".parse().unwrap());
        let mut filled = RichText::plain("Hi ");
        filled.push("alice", &[crate::Style::Bold]);
        filled.push(", 100%n", []);
        assert_eq!(presence.text, filled);
    }
}
