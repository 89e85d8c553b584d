//! The client's edits of its list, as far as they are about foreign people.

use crosstalk_core::{
    Address, Body, Consent, Contact, NameClass, RichText, RosterEdit, Subscription,
};

use super::super::account::ANSWER;
use super::super::account::Account;
use super::super::context::Cx;
use super::super::wire::{Draft, Packet, charset, key, service};

/// The group of contacts that have none: every contact stands in one.
pub(in crate::ymsg) const DEFAULT_GROUP: &str = "Friends";

/// Results of an edit, in key 66.
mod code {
    pub(in crate::ymsg) const DONE: &str = "0";
    pub(in crate::ymsg) const THERE_ALREADY: &str = "2";
    pub(in crate::ymsg) const NO_SUCH_NAME: &str = "3";
    pub(in crate::ymsg) const FULL: &str = "6";
}

impl Account {
    /// 0x83: `7=who 65=group 14=words`.
    pub(in crate::ymsg) fn add(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let bytes = packet.first(key::GROUP).unwrap_or_default();
        let group = group(bytes, cx);
        let words = cx
            .link
            .charset
            .read(packet.first(key::TEXT).unwrap_or_default(), packet.number(key::UTF8));
        let words = RichText::plain(words);
        for who in packet.all(key::BUDDY) {
            let done = match cx.class_of(who) {
                NameClass::Own => continue,
                NameClass::Nowhere => code::NO_SUCH_NAME,
                NameClass::Foreign(address) => {
                    self.list_in_group(&address, who, &group, &words, cx)
                }
            };
            let draft = Draft::new(service::ADD_BUDDY, ANSWER)
                .with(key::ID, &self.me)
                .with(key::BUDDY, who);
            cx.show(draft.with(key::GROUP, bytes).with(key::RESULT, done));
            if let NameClass::Foreign(address) = cx.class_of(who) {
                self.show_presence(&address, cx);
            }
        }
    }

