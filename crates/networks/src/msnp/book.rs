//! What the notification connection and the address book share of a person's list.
//!
//! Since MSNP13 clients keep their lists by SOAP, over connections of their own. What they change
//! there is noted here, and done by the notification connection, where the person is signed in.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{Address, Contact};

/// A person's foreign contacts, and what the client wants of them.
#[derive(Default)]
pub(super) struct Book {
    /// The foreign contacts; none before the gateway told them.
    pub(super) contacts: Option<BTreeMap<Address, Contact>>,
    /// Who was shown to the client as asking.
    pub(super) asked: BTreeSet<Address>,
    /// Whether the client has read an address book with the foreign contacts in it.
    pub(super) served: bool,
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
    /// Lets somebody see the own presence.
    Allow(Address, Option<String>),
    /// Blocks or unblocks.
    Block(Address, Option<String>, bool),
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
}
