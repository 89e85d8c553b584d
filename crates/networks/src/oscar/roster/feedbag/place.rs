//! Place of a foreign contact in the client's list.

use std::collections::BTreeSet;

use bytes::Bytes;
use crosstalk_core::Contact;

use super::{Feedbag, ROOT, is_named, squeezed};
use crate::oscar::wire::item::ALIAS;
use crate::oscar::wire::{Class, Item, ItemId, Writer, tlvs};

/// The group of foreign contacts that are in none.
const GROUP: &str = "Other networks";
/// Our groups and items have high ids, since clients pick low ones.
const FIRST_GROUP: u16 = 0x7f01;
const FIRST_ITEM: u16 = 0x6001;
/// The longest alias that is shown, in bytes.
const MAX_ALIAS: usize = 1_000;
/// Ids above this are negative to some clients.
const LAST_ID: u16 = 0x7fff;

/// Changes that the client has to be told.
#[derive(Debug, Default)]
pub(in crate::oscar) struct Plan {
    pub(in crate::oscar) deletes: Vec<Item>,
    pub(in crate::oscar) inserts: Vec<Item>,
    pub(in crate::oscar) updates: Vec<Item>,
    /// Groups whose members changed.
    pub(in crate::oscar) touched: BTreeSet<u16>,
    /// Number of the deletes that were looked through for groups that they emptied.
    swept: usize,
}

impl Plan {
    pub(in crate::oscar) fn is_empty(&self) -> bool {
        self.deletes.is_empty() && self.inserts.is_empty() && self.updates.is_empty()
    }
}

impl Feedbag {
    /// Moves the items to where `contact` says they should be, and plans how to tell the client.
    pub(in crate::oscar) fn place(&mut self, contact: &Contact, spelling: &str, plan: &mut Plan) {
        let groups =
            if contact.listed { self.wanted_groups(contact, plan) } else { BTreeSet::new() };
        let items: Vec<Item> = self.of(&contact.address).cloned().collect();
        let mut placed = BTreeSet::new();
        let mut denied = false;
        for item in items {
            let wanted = match item.class {
                Class::Buddy => groups.contains(&item.id.group) && placed.insert(item.id.group),
                Class::Deny => contact.blocked && !std::mem::replace(&mut denied, true),
                _ => true,
            };
            if !wanted || (item.class == Class::Buddy && !is_named(&item, spelling)) {
                placed.remove(&item.id.group);
                self.remove(item, plan);
            } else if item.class == Class::Buddy {
                self.rename(contact, item, plan);
            }
        }
        let name = squeezed(spelling.as_bytes());
        let there = |group: &u16| self.misplaced.is_in(*group, &name);
        let missing: Vec<u16> = groups.difference(&placed).copied().filter(|g| !there(g)).collect();
        for group in missing {
            let attributes = self.alias_attributes(&Bytes::new(), shown_alias(contact));
            self.add(contact, spelling, group, Class::Buddy, attributes, plan);
        }
        if contact.blocked && !denied {
            self.add(contact, spelling, ROOT, Class::Deny, Bytes::new(), plan);
        }
        self.sweep(plan);
    }

    fn wanted_groups(&mut self, contact: &Contact, plan: &mut Plan) -> BTreeSet<u16> {
        let named = contact.groups.iter().map(String::as_str).filter(|g| !g.is_empty());
        let groups: BTreeSet<u16> =
            named.filter_map(|name| self.group_called(name, plan)).collect();
        if groups.is_empty() {
            self.group_called(GROUP, plan).into_iter().collect()
        } else {
            groups
        }
    }

    /// The group of this name, made for the client alone where there is none.
    fn group_called(&mut self, name: &str, plan: &mut Plan) -> Option<u16> {
        if let Some(id) = self.groups.called(name) {
            return Some(id);
        }
        let taken = |id: &u16| {
            let inside = ItemId { group: *id, item: 0 }..=ItemId { group: *id, item: u16::MAX };
            self.group_name(*id).is_some() || self.own.range(inside).next().is_some()
        };
        // One id is for those who find no other group.
        let last = if name == GROUP { LAST_ID } else { LAST_ID - 1 };
        let id = (FIRST_GROUP..=last).find(|id| !taken(id))?;
        let name = self.groups.bytes(name);
        if !self.groups.put(id, &name) {
            return None;
        }
        self.spend(ItemId { group: id, item: 0 });
        plan.inserts.push(Item::new(name, id, 0, Class::Group));
        plan.touched.insert(ROOT);
        Some(id)
    }

