//! Settings that a person keeps beside the list: copied, merged and wiped with it.

use crate::address::Address;
use crate::clean::label;
use crate::contact::Contact;

use super::{Roster, Stamp};

/// The most settings of a person.
pub const MAX_SETTINGS: usize = 64;

impl Roster {
    /// The settings, each a line of its own. What they mean is known to whoever wrote them.
    pub fn settings(&self) -> &[String] {
        self.entries.get(&place()).map_or(&[], |entry| &entry.contact.groups)
    }

    /// Replaces the settings. Returns whether they were written: what makes a full roster fuller
    /// is not, nor what is no [label], since a line that is cut or cleaned may say another thing.
    ///
    /// They are the labels of an entry that is no contact, under a name that is nobody's: so a
    /// gateway that knows nothing of settings keeps them and passes them on as it does with a
    /// contact that was removed.
    pub fn put_settings(&mut self, settings: Vec<String>, stamp: Stamp) -> bool {
        let is_whole = |line: &String| label(line.clone()) == *line;
        if settings.len() > MAX_SETTINGS || !settings.iter().all(is_whole) {
            return false;
        }
        let contact = Contact { groups: settings, ..Contact::new(place(), String::new()) };
        if !self.put(contact, stamp) {
            return false;
        }
        // An entry of which nothing is listed gives way to others; what a person set does not.
        if let Some(entry) = self.entries.get_mut(&place()) {
            entry.stamps.listing = entry.stamps.listing.max(stamp);
        }
        self.sum_up();
        true
    }

    /// Where the settings stand in a roster.
    pub fn place_of_settings() -> Address {
        place()
    }
}

/// Reserved name of the entry of the settings, among those of removed contacts.
pub(super) fn place() -> Address {
    Address::nobody("settings")
}
