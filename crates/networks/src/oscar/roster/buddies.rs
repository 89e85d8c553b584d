//! Buddies that the client watches by name: 03/04 and 03/05, as before the stored list.

use std::collections::BTreeSet;

use crosstalk_core::{Address, Contact, MAX_CONTACTS, NameClass, Side};

use crate::oscar::PER_PERSON;
use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::verdict::Verdict;
use crate::oscar::wire::{Reader, Snac, Writer};

/// The foreign people whose arrivals the client asked for by name.
#[derive(Default)]
pub(in crate::oscar) struct WatchedBuddies(BTreeSet<Address>);

impl WatchedBuddies {
    pub(in crate::oscar) fn has(&self, address: &Address) -> bool {
        self.0.contains(address)
    }

    /// Bytes that it takes.
    pub(in crate::oscar) fn weight(&self) -> usize {
        self.0.len() * PER_PERSON
    }
}

/// A list of names, foreign ones apart from the rest.
pub(super) struct Partitioned {
    pub(super) foreign: Vec<Address>,
    pub(super) verdict: Verdict,
}

impl Account {
    /// 03/04 and 03/0f: names to watch. For a client without a stored list this is its list.
    pub(in crate::oscar) fn watched(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let partitioned = self.part(snac, cx);
        let named: BTreeSet<Address> = partitioned.foreign.into_iter().collect();
        for address in &named {
            if self.watch.0.len() < MAX_CONTACTS {
                self.watch.0.insert(address.clone());
            }
        }
        if self.is_settled() {
            self.list_watched(&named, cx);
            for address in &named {
                self.show_presence(address, cx);
            }
        }
        partitioned.verdict
    }

    /// 03/05 and 03/10: names to watch no longer.
    pub(in crate::oscar) fn unwatched(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let partitioned = self.part(snac, cx);
        for address in partitioned.foreign {
            self.watch.0.remove(&address);
            let contact = self.contacts.get(&address).cloned();
            if let Some(before) = contact.filter(|c| c.listed && !self.list.is_stored()) {
                let after = Contact { listed: false, ..before.clone() };
                self.contacts.put(&after);
                self.emit_difference(&before, after, cx);
            }
        }
        partitioned.verdict
    }

    /// Lists whom an old client watches and the gateway does not know of.
    pub(in crate::oscar) fn sync_watch(&mut self, cx: &mut Cx<'_>) {
        let watched = self.watch.0.clone();
        self.list_watched(&watched, cx);
    }

    fn list_watched(&mut self, named: &BTreeSet<Address>, cx: &mut Cx<'_>) {
        if self.list.is_stored() || !self.contacts.are_known() {
            return;
        }
        for address in
            named.iter().filter(|address| self.watch.has(address)).cloned().collect::<Vec<_>>()
        {
            let spelling = cx.context.names.universal(&address);
            let known = self.contacts.get(&address);
            if known.is_some_and(|c| c.listed) || !self.contacts.have_room_for(&address) {
                continue;
            }
            let before = known.cloned().unwrap_or_else(|| Contact::new(address.clone(), spelling));
            let after = Contact { listed: true, ..before.clone() };
            self.contacts.put(&after);
            self.emit_difference(&before, after, cx);
        }
    }

    /// Takes the foreign names out of a list; what is left goes to the server.
    pub(super) fn part(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Partitioned {
        let mut reader = Reader::new(&snac.body);
        let mut partitioned = Partitioned { foreign: Vec::new(), verdict: Verdict::Forward };
        let mut writer = Writer::new();
        let mut altered = false;
        while let Ok(name) = reader.short() {
            match self.class_of(name, cx) {
                NameClass::Own => writer = writer.short(name),
                NameClass::Foreign(address) => {
                    altered = true;
                    partitioned.foreign.push(address);
                }
                NameClass::Nowhere => altered = true,
            }
        }
        if altered {
            cx.withhold(Side::Server);
            let body = writer.bytes();
            if !body.is_empty() {
                self.tell_server(&Snac { body, ..snac.clone() }, cx);
            }
            self.refund(snac.kind(), cx);
            partitioned.verdict = Verdict::Done;
        } else {
            // What is no list of names must not take a foreign one to the server either.
            partitioned.verdict = self.unread(snac, cx);
        }
        partitioned
    }
}
