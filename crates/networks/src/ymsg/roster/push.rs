//! Telling the client of changes to its list that it did not make.

use crosstalk_core::{Address, Contact};

use super::super::account::ANSWER;
use super::super::account::Account;
use super::super::context::Cx;
use super::super::presence::offline;
use super::super::wire::{Draft, key, service};
use super::edits::groups;
use super::group_names::GroupNames;
use super::list_15::sections_of;

impl Account {
    /// Brings the client's list up to the foreign contacts, where it had its own before these
    /// were known.
    pub(in crate::ymsg) fn push_all(&mut self, cx: &mut Cx<'_>) {
        let all: Vec<Contact> = self.contacts.iter().cloned().collect();
        self.push(&all, cx);
    }

    /// Brings the client's list up to some contacts. Clients take no new one from an answer to an
    /// edit that they did not make, but from a list; before version 15 a list is all there is.
    pub(in crate::ymsg) fn push(&mut self, contacts: &[Contact], cx: &mut Cx<'_>) {
        let spelled = GroupNames::of(&self.list.own, cx.link.charset);
        let new: Vec<&Contact> = contacts.iter().filter(|c| self.place(c, &spelled, cx)).collect();
        // Older clients learn of buddies that they did not add themselves by a whole list only.
        if !new.is_empty() && !cx.link.is_new() {
            self.tell_whole_list(cx);
        }
        for contact in new {
            self.show_presence(&contact.address, cx);
        }
    }

    /// Tells the client of the groups that a contact left and came to. Returns whether there are
    /// any of these.
    fn place(&mut self, contact: &Contact, spelled: &GroupNames, cx: &mut Cx<'_>) -> bool {
        let address = &contact.address;
        let Some(name) = self.name(address, cx) else { return false };
        let shown = self.list.shown.remove(address).unwrap_or_default();
        let wanted = if contact.listed { groups(contact) } else { Vec::new() };
        let edit = |service, group: &String| {
            let draft = Draft::new(service, ANSWER).with(key::ID, &self.me).with(key::RESULT, "0");
            draft.with(key::BUDDY, &name).with(key::GROUP, spelled.write(group))
        };
        for group in shown.iter().filter(|group| !wanted.contains(group)) {
            cx.show(edit(service::REMOVE_BUDDY, group));
        }
        let new: Vec<String> = wanted.iter().filter(|g| !shown.contains(g)).cloned().collect();
        for group in &new {
            cx.show(edit(service::ADD_BUDDY, group));
        }
        if cx.link.is_new() {
            for draft in sections_of(&new, &name, spelled) {
                cx.show(draft);
            }
        }
        if !wanted.is_empty() {
            self.list.shown.insert(address.clone(), wanted);
        } else if self.presences.remove(address) {
            cx.show(offline(&name));
        }
        !new.is_empty()
    }

    /// Shows everything that is known of a contact's presence.
    pub(in crate::ymsg) fn show_presence(&self, of: &Address, cx: &mut Cx<'_>) {
        let Some(presence) = self.presences.get(of) else { return };
        if let Some(name) = self.name(of, cx).filter(|_| self.list.shown.contains_key(of)) {
            self.show(&name, presence, false, cx);
        }
    }
}
