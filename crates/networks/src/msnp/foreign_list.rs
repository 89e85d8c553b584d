//! State of a person's list that the notification connection and the address book share.
//!
//! Since MSNP13 clients keep their lists by SOAP, over connections of their own. What they change
//! there is noted here, and done by the notification connection, where the person is signed in.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{Address, Contact, MAX_CONTACTS, RichText};

use crate::common::{Contacts, held};
use crate::msnp::groups::{Groups, contact_id};

/// The most changes that wait, and the most bytes of them.
pub(super) const MAX_EDITS: usize = 1_024;
const MAX_BYTES: usize = 512 << 10;

/// A person's foreign contacts, and what the client wants of them.
#[derive(Default)]
pub(super) struct ForeignList {
    contacts: Contacts,
    /// Those, and who is promised, by the ids that GUIDs and numbers of memberships come from.
    ids: BTreeMap<u128, Address>,
    /// The groups of the address book.
    pub(super) groups: Groups,
    /// People who were shown to the client as asking.
    pub(super) asked: BTreeSet<Address>,
    /// Whether the client has read an address book with the foreign contacts in it.
    pub(super) served: bool,
    /// Whether the client has read the contacts themselves, and whether the notification connection
    /// is to hear of that: what a client is told of people before it has them means nothing to it.
    has_contacts: bool,
    presences_due: bool,
    edits: Vec<Edit>,
    /// Bytes that the edits hold.
    bytes: usize,
    /// People that the client added: it may name them before the change is made.
    promised: BTreeSet<Address>,
}

/// A change of the list by the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// Lists somebody, or names or groups somebody who is listed.
    List {
        address: Address,
        /// Name as the client spells it, where it does.
        name: Option<String>,
        nick: Option<String>,
        group: Option<String>,
    },
    /// Takes somebody off the list.
    Unlist(Address),
    /// Takes somebody out of a group.
    Ungroup(Address, String),
    /// Lets somebody see their presence.
    Allow(Address, Option<String>),
    /// Blocks or unblocks.
    Block(Address, Option<String>, bool),
    /// Says something to somebody who is offline.
    Say(Address, RichText),
    /// Gives a group another name, or takes it away.
    Regroup(String, Option<String>),
}

impl Edit {
    fn weight(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        size_of::<Self>()
            + match self {
                Self::List { address, name, nick, group } => {
                    held::of_address(address) + text(name) + text(nick) + text(group)
                }
                Self::Unlist(address) => held::of_address(address),
                Self::Ungroup(address, group) => held::of_address(address) + group.len(),
                Self::Allow(address, name) | Self::Block(address, name, _) => {
                    held::of_address(address) + text(name)
                }
                Self::Say(address, words) => held::of_address(address) + held::of_text(words),
                Self::Regroup(old, new) => old.len() + text(new),
            }
    }
}

impl ForeignList {
    /// Takes the foreign contacts.
    pub(super) fn fill(&mut self, contacts: impl Iterator<Item = Contact>) {
        self.contacts.fill(std::iter::empty());
        contacts.for_each(|contact| self.put(&contact));
    }

    /// Whether the gateway told the foreign contacts.
    pub(super) const fn is_filled(&self) -> bool {
        self.contacts.are_known()
    }

    /// Writes a contact, or forgets one that is blank.
    pub(super) fn put(&mut self, contact: &Contact) {
        let address = &contact.address;
        let was_there = self.contacts.get(address).is_some();
        if !self.contacts.put(contact) {
            return;
        }
        if !contact.is_empty() {
            self.ids.insert(contact_id(address), address.clone());
        } else if was_there && !self.promised.contains(address) {
            self.ids.remove(&contact_id(address));
        }
    }

    /// The client reads the contacts; for the first time, their presence is due.
    pub(super) fn serve_contacts(&mut self) {
        self.served = true;
        self.presences_due |= !std::mem::replace(&mut self.has_contacts, true);
    }

    /// Whether something waits for the notification connection.
    pub(super) const fn has_news(&self) -> bool {
        !self.edits.is_empty() || self.presences_due
    }

    /// Whether the presence of the contacts is to be shown to a client that has just read them.
    pub(super) fn take_presences_due(&mut self) -> bool {
        std::mem::take(&mut self.presences_due)
    }

    /// Whether somebody may be written that is no contact yet.
    pub(super) fn has_room_for(&self, address: &Address) -> bool {
        self.contacts.have_room_for(address)
    }

    /// A foreign contact.
    pub(super) fn contact(&self, address: &Address) -> Option<&Contact> {
        self.contacts.get(address)
    }

    /// Every foreign contact.
    pub(super) fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.iter()
    }

    /// Whoever has an id in `ids`, in the list or told to be in it.
    pub(super) fn called(&self, ids: std::ops::RangeInclusive<u128>) -> Option<&Address> {
        self.ids.range(ids).next().map(|(_, address)| address)
    }

    /// Notes changes for the notification connection: all or, where there is no room, none.
    /// Returns whether it did.
    #[must_use]
    pub(super) fn edit(&mut self, edits: Vec<Edit>) -> bool {
        let bytes = self.bytes + edits.iter().map(Edit::weight).sum::<usize>();
        if self.edits.len() + edits.len() > MAX_EDITS || bytes > MAX_BYTES {
            return false;
        }
        self.bytes = bytes;
        for edit in &edits {
            if let Edit::List { address, .. } = edit
                && self.promised.len() < MAX_CONTACTS
            {
                self.promised.insert(address.clone());
                self.ids.insert(contact_id(address), address.clone());
            }
        }
        self.edits.extend(edits);
        true
    }

    /// Takes the changes that wait.
    pub(super) fn take_edits(&mut self) -> Vec<Edit> {
        self.bytes = 0;
        std::mem::take(&mut self.edits)
    }
}
