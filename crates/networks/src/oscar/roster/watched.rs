//! Foreign people that a client watches by name.

use std::collections::BTreeSet;

use crosstalk_core::Address;

use crate::oscar::PER_PERSON;

/// The foreign people whose arrivals the client asked for by name.
#[derive(Default)]
pub(in crate::oscar) struct WatchedBuddies(pub(super) BTreeSet<Address>);

impl WatchedBuddies {
    pub(in crate::oscar) fn has(&self, address: &Address) -> bool {
        self.0.contains(address)
    }

    /// Bytes that it takes.
    pub(in crate::oscar) fn weight(&self) -> usize {
        self.0.len() * PER_PERSON
    }
}
