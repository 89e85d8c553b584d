//! Telling the client of changes to its list that it did not make.

use bytes::Bytes;
use crosstalk_core::{Address, Contact, Side};

use super::feedbag::{Plan, ROOT};
use super::merge::{is_group, packed};
use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::verdict::Verdict;
use crate::oscar::wire::kinds::feedbag::{
    DELETE_ITEMS, END_CLUSTER, INSERT_ITEMS, START_CLUSTER, UPDATE_ITEMS,
};
use crate::oscar::wire::snac::{Kind, PUSHED};
use crate::oscar::wire::{Class, Item, ItemId, Snac, Writer};

impl Account {
    /// Brings the client's list up to the foreign contacts.
    pub(in crate::oscar) fn sync_list(&mut self, cx: &mut Cx<'_>) {
        if self.list.is_stored() {
            let plan = self.plan_all(cx);
            self.push(&plan, cx);
        }
    }

    /// Brings the client's list up to one contact.
    pub(in crate::oscar) fn sync_contact(&mut self, contact: &Contact, cx: &mut Cx<'_>) {
        if !self.list.is_stored() || self.edits.touches(&contact.address) {
            return;
        }
        if let Some(spelling) = self.spelling(&contact.address, cx) {
            let mut plan = Plan::default();
            self.feedbag.place(contact, &spelling, &mut plan);
            self.push(&plan, cx);
        }
    }

    /// Tells the client of a plan, as a server tells of another session's edits.
    pub(in crate::oscar) fn push(&self, plan: &Plan, cx: &mut Cx<'_>) {
        if plan.is_empty() {
            return;
        }
        // A group that is new goes in with its members, and so is not told of as changed too.
        let made: Vec<u16> =
            plan.inserts.iter().filter(|i| i.class == Class::Group).map(|i| i.id.group).collect();
        let touched = plan.touched.iter().filter(|g| !made.contains(g));
        let groups = touched.filter_map(|group| self.feedbag.client_group(*group));
        let updates: Vec<Item> = plan.updates.iter().cloned().chain(groups).collect();
        let mut tell = |kind, body: Writer| cx.answer(kind, PUSHED, body);
        tell(START_CLUSTER, Writer::new());
        for (kind, items) in [
            (DELETE_ITEMS, &plan.deletes),
            (INSERT_ITEMS, &self.with_members(plan)),
            (UPDATE_ITEMS, &updates),
        ] {
            for items in packed(items) {
                tell(kind, items.iter().fold(Writer::new(), |w, i| i.write(w)));
            }
        }
        tell(END_CLUSTER, Writer::new());
    }

    /// Takes back what was pushed for want of the list, which is coming after all.
    pub(in crate::oscar) fn withdraw(&mut self, cx: &mut Cx<'_>) {
        let mut plan = Plan::default();
        plan.deletes = self.feedbag.foreign_items();
        self.push(&plan, cx);
        self.feedbag.start_over();
    }

    /// Edit of another session: what it says of groups lacks their foreign members.
    pub(in crate::oscar) fn pushed(
        &mut self,
        snac: &Snac,
        raw: &Bytes,
        cx: &mut Cx<'_>,
    ) -> Verdict {
        let Ok(content) = snac.content() else { return Verdict::Forward };
        let content = snac.body.slice_ref(content);
        let (mut items, Ok(())) = Item::read_some(&content) else { return Verdict::Forward };
        if snac.kind() == DELETE_ITEMS {
            for item in &items {
                self.feedbag.forget(item);
                self.feedbag.forget_mode(item);
            }
            cx.forward(Side::Client, raw.clone());
            self.rehome(&items, cx);
            return Verdict::Done;
        }
        // What was a group of ours is the server's from now on: no news to the client.
        let adopted = |item: &Item| {
            snac.kind() == INSERT_ITEMS && is_group(item) && self.feedbag.is_virtual(item.id.group)
        };
        let adopted: Vec<ItemId> = items.iter().filter(|i| adopted(i)).map(|i| i.id).collect();
        self.make_way(&items, cx);
        self.note_misplaced(&items, cx);
        let mut changed = !adopted.is_empty();
        for item in items.iter_mut().filter(|item| is_group(item)) {
            if let Some(group) = self.feedbag.for_client(item) {
                *item = group;
                changed = true;
            }
        }
        if changed {
            let is_adopted = |item: &Item| adopted.contains(&item.id);
            let (updates, rest): (Vec<Item>, _) = items.iter().cloned().partition(is_adopted);
            cx.withhold(Side::Client);
            retell(snac, UPDATE_ITEMS, &updates, cx);
            retell(snac, snac.kind(), &rest, cx);
        } else {
            cx.forward(Side::Client, raw.clone());
        }
        self.join_namesakes(&items, cx);
        Verdict::Done
    }

