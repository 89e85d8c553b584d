//! Last presences of contacts, as an engine keeps them.

use std::collections::BTreeMap;

use crosstalk_core::{Address, MAX_CONTACTS, Presence, RichText};

use super::weight::{of_address, of_text};

/// The longest text of a presence that is kept, in bytes: no client shows as much.
const MAX_STATUS: usize = 1_024;

/// A presence with as much of its text as is kept.
pub(crate) fn shortened(presence: Presence) -> Presence {
    Presence { text: short(presence.text), ..presence }
}

/// The part of a presence's text that is kept.
pub(crate) fn short(text: RichText) -> RichText {
    if of_text(&text) <= MAX_STATUS {
        return text;
    }
    let end = text.text().floor_char_boundary(MAX_STATUS);
    RichText::plain(text.text().get(..end).unwrap_or_default())
}

/// Last presences of contacts: of as many as a list holds, each with as much of its text as is
/// kept.
#[derive(Default)]
pub(crate) struct Presences {
    known: BTreeMap<Address, Presence>,
    bytes: usize,
}

impl Presences {
    pub(crate) fn get(&self, of: &Address) -> Option<&Presence> {
        self.known.get(of)
    }

    /// People whose presence is known.
    pub(crate) fn people(&self) -> impl Iterator<Item = &Address> {
        self.known.keys()
    }

    /// Notes a presence, if there is room.
    pub(crate) fn insert(&mut self, of: Address, presence: Presence) {
        if self.known.len() < MAX_CONTACTS || self.known.contains_key(&of) {
            // The one before goes first: the bytes are those of what is kept.
            self.remove(&of);
            let presence = shortened(presence);
            self.bytes += of_presence(&of, &presence);
            self.known.insert(of, presence);
        }
    }

    /// Forgets a presence. Returns whether there was one.
    pub(crate) fn remove(&mut self, of: &Address) -> bool {
        let known = self.known.remove(of);
        self.bytes -= known.as_ref().map_or(0, |presence| of_presence(of, presence));
        known.is_some()
    }

    /// Bytes that they take.
    pub(crate) const fn weight(&self) -> usize {
        self.bytes
    }
}

fn of_presence(of: &Address, presence: &Presence) -> usize {
    size_of::<Presence>() + of_address(of) + of_text(&presence.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presence_is_kept_with_as_much_text_as_clients_show() {
        let long =
            Presence { text: "\u{e9}".repeat(2_000).as_str().into(), ..Presence::available() };
        assert_eq!(shortened(long).text.text().len(), MAX_STATUS);
        let short = Presence { text: "tea".into(), ..Presence::available() };
        assert_eq!(shortened(short.clone()), short);
    }
}