    /// Puts a contact into a group, and asks it if it is new. Returns the code to answer with.
    fn list_in_group(
        &mut self,
        address: &Address,
        name: &[u8],
        group: &str,
        words: &RichText,
        cx: &mut Cx<'_>,
    ) -> &'static str {
        if !self.contacts.have_room_for(address) {
            return code::FULL;
        }
        let mut contact = self.draft(address, cx);
        if !contact.listed {
            charset::read_name(name).trim().clone_into(&mut contact.spelling);
            contact.groups.clear();
        }
        if contact.listed && groups(&contact).iter().any(|g| g == group) {
            return code::THERE_ALREADY;
        }
        contact.groups = if contact.listed { groups(&contact) } else { Vec::new() };
        contact.groups.push(group.to_owned());
        contact.listed = true;
        let is_new = contact.to == Subscription::None;
        if is_new {
            contact.to = Subscription::Asked(words.clone());
        }
        let asks = matches!(contact.from, Subscription::Asked(_));
        self.put(&contact, cx);
        if is_new {
            self.awaited.insert(address.clone());
            cx.send(address.clone(), Body::Contact(Consent::Request(words.clone())));
        }
        if asks && !self.says_yes {
            // Whoever has no other word for yes says it by adding the one who asked.
            self.answer_request(address, true, cx);
        }
        code::DONE
    }

    /// 0x84: `7=who 65=group`.
    pub(in crate::ymsg) fn remove(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let bytes = packet.first(key::GROUP).unwrap_or_default();
        let group = group(bytes, cx);
        for who in packet.all(key::BUDDY) {
            match cx.class_of(who) {
                NameClass::Own => continue,
                NameClass::Nowhere => {}
                NameClass::Foreign(address) => self.take_out(&address, &group, cx),
            }
            let draft = Draft::new(service::REMOVE_BUDDY, ANSWER).with(key::ID, &self.me);
            cx.show(
                draft.with(key::RESULT, code::DONE).with(key::BUDDY, who).with(key::GROUP, bytes),
            );
        }
    }

    /// Takes a contact out of a group, and with the last one off the list.
    fn take_out(&mut self, address: &Address, group: &str, cx: &mut Cx<'_>) {
        let Some(mut contact) = self.contact(address).filter(|c| c.listed).cloned() else { return };
        contact.groups = groups(&contact);
        if contact.groups.len() > 1 {
            contact.groups.retain(|g| g != group);
            return self.put(&contact, cx);
        }
        self.presences.remove(address);
        self.awaited.remove(address);
        contact.listed = false;
        (contact.to, contact.from) = (Subscription::None, Subscription::None);
        // Out of what is shown first: the client took it out itself, and is not told of it.
        self.list.shown.remove(address);
        self.changed(&contact, cx);
        cx.edit(RosterEdit::Remove(address.clone()));
    }

    /// 0xE7: `7=who 224=from 264=to`.
    pub(in crate::ymsg) fn regroup(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let (mut who, mut from) = (None, &b""[..]);
        let mut moves = Vec::new();
        for (key, value) in packet.pairs() {
            match key {
                key::BUDDY => who = Some(value),
                key::FROM_GROUP => from = value,
                key::TO_GROUP => moves.extend(who.map(|who| (who, from, value))),
                _ => {}
            }
        }
        for (who, from, to) in moves {
            if let NameClass::Foreign(address) = cx.class_of(who) {
                let contact = self.contact(&address).cloned();
                self.regroup_all(contact, &group(from, cx), &group(to, cx), cx);
            }
            if cx.class_of(who) != NameClass::Own {
                let draft = Draft::new(service::MOVE_BUDDY, ANSWER).with(key::ID, &self.me);
                let draft = draft
                    .with(key::RESULT, code::DONE)
                    .with(key::BEGIN_LIST, "240")
                    .with(key::BEGIN_ENTRY, "240");
                let draft =
                    draft.with(key::BUDDY, who).with(key::FROM_GROUP, from).with(key::TO_GROUP, to);
                cx.show(draft.with(key::END_ENTRY, "240").with(key::END_LIST, "240"));
            }
        }
    }

    /// 0x89: `65=from 67=to`. Returns whether the server is to have it: it knows nothing of a
    /// group that only foreign people are in.
    pub(in crate::ymsg) fn rename_group(&mut self, packet: &Packet, cx: &mut Cx<'_>) -> bool {
        let (from, to) = (
            packet.first(key::GROUP).unwrap_or_default(),
            packet.first(key::NEW_GROUP).unwrap_or_default(),
        );
        let all: Vec<Contact> = self.contacts.iter().cloned().collect();
        let is_ours = self.regroup_all(all, &group(from, cx), &group(to, cx), cx);
        if !is_ours || self.list.own.has_group(from) {
            return true;
        }
        let draft = Draft::new(service::RENAME_GROUP, ANSWER).with(key::ID, &self.me);
        cx.show(
            draft.with(key::RESULT, code::DONE).with(key::NEW_GROUP, to).with(key::GROUP, from),
        );
        false
    }

    /// Moves those of some contacts that are in a group. Returns whether there were any.
    fn regroup_all(
        &mut self,
        contacts: impl IntoIterator<Item = Contact>,
        from: &str,
        to: &str,
        cx: &mut Cx<'_>,
    ) -> bool {
        let mut any = false;
        for mut contact in contacts.into_iter().filter(|contact| contact.listed) {
            let mut names = groups(&contact);
            if names.iter().any(|name| name == from) {
                any = true;
                names.retain(|name| name != from && name != to);
                names.push(to.to_owned());
                contact.groups = names;
                self.put(&contact, cx);
            }
        }
        any
    }

    /// The person calls a contact something.
    pub(in crate::ymsg) fn call(&mut self, address: &Address, name: String, cx: &mut Cx<'_>) {
        if let Some(mut contact) = self.contact(address).filter(|c| c.listed).cloned() {
            contact.alias = Some(name).filter(|name| !name.is_empty());
            self.put(&contact, cx);
        }
    }

    /// 0x85: `7=who 13=1` to ignore, 2 to ignore no longer.
    pub(in crate::ymsg) fn ignore(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let mode = packet.first(key::FLAG).unwrap_or_default();
        for who in packet.all(key::BUDDY) {
            let done = match cx.class_of(who) {
                NameClass::Own => continue,
                NameClass::Nowhere => code::NO_SUCH_NAME,
                NameClass::Foreign(address) => {
                    self.block(&address, mode == b"1", cx);
                    code::DONE
                }
            };
            let draft = Draft::new(service::IGNORE_CONTACT, ANSWER)
                .with(key::ACCOUNT, &self.me)
                .with(key::BUDDY, who);
            cx.show(draft.with(key::FLAG, mode).with(key::RESULT, done));
        }
    }

    fn block(&mut self, address: &Address, blocked: bool, cx: &mut Cx<'_>) {
        let mut contact = self.draft(address, cx);
        if contact.blocked != blocked {
            contact.blocked = blocked;
            self.changed(&contact, cx);
            if !blocked {
                self.tell_presence_first(cx);
            }
            cx.edit(RosterEdit::Block(address.clone(), blocked));
        }
    }

    /// The contact as it is, or as it would begin.
    pub(in crate::ymsg) fn draft(&self, address: &Address, cx: &Cx<'_>) -> Contact {
        let spelling = || cx.context.names.universal(address);
        let known = self.contact(address).cloned();
        known.unwrap_or_else(|| Contact::new(address.clone(), spelling()))
    }

    /// Writes a listed contact, here and in the stored list; the client shows it already.
    fn put(&mut self, contact: &Contact, cx: &mut Cx<'_>) {
        cx.edit(RosterEdit::List {
            address: contact.address.clone(),
            spelling: contact.spelling.clone(),
            alias: contact.alias.clone(),
            groups: contact.groups.clone(),
        });
        // Into what is shown first, so that the client is not told what it has just done.
        self.list.shown.insert(contact.address.clone(), groups(contact));
        self.changed(contact, cx);
    }
}

/// The groups that the client shows a listed contact in, without what separates names in a list.
pub(in crate::ymsg) fn groups(contact: &Contact) -> Vec<String> {
    let plain = |group: &String| group.replace([':', ',', '\n', '\r'], " ").trim().to_owned();
    let named = contact.groups.iter().map(plain).filter(|group| !group.is_empty());
    let named: Vec<String> = named.collect();
    if named.is_empty() { vec![DEFAULT_GROUP.into()] } else { named }
}

/// The name of a group as a client writes it.
fn group(bytes: &[u8], cx: &Cx<'_>) -> String {
    let name = cx.link.charset.read(bytes, None);
    if name.is_empty() { DEFAULT_GROUP.into() } else { name.into_owned() }
}
