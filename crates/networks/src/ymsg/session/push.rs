//! Telling the client of changes to its list that it did not make.

use crosstalk_core::{Address, Contact};

use super::super::link::Io;
use super::super::service;
use super::super::wire::Draft;
use super::edit::groups;
use super::list_15::sections_of;
use super::presence::offline;
use super::{ANSWER, Session};

impl Session {
    /// Brings the client's list up to the foreign contacts, where it had its own before these
    /// were known.
    pub(super) fn push_all(&mut self, io: &mut Io<'_>) {
        let all: Vec<Contact> = self.contacts.iter().flatten().map(|(_, c)| c.clone()).collect();
        for contact in &all {
            self.push(contact, io);
        }
    }

    /// Brings the client's list up to one contact.
    pub(super) fn push(&mut self, contact: &Contact, io: &mut Io<'_>) {
        let address = &contact.address;
        let Some(name) = self.name(address, io) else { return };
        let shown = self.list.shown.remove(address).unwrap_or_default();
        let wanted = if contact.listed { groups(contact) } else { Vec::new() };
        for group in shown.iter().filter(|group| !wanted.contains(group)) {
            let draft = Draft::new(service::REMOVE_BUDDY, ANSWER).with(1, &self.me).with(66, "0");
            io.tell(draft.with(7, &name).with(65, io.line.charset.write_group(group)));
        }
        let new: Vec<String> = wanted.iter().filter(|g| !shown.contains(g)).cloned().collect();
        if !wanted.is_empty() {
            self.list.shown.insert(address.clone(), wanted);
        } else if self.presences.remove(address).is_some() {
            io.tell(offline(&name));
        }
        if !new.is_empty() {
            self.push_into(&new, &name, io);
            self.show_presence(address, io);
        }
    }

    /// Clients take no new contact from an answer to an edit that they did not make, but from a
    /// list. Before version 15 a list is all there is.
    fn push_into(&mut self, new: &[String], name: &str, io: &mut Io<'_>) {
        for group in new {
            let draft = Draft::new(service::ADD_BUDDY, ANSWER).with(1, &self.me).with(7, name);
            io.tell(draft.with(65, io.line.charset.write_group(group)).with(66, "0"));
        }
        if io.line.is_new() {
            for draft in sections_of(new, name, io.line.charset) {
                io.tell(draft);
            }
        } else {
            self.tell_whole_list(io);
        }
    }

    /// Shows everything that is known of a contact's presence.
    pub(super) fn show_presence(&self, of: &Address, io: &mut Io<'_>) {
        let Some(presence) = self.presences.get(of) else { return };
        if let Some(name) = self.name(of, io).filter(|_| self.list.shown.contains_key(of)) {
            self.show(&name, presence, false, io);
        }
    }
}
