//! Changes that an owner makes in the own list.

use crate::address::Address;

/// A change that an owner makes in the own list. Consent is not among these: that is said to the
/// contact, in an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterEdit {
    /// Lists a contact, or renames or regroups a listed one.
    List {
        /// The contact that is listed.
        address: Address,
        /// Spelling of the name in the owner's client.
        spelling: String,
        /// The owner's name for the contact.
        alias: Option<String>,
        /// The groups.
        groups: Vec<String>,
    },
    /// Takes a contact off the list; consent in both directions ends.
    Remove(Address),
    /// Blocks or unblocks.
    Block(Address, bool),
}

impl RosterEdit {
    /// The contact that is edited.
    pub const fn address(&self) -> &Address {
        match self {
            Self::List { address, .. } | Self::Remove(address) | Self::Block(address, _) => address,
        }
    }
}
