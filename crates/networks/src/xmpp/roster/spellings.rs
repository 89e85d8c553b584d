//! Spellings that the client used for people who are not in its roster.

use std::collections::BTreeMap;

use crosstalk_core::Address;

use crate::xmpp::jid::{self, Naming};

/// The most spellings that are remembered.
const MAX_SPELLINGS: usize = 256;

/// Spellings that the client used for people who are not in the list.
#[derive(Default)]
pub(in crate::xmpp) struct Spellings(BTreeMap<Address, String>);

impl Spellings {
    /// Remembers how the client spells somebody.
    pub(in crate::xmpp) fn learn(&mut self, naming: &Naming, address: &Address, jid: &str) {
        let spelling = jid::bare(jid).to_lowercase();
        if self.0.len() < MAX_SPELLINGS && naming.accept(&spelling, address).is_some() {
            // The first stays: a client files a conversation under the JID that it began with.
            self.0.entry(address.clone()).or_insert(spelling);
        }
    }

    /// Remembers how the client knew somebody who is a contact no more.
    pub(in crate::xmpp) fn keep(
        &mut self,
        naming: &Naming,
        address: &Address,
        spelling: Option<&str>,
    ) {
        let spelling = spelling.and_then(|spelling| naming.accept(spelling, address));
        if let Some(spelling) = spelling.filter(|_| self.0.len() < MAX_SPELLINGS) {
            self.0.insert(address.clone(), spelling.to_owned());
        }
    }

    /// The spelling of somebody.
    pub(in crate::xmpp) fn get(&self, address: &Address) -> Option<&str> {
        self.0.get(address).map(String::as_str)
    }
}
