//! Effects of the client's edits, in whatever commands it made them.

use crosstalk_core::{Address, Body, Consent, Contact, Event, RichText, RosterEdit, Subscription};

use crate::msnp::context::Cx;
use crate::msnp::foreign_list::Edit;
use crate::msnp::notification::Session;
use crate::msnp::wire::decode;

impl Session {
    pub(in crate::msnp) fn apply(&mut self, edit: Edit, cx: &mut Cx<'_>) {
        match edit {
            Edit::List { address, name, nick, group } => {
                let nick = nick.unwrap_or_default();
                self.list(&address, name.as_deref(), &nick, group, cx);
                self.show_presence(&address, None, cx);
            }
            Edit::Unlist(address) => self.unlist(&address, cx),
            Edit::Ungroup(address, group) => self.ungroup(&address, &group, cx),
            Edit::Allow(address, name) => self.allow(&address, name.as_deref(), cx),
            Edit::Block(address, name, blocked) => {
                self.block(&address, name.as_deref(), blocked, cx);
            }
            Edit::Say(address, text) => {
                cx.send(address, Body::Text { text, auto: false });
            }
            Edit::Regroup(id, new) => self.regroup(&id, new, cx),
        }
    }

    /// The contact as it is, or as it would begin; none where the list is full.
    fn draft(&self, address: &Address, name: Option<&str>, cx: &Cx<'_>) -> Option<Contact> {
        let spelling = || name.map_or_else(|| cx.context.names.universal(address), str::to_owned);
        let known = self.contact(address);
        let has_room = || self.list.has_room_for(address);
        known.cloned().or_else(|| has_room().then(|| Contact::new(address.clone(), spelling())))
    }

    /// Lists a contact, or names or groups one that is listed.
    pub(in crate::msnp) fn list(
        &mut self,
        address: &Address,
        name: Option<&str>,
        nick: &str,
        group: Option<String>,
        cx: &mut Cx<'_>,
    ) {
        let Some(mut contact) = self.draft(address, name, cx) else { return };
        if !contact.listed {
            contact.spelling = name.map_or(contact.spelling, str::to_owned);
        }
        let says_more = !nick.is_empty() && !nick.eq_ignore_ascii_case(&contact.spelling);
        // Names with a `%` come back decoded or not.
        if says_more && nick != decode(&contact.spelling) {
            contact.alias = Some(nick.to_owned());
        }
        if let Some(group) = group
            && !contact.groups.contains(&group)
        {
            contact.groups.push(group);
        }
        contact.listed = true;
        let new = contact.to == Subscription::None;
        if new {
            contact.to = Subscription::Asked(RichText::default());
        }
        self.put(&contact, cx);
        if new {
            cx.send(address.clone(), Body::Contact(Consent::Request(RichText::default())));
        }
    }

    /// Writes a listed contact, here and in the stored list.
    fn put(&mut self, contact: &Contact, cx: &mut Cx<'_>) {
        if self.contact(&contact.address) == Some(contact) {
            return;
        }
        cx.out.emit(Event::Roster(RosterEdit::List {
            address: contact.address.clone(),
            spelling: contact.spelling.clone(),
            alias: contact.alias.clone(),
            groups: contact.groups.clone(),
        }));
        self.changed(contact, cx);
    }

    /// Takes a contact off the list.
    pub(in crate::msnp) fn unlist(&mut self, address: &Address, cx: &mut Cx<'_>) {
        let Some(mut contact) = self.contact(address).filter(|c| c.listed).cloned() else { return };
        cx.out.emit(Event::Roster(RosterEdit::Remove(address.clone())));
        self.presences.remove(address);
        contact.listed = false;
        (contact.to, contact.from) = (Subscription::None, Subscription::None);
        self.changed(&contact, cx);
    }

    /// Takes a contact out of a group, which before MSNP10 takes one out of the last group off
    /// the list.
    pub(in crate::msnp) fn ungroup(&mut self, address: &Address, group: &str, cx: &mut Cx<'_>) {
        let Some(mut contact) = self.contact(address).cloned() else { return };
        contact.groups.retain(|g| g != group);
        if self.has_guids() || !contact.groups.is_empty() {
            self.put(&contact, cx);
        } else {
            self.unlist(address, cx);
        }
    }

    /// Gives the group with this id another name, or takes it away.
    pub(in crate::msnp) fn regroup(&mut self, id: &str, new: Option<String>, cx: &mut Cx<'_>) {
        let Some(old) = self.list.groups.name(id).cloned() else { return };
        let inside = |c: &&Contact| c.listed && c.groups.contains(&old);
        let members: Vec<Contact> = self.list.contacts().filter(inside).cloned().collect();
        for mut contact in members {
            contact.groups.retain(|group| *group != old && Some(group) != new.as_ref());
            contact.groups.extend(new.clone());
            self.put(&contact, cx);
        }
        let groups = &mut self.list_mut().groups;
        match (groups.is_ours(id), new) {
            (true, Some(new)) => groups.rename(id, new),
            (true, None) => groups.forget(id),
            (false, Some(new)) => groups.note(new, id.to_owned()),
            // The server says itself that a group of its own is gone.
            (false, None) => {}
        }
    }

    /// The person lets a contact see their presence, which also ends a block: nobody stands in
    /// both lists.
    pub(in crate::msnp) fn allow(
        &mut self,
        address: &Address,
        name: Option<&str>,
        cx: &mut Cx<'_>,
    ) {
        self.block(address, name, false, cx);
        let Some(mut contact) = self.draft(address, name, cx) else { return };
        if contact.from != Subscription::Granted {
            contact.from = Subscription::Granted;
            self.changed(&contact, cx);
            cx.send(address.clone(), Body::Contact(Consent::Grant));
        }
    }

    /// The person blocks or unblocks a contact. To block one who asks is to say no as well; one
    /// who was let in before is so again when the block ends.
    pub(in crate::msnp) fn block(
        &mut self,
        address: &Address,
        name: Option<&str>,
        blocked: bool,
        cx: &mut Cx<'_>,
    ) {
        let Some(mut contact) = self.draft(address, name, cx) else { return };
        if contact.blocked == blocked {
            return;
        }
        contact.blocked = blocked;
        if blocked && matches!(contact.from, Subscription::Asked(_)) {
            contact.from = Subscription::None;
            cx.send(address.clone(), Body::Contact(Consent::Revoke));
        }
        self.changed(&contact, cx);
        cx.out.emit(Event::Roster(RosterEdit::Block(address.clone(), blocked)));
    }
}