    fn add(
        &mut self,
        contact: &Contact,
        spelling: &str,
        group: u16,
        class: Class,
        attributes: Bytes,
        plan: &mut Plan,
    ) {
        let taken = |item: &u16| {
            let id = ItemId { group, item: *item };
            self.own.contains(&id) || self.shown.get(id).is_some()
        };
        let ours = self.shown.in_group(group).map(|(id, _)| id.item);
        let ours = ours.rev().find(|id| *id < FIRST_GROUP);
        let last = ours.map_or(FIRST_ITEM, |id| id.max(FIRST_ITEM));
        let mut free = (last..FIRST_GROUP).chain(FIRST_ITEM..last).filter(|id| !taken(id));
        let Some(id) = free.next() else { return };
        drop(free);
        let item = Item::new(spelling.as_bytes().to_vec(), group, id, class).with(attributes);
        if !self.has_room_for(&contact.address, &item) {
            return;
        }
        self.show(contact.address.clone(), item.clone());
        plan.inserts.push(item);
        if class == Class::Buddy {
            plan.touched.insert(group);
        }
    }

    fn rename(&mut self, contact: &Contact, item: Item, plan: &mut Plan) {
        let alias = shown_alias(contact);
        // Whoever wrote it in other bytes meant the same.
        if self.alias(&item).as_deref() != alias {
            let attributes = self.alias_attributes(&item.attributes, alias);
            let item = item.with(attributes);
            if !self.has_room_for(&contact.address, &item) {
                return;
            }
            self.show(contact.address.clone(), item.clone());
            plan.updates.push(item);
        }
    }

    /// `attributes` with this alias in place of the one there.
    fn alias_attributes(&self, attributes: &Bytes, alias: Option<&str>) -> Bytes {
        let others = tlvs(attributes).filter(|(kind, _)| *kind != ALIAS);
        let writer = others.fold(Writer::new(), |w, (kind, value)| w.tlv(kind, value));
        match alias {
            Some(alias) => writer.tlv(ALIAS, self.groups.bytes(alias)),
            None => writer,
        }
        .bytes()
    }

    fn remove(&mut self, item: Item, plan: &mut Plan) {
        self.shown.remove(item.id);
        if item.class == Class::Buddy {
            plan.touched.insert(item.id.group);
        }
        plan.deletes.push(item);
    }

    /// Drops the groups of ours that the plan emptied.
    fn sweep(&mut self, plan: &mut Plan) {
        let emptied: Vec<u16> = plan
            .deletes
            .iter()
            .skip(std::mem::replace(&mut plan.swept, plan.deletes.len()))
            .map(|item| item.id.group)
            .filter(|group| self.is_virtual(*group) && self.members(*group).next().is_none())
            .collect();
        for group in emptied {
            if let Some(group) = self.drop_virtual(group) {
                plan.touched.remove(&group.id.group);
                plan.touched.insert(ROOT);
                plan.deletes.push(group);
            }
        }
    }
}

