//! Telling the client of changes to its list that it did not make.

use bytes::Bytes;
use crosstalk_core::{Address, Contact, Side};

use super::feedbag::{Plan, ROOT};
use super::merge::{is_group, packed};
use crate::oscar::account::{Pass, Session};
use crate::oscar::context::Io;
use crate::oscar::wire::{Class, Item, ItemId, Snac, Writer};

/// The request id of what a server says on its own.
pub(in crate::oscar) const PUSHED: u32 = 0x8000_0000;
const INSERT: u16 = 0x08;
const UPDATE: u16 = 0x09;
const DELETE: u16 = 0x0a;

impl Session {
    /// Brings the client's list up to the foreign contacts.
    pub(in crate::oscar) fn sync_list(&mut self, io: &mut Io<'_>) {
        if self.list.is_stored() {
            let plan = self.plan_all(io);
            self.push(&plan, io);
        }
    }

    /// Brings the client's list up to one contact.
    pub(in crate::oscar) fn sync_contact(&mut self, contact: &Contact, io: &mut Io<'_>) {
        if !self.list.is_stored() || self.edits.touches(&contact.address) {
            return;
        }
        if let Some(spelling) = self.spelling(&contact.address, io) {
            let mut plan = Plan::default();
            self.book.place(contact, &spelling, &mut plan);
            self.push(&plan, io);
        }
    }

    /// Tells the client of a plan, as a server tells of another session's edits.
    pub(in crate::oscar) fn push(&self, plan: &Plan, io: &mut Io<'_>) {
        if plan.is_empty() {
            return;
        }
        let made: Vec<u16> =
            plan.inserts.iter().filter(|i| i.class == Class::Group).map(|i| i.id.group).collect();
        let touched = plan.touched.iter().filter(|g| !made.contains(g));
        let groups = touched.filter_map(|group| self.book.client_group(*group));
        let updates: Vec<Item> = plan.updates.iter().cloned().chain(groups).collect();
        let mut tell = |subtype, body: Writer| io.answer(0x13, subtype, PUSHED, body);
        tell(0x11, Writer::new());
        for (subtype, items) in
            [(DELETE, &plan.deletes), (INSERT, &self.with_members(plan)), (UPDATE, &updates)]
        {
            for items in packed(items) {
                tell(subtype, items.iter().fold(Writer::new(), |w, i| i.write(w)));
            }
        }
        tell(0x12, Writer::new());
    }

    /// Takes back what was pushed for want of the list, which is coming after all.
    pub(in crate::oscar) fn withdraw(&mut self, io: &mut Io<'_>) {
        let mut plan = Plan::default();
        plan.deletes = self.book.foreign_items();
        self.push(&plan, io);
        self.book.start_over();
    }

    /// Edits of another session: what it says of groups lacks their foreign members.
    pub(in crate::oscar) fn pushed(&mut self, snac: &Snac, raw: &Bytes, io: &mut Io<'_>) -> Pass {
        let Ok(content) = snac.content() else { return Pass::Forward };
        let content = snac.body.slice_ref(content);
        let (mut items, Ok(())) = Item::read_some(&content) else { return Pass::Forward };
        if snac.subtype == DELETE {
            for item in &items {
                self.book.forget(item);
            }
            io.forward(Side::Client, raw.clone());
            self.rehome(&items, io);
            return Pass::Done;
        }
        // What was a group of ours is the server's from now on: no news to the client.
        let adopted = |item: &Item| {
            snac.subtype == INSERT && is_group(item) && self.book.is_virtual(item.id.group)
        };
        let adopted: Vec<ItemId> = items.iter().filter(|i| adopted(i)).map(|i| i.id).collect();
        self.make_way(&items, io);
        self.note_misplaced(&items, io);
        let mut changed = !adopted.is_empty();
        for item in items.iter_mut().filter(|item| is_group(item)) {
            if let Some(group) = self.book.for_client(item) {
                *item = group;
                changed = true;
            }
        }
        if changed {
            let is_adopted = |item: &Item| adopted.contains(&item.id);
            let (updates, rest): (Vec<Item>, _) = items.iter().cloned().partition(is_adopted);
            io.withhold(Side::Client);
            retell(snac, UPDATE, &updates, io);
            retell(snac, snac.subtype, &rest, io);
        } else {
            io.forward(Side::Client, raw.clone());
        }
        self.join_namesakes(&items, io);
        Pass::Done
    }

    /// Moves the members of a group of ours to the server's new one of the same name.
    fn join_namesakes(&mut self, items: &[Item], io: &mut Io<'_>) {
        let groups = items.iter().filter(|item| is_group(item));
        let moved: Vec<Address> =
            groups.flat_map(|g| self.book.members_of_virtual(&g.name)).cloned().collect();
        let mut plan = Plan::default();
        for address in moved {
            self.place_again(&address, &mut plan, io);
        }
        self.push(&plan, io);
    }

    /// Takes our items out of the way of the server's of the same id.
    fn make_way(&mut self, items: &[Item], io: &mut Io<'_>) {
        let mut plan = Plan::default();
        let mut moved = Vec::new();
        for item in items {
            if let Some(shown) = self.book.hide(item.id) {
                plan.touched.insert(item.id.group);
                plan.deletes.push(shown.item);
                moved.push(shown.address);
            }
            self.book.record(item);
        }
        for address in moved {
            self.place_again(&address, &mut plan, io);
        }
        self.push(&plan, io);
    }

    /// Finds another group for those whose group is gone.
    fn rehome(&mut self, gone: &[Item], io: &mut Io<'_>) {
        let mut plan = Plan::default();
        let groups = gone.iter().filter(|i| i.class == Class::Group && i.id.group != ROOT);
        let homeless: Vec<_> = groups
            .flat_map(|g| self.book.members(g.id.group).cloned().collect::<Vec<_>>())
            .collect();
        for address in homeless {
            let stale: Vec<Item> = self
                .book
                .of(&address)
                .filter(|i| self.book.group_name(i.id.group).is_none() && i.class == Class::Buddy)
                .cloned()
                .collect();
            for item in stale {
                self.book.hide(item.id);
                plan.deletes.push(item);
            }
            self.place_again(&address, &mut plan, io);
        }
        self.push(&plan, io);
    }

    fn place_again(&mut self, address: &Address, plan: &mut Plan, io: &Io<'_>) {
        let contact = self.contacts.as_ref().and_then(|c| c.get(address)).cloned();
        if let (Some(contact), Some(spelling)) = (contact, self.spelling(address, io)) {
            self.book.place(&contact, &spelling, plan);
        }
    }
}

/// Tells the client of these items what `snac` says of its own, as an edit of kind `subtype`.
fn retell(snac: &Snac, subtype: u16, items: &[Item], io: &mut Io<'_>) {
    let content = snac.content().map_or(0, <[u8]>::len);
    let prefix = snac.body.get(..snac.body.len().saturating_sub(content)).unwrap_or_default();
    for items in packed(items) {
        let body = items.iter().fold(Writer::new().raw(prefix), |w, item| item.write(w)).bytes();
        let _ = io.snac(Side::Client, &Snac { subtype, body, ..snac.clone() });
    }
}
