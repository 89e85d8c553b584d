//! A person's list, which the notification connection keeps.
//!
//! Since MSNP13 clients keep their lists by SOAP, over connections of their own. These read the list
//! as it is at the time, and the notification connection, where the person is signed in, makes the
//! changes that they ask for.

use std::collections::BTreeMap;

use crosstalk_core::{Address, Contact, RichText};

use crate::common::{Contacts, weight};
use crate::msnp::groups::{Groups, contact_id};

/// The most changes at a time, and the most bytes of those that wait.
pub(super) const MAX_EDITS: usize = 1_024;
pub(super) const MAX_EDITED: usize = 512 << 10;

/// A person's foreign contacts, and the groups of the client's list.
#[derive(Clone)]
pub(super) struct ForeignList {
    contacts: Contacts,
    /// Those by the ids that GUIDs and numbers of memberships come from.
    ids: BTreeMap<u128, Address>,
    pub(super) groups: Groups,
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
    /// Gives the group with this id another name, or takes it away.
    Regroup(String, Option<String>),
}

/// Bytes of changes that are made together; none where they are too many.
pub(super) fn weight_of(edits: &[Edit]) -> Option<usize> {
    let weight = edits.iter().map(Edit::weight).sum();
    (edits.len() <= MAX_EDITS && weight <= MAX_EDITED).then_some(weight)
}

impl Edit {
    /// Whoever becomes a contact by it, if they are none yet.
    pub(super) const fn adds(&self) -> Option<&Address> {
        match self {
            Self::List { address, .. }
            | Self::Allow(address, _)
            | Self::Block(address, _, true) => Some(address),
            Self::Unlist(_)
            | Self::Ungroup(..)
            | Self::Block(_, _, false)
            | Self::Say(..)
            | Self::Regroup(..) => None,
        }
    }

    fn weight(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        size_of::<Self>()
            + match self {
                Self::List { address, name, nick, group } => {
                    weight::of_address(address) + text(name) + text(nick) + text(group)
                }
                Self::Unlist(address) => weight::of_address(address),
                Self::Ungroup(address, group) => weight::of_address(address) + group.len(),
                Self::Allow(address, name) | Self::Block(address, name, _) => {
                    weight::of_address(address) + text(name)
                }
                Self::Say(address, words) => weight::of_address(address) + weight::of_text(words),
                Self::Regroup(id, new) => id.len() + text(new),
            }
    }
}

impl ForeignList {
    /// An empty list, with groups in the words of `version`.
    pub(super) fn new(version: u32) -> Self {
        Self { contacts: Contacts::default(), ids: BTreeMap::new(), groups: Groups::new(version) }
    }

    /// Takes the foreign contacts.
    pub(super) fn fill<'a>(&mut self, contacts: impl Iterator<Item = &'a Contact>) {
        self.contacts.fill(std::iter::empty());
        contacts.for_each(|contact| self.put(contact));
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
        } else if was_there {
            self.ids.remove(&contact_id(address));
        }
    }

    /// Gives an id to each group of a contact that the server knows nothing of.
    pub(super) fn know_groups(&mut self) {
        let Self { contacts, groups, .. } = self;
        for group in contacts.iter().filter(|c| c.listed).flat_map(|contact| &contact.groups) {
            groups.id(group);
        }
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

    /// Whoever has an id in `ids`.
    pub(super) fn called(&self, ids: std::ops::RangeInclusive<u128>) -> Option<&Address> {
        self.ids.range(ids).next().map(|(_, address)| address)
    }
}