    /// Moves the members of a group of ours to the server's new one of the same name.
    fn join_namesakes(&mut self, items: &[Item], cx: &mut Cx<'_>) {
        let groups = items.iter().filter(|item| is_group(item));
        let moved: Vec<Address> =
            groups.flat_map(|g| self.feedbag.members_of_virtual(&g.name)).cloned().collect();
        let mut plan = Plan::default();
        for address in moved {
            self.place_again(&address, &mut plan, cx);
        }
        self.push(&plan, cx);
    }

    /// Takes our items out of the way of the server's of the same id.
    fn make_way(&mut self, items: &[Item], cx: &mut Cx<'_>) {
        let mut plan = Plan::default();
        let mut moved = Vec::new();
        for item in items {
            if let Some(shown) = self.feedbag.hide(item.id) {
                plan.touched.insert(item.id.group);
                plan.deletes.push(shown.item);
                moved.push(shown.address);
            }
            self.feedbag.record(item);
            self.feedbag.record_mode(item);
        }
        for address in moved {
            self.place_again(&address, &mut plan, cx);
        }
        self.push(&plan, cx);
    }

    /// Finds another group for those whose group is gone.
    fn rehome(&mut self, gone: &[Item], cx: &mut Cx<'_>) {
        let mut plan = Plan::default();
        let groups = gone.iter().filter(|i| i.class == Class::Group && i.id.group != ROOT);
        let homeless: Vec<_> = groups
            .flat_map(|g| self.feedbag.members(g.id.group).cloned().collect::<Vec<_>>())
            .collect();
        for address in homeless {
            let stale: Vec<Item> = self
                .feedbag
                .of(&address)
                .filter(|i| {
                    self.feedbag.group_name(i.id.group).is_none() && i.class == Class::Buddy
                })
                .cloned()
                .collect();
            for item in stale {
                self.feedbag.hide(item.id);
                plan.deletes.push(item);
            }
            self.place_again(&address, &mut plan, cx);
        }
        self.push(&plan, cx);
    }

    fn place_again(&mut self, address: &Address, plan: &mut Plan, cx: &Cx<'_>) {
        let contact = self.contacts.get(address).cloned();
        if let (Some(contact), Some(spelling)) = (contact, self.spelling(address, cx)) {
            self.feedbag.place(&contact, &spelling, plan);
        }
    }
}

/// Tells the client of these items what `snac` says of its own, as an edit of `kind`.
fn retell(snac: &Snac, kind: Kind, items: &[Item], cx: &mut Cx<'_>) {
    let content = snac.content().map_or(0, <[u8]>::len);
    let prefix = snac.body.get(..snac.body.len().saturating_sub(content)).unwrap_or_default();
    for items in packed(items) {
        let body = items.iter().fold(Writer::new().raw(prefix), |w, item| item.write(w)).bytes();
        let _ = cx.snac(Side::Client, &Snac { body, subtype: kind.1, ..snac.clone() });
    }
}
