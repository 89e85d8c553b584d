//! Lists that the client keeps itself: 03/04, 03/05 and 09/xx, as before the stored list.

use std::collections::BTreeSet;

use crosstalk_core::{Address, Contact, Event, MAX_CONTACTS, NameClass, RosterEdit, Side};

use crate::oscar::account::{PER_PERSON, Pass, Session};
use crate::oscar::context::Io;
use crate::oscar::wire::{Reader, Snac, Writer};

/// The foreign people whose arrivals the client asked for by name.
#[derive(Default)]
pub(in crate::oscar) struct Watch(BTreeSet<Address>);

impl Watch {
    pub(in crate::oscar) fn has(&self, address: &Address) -> bool {
        self.0.contains(address)
    }

    /// Bytes that it takes.
    pub(in crate::oscar) fn weight(&self) -> usize {
        self.0.len() * PER_PERSON
    }
}

/// A list of names, foreign ones apart from the rest.
struct Parted {
    own: Vec<u8>,
    foreign: Vec<Address>,
    pass: Pass,
}

impl Session {
    /// 03/04 and 03/0f: names to watch. For a client without a stored list this is its list.
    pub(in crate::oscar) fn watched(&mut self, snac: &Snac, io: &mut Io<'_>) -> Pass {
        let parted = self.part(snac, io);
        let named: BTreeSet<Address> = parted.foreign.into_iter().collect();
        for address in &named {
            if self.watch.0.len() < MAX_CONTACTS {
                self.watch.0.insert(address.clone());
            }
        }
        if self.is_settled() {
            self.list_watched(&named, io);
            for address in &named {
                self.show_presence(address, io);
            }
        }
        parted.pass
    }

    /// 03/05 and 03/10: names to watch no longer.
    pub(in crate::oscar) fn unwatched(&mut self, snac: &Snac, io: &mut Io<'_>) -> Pass {
        let parted = self.part(snac, io);
        for address in parted.foreign {
            self.watch.0.remove(&address);
            let contact = self.contacts.as_ref().and_then(|c| c.get(&address)).cloned();
            if let Some(before) = contact.filter(|c| c.listed && !self.list.is_stored()) {
                let after = Contact { listed: false, ..before.clone() };
                self.contacts
                    .iter_mut()
                    .for_each(|c| drop(c.insert(address.clone(), after.clone())));
                self.emit_difference(&before, after, io);
            }
        }
        parted.pass
    }

    /// Lists whom an old client watches and the gateway does not know of.
    pub(in crate::oscar) fn sync_watch(&mut self, io: &mut Io<'_>) {
        let watched = self.watch.0.clone();
        self.list_watched(&watched, io);
    }

    fn list_watched(&mut self, named: &BTreeSet<Address>, io: &mut Io<'_>) {
        if self.list.is_stored() {
            return;
        }
        for address in
            named.iter().filter(|address| self.watch.has(address)).cloned().collect::<Vec<_>>()
        {
            let spelling = io.context.names.universal(&address);
            let Some(contacts) = &mut self.contacts else { return };
            let known = contacts.get(&address);
            if known.is_some_and(|c| c.listed)
                || (known.is_none() && contacts.len() >= MAX_CONTACTS)
            {
                continue;
            }
            let before = known.cloned().unwrap_or_else(|| Contact::new(address.clone(), spelling));
            let after = Contact { listed: true, ..before.clone() };
            contacts.insert(address.clone(), after.clone());
            self.emit_difference(&before, after, io);
        }
    }

    /// 09/05 to 09/0b: whom to permit and to deny.
    pub(in crate::oscar) fn permits(&mut self, snac: &Snac, io: &mut Io<'_>) -> Pass {
        const DENY: u16 = 0x07;
        const UNDENY: u16 = 0x08;
        let parted = self.part(snac, io);
        for address in parted.foreign {
            if let DENY | UNDENY = snac.subtype
                && self.user().is_some()
            {
                io.emit(Event::Roster(RosterEdit::Block(address, snac.subtype == DENY)));
            }
        }
        parted.pass
    }

    /// Takes the foreign names out of a list; what is left goes to the server.
    fn part(&mut self, snac: &Snac, io: &mut Io<'_>) -> Parted {
        let mut reader = Reader::new(&snac.body);
        let mut parted = Parted { own: Vec::new(), foreign: Vec::new(), pass: Pass::Forward };
        let mut writer = Writer::new();
        let mut altered = false;
        while let Ok(name) = reader.short() {
            match self.class_of(name, io) {
                NameClass::Own => writer = writer.short(name),
                NameClass::Foreign(address) => {
                    altered = true;
                    parted.foreign.push(address);
                }
                NameClass::Nowhere => altered = true,
            }
        }
        parted.own = writer.bytes().to_vec();
        if altered {
            io.withhold(Side::Server);
            if !parted.own.is_empty() {
                let body = std::mem::take(&mut parted.own);
                self.tell_server(&Snac { body: body.into(), ..snac.clone() }, io);
            }
            self.refund(snac.kind(), io);
            parted.pass = Pass::Done;
        } else {
            // What is no list of names must not take a foreign one to the server either.
            parted.pass = self.unread(snac, io);
        }
        parted
    }
}