/// Alias of a contact, unless that is longer than clients show.
pub(in crate::oscar) fn shown_alias(contact: &Contact) -> Option<&str> {
    contact.alias.as_deref().filter(|alias| alias.len() <= MAX_ALIAS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oscar::wire::item::List;

    fn server_list() -> Feedbag {
        let mut root = Item::new("", 0, 0, Class::Group);
        root.set_order(&[1]);
        let mut friends = Item::new("Friends", 1, 0, Class::Group);
        friends.set_order(&[FIRST_ITEM]);
        let items = vec![root, friends, Item::new("BobTB", 1, FIRST_ITEM, Class::Buddy)];
        let mut feedbag = Feedbag::default();
        feedbag.learn(&List { version: 0, items, changed: 0 }, true);
        feedbag
    }

    fn bob(groups: &[&str]) -> Contact {
        let groups = groups.iter().map(|&g| g.to_owned()).collect();
        let bob = Contact::new("bob@yahoo".parse().unwrap(), "bob@yahoo.xt".to_owned());
        Contact { listed: true, groups, ..bob }
    }

    fn placed(feedbag: &mut Feedbag, contact: &Contact) -> Plan {
        let mut plan = Plan::default();
        feedbag.place(contact, &contact.spelling, &mut plan);
        plan
    }

    #[test]
    fn a_foreign_buddy_stands_in_the_own_group_of_that_name_under_a_free_id() {
        let mut feedbag = server_list();
        let plan = placed(&mut feedbag, &bob(&["Friends"]));
        let [item] = &plan.inserts[..] else { panic!("{plan:?}") };
        assert_eq!(item.id, ItemId { group: 1, item: FIRST_ITEM + 1 });
        assert_eq!(feedbag.client_group(1).unwrap().order(), [FIRST_ITEM, FIRST_ITEM + 1]);
        assert!(placed(&mut feedbag, &bob(&["Friends"])).is_empty(), "nothing to do twice");
    }

    #[test]
    fn one_in_no_group_gets_a_group_of_ours_that_goes_with_the_last_of_them() {
        let mut feedbag = server_list();
        let plan = placed(&mut feedbag, &bob(&[]));
        assert_eq!(plan.inserts[0].name, GROUP);
        assert_eq!(plan.inserts[1].id, ItemId { group: FIRST_GROUP, item: FIRST_ITEM });
        assert_eq!(feedbag.client_group(ROOT).unwrap().order(), [1, FIRST_GROUP]);
        let plan = placed(&mut feedbag, &Contact { listed: false, ..bob(&[]) });
        assert_eq!(plan.deletes.len(), 2);
        assert_eq!(feedbag.client_group(ROOT).unwrap().order(), [1]);
    }

    #[test]
    fn the_server_is_told_of_members_it_knows_even_after_a_removal() {
        let mut feedbag = server_list();
        placed(&mut feedbag, &bob(&["Friends"]));
        let foreign = ItemId { group: 1, item: FIRST_ITEM + 1 };
        feedbag.hide(foreign);
        assert_eq!(feedbag.order_for_server(1, &[foreign.item, FIRST_ITEM]), [FIRST_ITEM]);
        assert_eq!(feedbag.order_for_server(ROOT, &[1, FIRST_GROUP]), [1]);
    }

    #[test]
    fn a_new_alias_and_a_block_are_planned() {
        let mut feedbag = server_list();
        placed(&mut feedbag, &bob(&["Friends"]));
        let changed = Contact { alias: Some("Bobby".into()), blocked: true, ..bob(&["Friends"]) };
        let plan = placed(&mut feedbag, &changed);
        assert_eq!(plan.updates[0].attribute(ALIAS), Some(&b"Bobby"[..]));
        assert_eq!(plan.inserts[0].class, Class::Deny);
        assert!(plan.deletes.is_empty());
    }

    #[test]
    fn names_in_eight_bits_are_the_same_names() {
        let mut feedbag = server_list();
        feedbag.record(&Item::new(&b"Fr\xe9nde"[..], 5, 0, Class::Group));
        let alias = Writer::new().tlv(ALIAS, b"M\xe4ry").bytes();
        let item = Item::new("bob@yahoo.xt", 5, 9, Class::Buddy).with(alias);
        let contact = Contact { alias: Some("Märy".into()), ..bob(&["Frénde"]) };
        feedbag.show(contact.address.clone(), item.clone());
        assert_eq!(feedbag.alias(&item).as_deref(), Some("Märy"));
        assert!(placed(&mut feedbag, &contact).is_empty(), "what is not ours stays as it is");
        feedbag.hide(item.id);
        let plan = placed(&mut feedbag, &contact);
        assert_eq!((plan.inserts.len(), plan.inserts[0].id.group), (1, 5), "and no group twice");
    }

    #[test]
    fn another_spelling_replaces_the_item() {
        let mut feedbag = server_list();
        placed(&mut feedbag, &bob(&["Friends"]));
        let plan =
            placed(&mut feedbag, &Contact { spelling: "bob@yahoo".into(), ..bob(&["Friends"]) });
        assert_eq!((plan.deletes.len(), plan.inserts.len()), (1, 1));
        assert_eq!(plan.inserts[0].name, "bob@yahoo");
    }
}
