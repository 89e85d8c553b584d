//! What the client's edits come to, contact by contact: edits of the roster, and consent.

use crosstalk_core::{Address, Body, Consent, Contact, Event, RichText, RosterEdit, Subscription};

use super::feedbag::shown_alias;
use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::wire::Class;

/// The class of those whom an ICQ user ignores.
const IGNORE: Class = Class::Other(0x000e);

impl Account {
    /// Tells the gateway what became of the foreign contacts that were edited.
    pub(in crate::oscar) fn publish_edits(&mut self, cx: &mut Cx<'_>) {
        if !self.contacts.are_known() {
            return;
        }
        for address in self.edits.take_done() {
            self.publish(&address, cx);
        }
    }

    fn publish(&mut self, address: &Address, cx: &mut Cx<'_>) {
        let before = self.contacts.get(address).cloned();
        let before = before.unwrap_or_else(|| Contact::new(address.clone(), String::new()));
        // Built anew from the items: an edit may have moved, copied or dropped any of them.
        let mut after = Contact { listed: false, blocked: false, ..before.clone() };
        after.groups.clear();
        for item in self.feedbag.of(address) {
            match item.class {
                Class::Buddy => {
                    let name = self.feedbag.text(&item.name);
                    after.listed = true;
                    let unshown = before.alias.clone().filter(|_| shown_alias(&before).is_none());
                    after.alias = self.feedbag.alias(item).or(unshown);
                    after.spelling = match self.asked.behind(&name) {
                        Some(_) => cx.context.names.universal(address),
                        None => name,
                    };
                    let group = self.feedbag.group_name(item.id.group);
                    after.groups.extend(group.map(|name| self.feedbag.text(name)));
                }
                Class::Deny | IGNORE => after.blocked = true,
                _ => {}
            }
        }
        self.contacts.put(&after);
        if !after.listed {
            self.theirs.remove(address);
        }
        self.emit_difference(&before, after, cx);
    }

    /// Says what the person changed about a contact, and asks for consent where it is new.
    pub(in crate::oscar) fn emit_difference(
        &mut self,
        before: &Contact,
        after: Contact,
        cx: &mut Cx<'_>,
    ) {
        let Contact { address, spelling, alias, groups, .. } = after;
        if before.blocked != after.blocked {
            if before.blocked {
                self.tell_presence_first(cx);
            }
            cx.emit(Event::Roster(RosterEdit::Block(address.clone(), after.blocked)));
        }
        if !after.listed {
            if before.listed {
                cx.emit(Event::Roster(RosterEdit::Remove(address)));
            }
            return;
        }
        let same = before.listed
            && before.spelling == spelling
            && before.alias == alias
            && before.groups == groups;
        if !same {
            let address = address.clone();
            cx.emit(Event::Roster(RosterEdit::List { address, spelling, alias, groups }));
        }
        if !before.listed && before.to != Subscription::Granted {
            self.await_consent(&address);
            cx.send(address, Body::Contact(Consent::Request(RichText::default())));
        }
    }
}
