//! The person's list: edits, and what follows from a change.

use crosstalk_core::{
    Address, Consent, Contact, MAX_GROUPS, MAX_LOCAL, Roster, RosterEdit, Subscription, label,
};

use crate::account::Account;
use crate::control;
use crate::cx::Cx;
use crate::pace::EDITS;
use crate::presence::{sees, shows, watches};
use crate::settings::Full;
use crate::state_updates::{StateUpdate, asks};
use crate::storage::Storage;
use crate::strangers::Deed;

/// Bytes that a change usually adds to a list at most.
const MOST_NEW: usize = 2048;
/// The longest spelling of a name, in bytes: the longest name, with signs that stand for others.
const MAX_SPELLING: usize = 4 * MAX_LOCAL;

impl<A> Account<A> {
    /// Whether the person may change the list now, who did not do so too often.
    pub(crate) fn may_edit(&mut self, cx: &Cx<'_, A>) -> bool {
        let now = cx.now.instant;
        let shares = &cx.settings.shares;
        self.pace(now).edits.take(now, EDITS, 1)
            && shares.may(now, &self.user, cx.settings.here, Deed::Edit)
    }

    /// Changes their list. Every session hears how the contact stands now, also where the
    /// edit was refused because the list is full or nobody can have that name.
    pub(crate) fn edit(&mut self, cx: &mut Cx<'_, A>, edit: RosterEdit) {
        let address = edit.address().clone();
        let adds = !matches!(edit, RosterEdit::Remove(_) | RosterEdit::Block(_, false));
        if let Err(full) = self.room_to_change(cx, adds) {
            self.update(cx, &StateUpdate::Changed(address));
            return self.say_full(cx, full);
        }
        let possible = cx.settings.names.knows(address.network()) && address != self.user;
        let changed = match edit {
            _ if control::answers_for(&address) => self.edit_control(cx, edit),
            RosterEdit::List { spelling, alias, groups, .. } => {
                possible && self.change(cx, &address, |c| list(c, spelling, alias, groups))
            }
            RosterEdit::Remove(_) => self.remove(cx, &address),
            RosterEdit::Block(_, blocked) => {
                possible && self.change(cx, &address, |contact| contact.blocked = blocked)
            }
        };
        if !changed {
            self.update(cx, &StateUpdate::Changed(address));
        }
    }

    /// Takes a contact off the list, and consent with it.
    fn remove(&mut self, cx: &mut Cx<'_, A>, address: &Address) -> bool {
        let Some(contact) = self.contact(address) else { return false };
        let mut steps = Vec::new();
        if contact.to != Subscription::None {
            steps.push(Consent::Cancel);
        }
        if contact.from != Subscription::None {
            steps.push(Consent::Revoke);
        }
        let changed = self.change(cx, address, |contact| {
            // Who is blocked stays so, or taking somebody off would let him in.
            let blocked = contact.blocked;
            *contact = Contact::new(address.clone(), contact.spelling.clone());
            contact.blocked = blocked;
        });
        for step in steps {
            self.say(cx, address, step);
        }
        changed
    }

    /// Whether a change of the list, which may add to it, could be stored.
    pub(crate) fn room_to_change(&self, cx: &Cx<'_, A>, adds: bool) -> Result<(), Full> {
        let more = if adds { MOST_NEW } else { 0 };
        let bytes = self.roster.as_ref().map_or(0, Roster::stored_bytes) + more;
        cx.settings.shares.room_for(&self.user, bytes)
    }

    /// Changes a contact, known or not, and lets everything follow. Returns whether it changed.
    pub(crate) fn change(
        &mut self,
        cx: &mut Cx<'_, A>,
        address: &Address,
        change: impl FnOnce(&mut Contact),
    ) -> bool {
        let Some(roster) = &mut self.roster else { return false };
        let before = roster.contact(address).cloned();
        let unknown = || Contact::new(address.clone(), cx.settings.names.universal(address));
        let mut contact = before.clone().unwrap_or_else(unknown);
        change(&mut contact);
        if before.as_ref() == Some(&contact) || before.is_none() && contact.is_empty() {
            return false;
        }
        let stamp = roster.stamp().next(cx.now.wall, cx.settings.writer);
        if !roster.put(contact.clone(), stamp) {
            return false;
        }
        self.pending().unsaved.insert(address.clone());
        self.storage.want(Storage::SAVE);
        self.follow_up(cx, address, before.as_ref(), Some(&contact));
        true
    }

    /// Replaces the person's settings.
    pub(crate) fn set(&mut self, cx: &mut Cx<'_, A>, settings: Vec<String>) -> Result<(), Full> {
        self.room_to_change(cx, true)?;
        let Some(roster) = &mut self.roster else { return Err(Full::Disk) };
        let stamp = roster.stamp().next(cx.now.wall, cx.settings.writer);
        if !roster.put_settings(settings, stamp) {
            return Err(Full::Domain);
        }
        self.look_outward();
        self.pending().unsaved.insert(Roster::place_of_settings());
        self.storage.want(Storage::SAVE);
        Ok(())
    }

    /// Does what a change of a contact entails, whoever made it.
    pub(crate) fn follow_up(
        &mut self,
        cx: &mut Cx<'_, A>,
        address: &Address,
        before: Option<&Contact>,
        after: Option<&Contact>,
    ) {
        if before == after {
            return;
        }
        self.set_asking(address, after.is_some_and(asks));
        self.update(cx, &StateUpdate::Changed(address.clone()));
        let turned = |is: fn(&Contact) -> bool| (before.is_some_and(is), after.is_some_and(is));
        if turned(watches).0 != turned(watches).1 {
            self.storage.want(Storage::WATCH);
        }
        // Watched already, and to be seen only now. A watch that was to end and has not yet goes on,
        // and nothing arrives by it.
        if turned(sees) == (false, true) && self.watched.contains(address) {
            self.pending().seek.insert(address.clone(), 0);
        }
        if turned(sees) == (true, false) && self.contact_presence.forget(address) {
            self.update(cx, &StateUpdate::Presence(address.clone()));
        }
        if turned(shows).0 != turned(shows).1 {
            self.show_or_hide(address, after.is_some_and(|c| c.from == Subscription::Granted));
        }
    }

    /// Tells a contact who is subscribed that the person can be seen, or no longer.
    fn show_or_hide(&mut self, contact: &Address, stays: bool) {
        let there = self.subscribers.iter().filter(|(_, watchers)| watchers.contains(contact));
        let there: Vec<_> = there.map(|(gateway, _)| *gateway).collect();
        for gateway in there {
            self.pending().tell.entry(gateway).or_default().insert(contact.clone());
            if !stays {
                self.unsubscribe(gateway, std::slice::from_ref(contact));
            }
        }
    }
}

/// Lists a contact as far as its words are kept.
pub(crate) fn list(
    contact: &mut Contact,
    spelling: String,
    alias: Option<String>,
    groups: Vec<String>,
) {
    contact.listed = true;
    if spelling.len() <= MAX_SPELLING {
        contact.spelling = spelling;
    }
    contact.alias = alias.map(label).filter(|a| !a.is_empty());
    contact.groups = groups.into_iter().take(MAX_GROUPS).map(label).collect();
}
