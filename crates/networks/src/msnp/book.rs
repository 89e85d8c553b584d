//! What the notification connection and the address book share of a person's list.
//!
//! Since MSNP13 clients keep their lists by SOAP, over connections of their own. What they change
//! there is noted here, and done by the notification connection, where the person is signed in.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{Address, Contact, MAX_CONTACTS, RichText};

use super::groups::Groups;

/// The most changes that wait.
const MAX_EDITS: usize = 256;

/// A person's foreign contacts, and what the client wants of them.
#[derive(Default)]
pub(super) struct Book {
    /// The foreign contacts; none before the gateway told them.
    pub(super) contacts: Option<BTreeMap<Address, Contact>>,
    /// The groups of the address book.
    pub(super) groups: Groups,
    /// Who was shown to the client as asking.
    pub(super) asked: BTreeSet<Address>,
    /// Whether the client has read an address book with the foreign contacts in it.
    pub(super) served: bool,
    edits: Vec<Edit>,
    /// Whom the client added: it may name them before the change is made.
    promised: BTreeSet<Address>,
}

/// A change of the list by the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// Lists somebody, or names or groups somebody who is listed.
    List {
        address: Address,
        /// As the client spells it, where it does.
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

impl Book {
    /// A foreign contact.
    pub(super) fn contact(&self, address: &Address) -> Option<&Contact> {
        self.contacts.as_ref()?.get(address)
    }

    /// Every foreign contact.
    pub(super) fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.iter().flat_map(BTreeMap::values)
    }

    /// Everybody in the list, and whom the client was told to be in it.
    pub(super) fn people(&self) -> impl Iterator<Item = &Address> {
        self.contacts.iter().flat_map(BTreeMap::keys).chain(&self.promised)
    }

    /// Notes a change for the notification connection; one too many is lost.
    pub(super) fn edit(&mut self, edit: Edit) {
        if self.edits.len() >= MAX_EDITS {
            return;
        }
        if let Edit::List { address, .. } = &edit
            && self.promised.len() < MAX_CONTACTS
        {
            self.promised.insert(address.clone());
        }
        self.edits.push(edit);
    }

    /// Whether changes wait.
    pub(super) fn is_edited(&self) -> bool {
        !self.edits.is_empty()
    }

    /// Takes the changes that wait.
    pub(super) fn take_edits(&mut self) -> Vec<Edit> {
        std::mem::take(&mut self.edits)
    }
}
