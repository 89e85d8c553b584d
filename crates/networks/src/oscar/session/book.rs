//! The buddy list as its two readers know it.
//!
//! The server knows the items of its own list, the client sees foreign ones among them. An item
//! of ours never has the id of one of the server's, never stands outside a group the client
//! knows, and never has a name twice in a group: clients loop, or edit the server's list, if so.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use crosstalk_core::{Address, Contact};

use crate::oscar::wire::item::{ALIAS, List, ORDER};
use crate::oscar::wire::{Class, Item, ItemId, Writer, tlvs};

/// The group of foreign contacts that are in none.
pub(super) const GROUP: &str = "Other networks";
/// The most foreign items a client is shown.
const MAX_SHOWN: usize = 4096;
/// Our groups and items have high ids, since clients pick low ones.
const FIRST_GROUP: u16 = 0x7f01;
const FIRST_ITEM: u16 = 0x6001;
/// Ids above this are negative to some clients.
const LAST_ID: u16 = 0x7fff;
/// The root, whose members are the groups.
pub(super) const ROOT: u16 = 0;
/// The class of privacy settings, and the TLV with the mode.
const PRIVACY: Class = Class::Other(4);
const PRIVACY_MODE: u16 = 0x00ca;

/// One foreign item that the client sees.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// Whose it is; `None` for a name that nobody can have.
    pub(super) address: Address,
    /// The item.
    pub(super) item: Item,
}

/// What has to be told to the client.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) deletes: Vec<Item>,
    pub(super) inserts: Vec<Item>,
    pub(super) updates: Vec<Item>,
    /// Groups whose members changed.
    pub(super) touched: BTreeSet<u16>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.deletes.is_empty() && self.inserts.is_empty() && self.updates.is_empty()
    }
}

/// Both views of the list.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// The items on the server; groups are in `groups`.
    own: BTreeSet<ItemId>,
    /// The server's groups, as the server has them, the root among them.
    groups: BTreeMap<u16, Item>,
    /// Groups that only the client knows, by id.
    virtuals: BTreeMap<u16, Bytes>,
    /// The foreign items.
    shown: BTreeMap<ItemId, Shown>,
    /// Items of the server's with a foreign name, from before the person used the gateway.
    misplaced: BTreeMap<ItemId, Bytes>,
    /// Ids that were foreign at any time: a client may name them after it removed the item.
    spent: BTreeSet<ItemId>,
    /// Whether the server's whole list went by.
    whole: bool,
    /// The privacy mode; 0 before it is known.
    privacy: u8,
}

impl Book {
    /// Notes a packet of the server's list.
    pub(super) fn learn(&mut self, list: &List, last: bool) {
        list.items.iter().for_each(|item| self.record(item));
        self.whole |= last;
    }

    /// Notes an item that the server has.
    pub(super) fn record(&mut self, item: &Item) {
        if item.class == Class::Group && item.id.item == 0 {
            let kept = Item {
                name: Bytes::copy_from_slice(&item.name),
                attributes: Bytes::copy_from_slice(&item.attributes),
                ..item.clone()
            };
            self.virtuals.remove(&item.id.group);
            self.groups.insert(item.id.group, kept);
        } else {
            self.own.insert(item.id);
        }
        self.spent.remove(&item.id);
        if item.class == PRIVACY
            && let Some([mode]) = item.attribute(PRIVACY_MODE)
        {
            self.privacy = *mode;
        }
    }

    /// Notes that the server no longer has an item.
    pub(super) fn forget(&mut self, item: &Item) {
        if item.class == Class::Group && item.id.item == 0 {
            self.groups.remove(&item.id.group);
        } else {
            self.own.remove(&item.id);
        }
    }

    /// Whether the server has an item of this id.
    pub(super) fn is_own(&self, id: ItemId) -> bool {
        self.own.contains(&id)
    }

    /// Notes an item that the server has although its name is foreign.
    pub(super) fn misplace(&mut self, item: &Item) {
        self.misplaced.insert(item.id, Bytes::copy_from_slice(&item.name));
    }

    /// Whether the server has this very item although its name is foreign.
    pub(super) fn is_misplaced(&self, item: &Item) -> bool {
        self.misplaced.get(&item.id) == Some(&item.name)
    }

    /// The server's group of this id.
    pub(super) fn group(&self, id: u16) -> Option<&Item> {
        self.groups.get(&id)
    }

    /// The foreign item of this id.
    pub(super) fn shown(&self, id: ItemId) -> Option<&Shown> {
        self.shown.get(&id)
    }

    /// The foreign items of one person.
    pub(super) fn of<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = &'a Item> {
        self.shown.values().filter(move |s| s.address == *address).map(|s| &s.item)
    }

    /// Everybody who has a foreign item in group `group`.
    pub(super) fn members(&self, group: u16) -> impl Iterator<Item = &Address> {
        let range = ItemId { group, item: 0 }..=ItemId { group, item: u16::MAX };
        self.shown.range(range).map(|(_, s)| &s.address)
    }

    /// Everybody in a group of ours of this name.
    pub(super) fn members_of_virtual(&self, name: &Bytes) -> impl Iterator<Item = &Address> {
        let ours = self.virtuals.iter().filter(move |(_, ours)| *ours == name);
        ours.flat_map(|(group, _)| self.members(*group))
    }

    /// Whether a person stands in the buddy list.
    pub(super) fn lists(&self, address: &Address) -> bool {
        self.of(address).any(|item| item.class == Class::Buddy)
    }

    /// Whether the privacy mode lets a foreign person through. Clients are unreliable here.
    pub(super) fn admits(&self, address: &Address) -> bool {
        let has = |class| self.of(address).any(|item| item.class == class);
        match self.privacy {
            2 => false,
            3 => has(Class::Permit),
            4 => !has(Class::Deny),
            5 => has(Class::Buddy),
            _ => true,
        }
    }

    /// Whether one more foreign item may be shown.
    pub(super) fn has_room(&self) -> bool {
        self.shown.len() < MAX_SHOWN
    }

    /// Shows a foreign item, or shows it differently.
    pub(super) fn show(&mut self, address: Address, item: Item) {
        self.spend(item.id);
        self.shown.insert(item.id, Shown { address, item });
    }

    /// Notes that an id that the client used is none of the server's.
    pub(super) fn spend(&mut self, id: ItemId) {
        self.spent.insert(id);
    }

    /// Shows a foreign item no longer.
    pub(super) fn hide(&mut self, id: ItemId) -> Option<Shown> {
        self.shown.remove(&id)
    }

    /// Whether only the client knows this group.
    pub(super) fn is_virtual(&self, group: u16) -> bool {
        self.virtuals.contains_key(&group)
    }

    /// The name of a group, whoever knows it.
    pub(super) fn group_name(&self, id: u16) -> Option<&Bytes> {
        self.virtuals.get(&id).or_else(|| self.groups.get(&id).map(|g| &g.name))
    }

    /// Renames a group that only the client knows.
    pub(super) fn name_virtual(&mut self, id: u16, name: &Bytes) {
        self.virtuals.insert(id, Bytes::copy_from_slice(name));
    }

    /// Drops a group that only the client knows.
    pub(super) fn drop_virtual(&mut self, id: u16) -> Option<Item> {
        self.virtuals.remove(&id).map(|name| Item::new(name, id, 0, Class::Group))
    }

    /// The members that the server knows, of those that the client put in a group.
    ///
    /// Not "all but the foreign ones": a client may still name one that it just removed. As long
    /// as nothing was ever foreign, the order is nobody's business.
    pub(super) fn order_for_server(&self, group: u16, order: &[u16]) -> Vec<u16> {
        if self.spent.is_empty() {
            return order.to_vec();
        }
        let known = |member: u16| {
            let id = member_id(group, member);
            match (self.whole, group) {
                (true, ROOT) => self.groups.contains_key(&member),
                (true, _) => self.own.contains(&id),
                (false, _) => !self.spent.contains(&id),
            }
        };
        order.iter().copied().filter(|member| known(*member)).collect()
    }

    /// A server's group with its foreign members; `None` where it has none.
    pub(super) fn for_client(&self, group: &Item) -> Option<Item> {
        let id = group.id.group;
        let foreign: Vec<u16> = if id == ROOT {
            self.virtuals.keys().copied().collect()
        } else {
            let range = ItemId { group: id, item: 0 }..=ItemId { group: id, item: u16::MAX };
            self.shown.range(range).map(|(id, _)| id.item).collect()
        };
        if foreign.is_empty() {
            return None;
        }
        let mut order = group.order();
        order.retain(|member| !foreign.contains(member));
        order.extend(foreign);
        let mut group = group.clone();
        group.set_order(&order);
        Some(group)
    }

    /// A group as the client sees it, whoever knows it.
    pub(super) fn client_group(&self, id: u16) -> Option<Item> {
        match self.virtuals.get(&id) {
            Some(name) => {
                let group = Item::new(name.clone(), id, 0, Class::Group);
                Some(self.for_client(&group).unwrap_or(group))
            }
            None => self.groups.get(&id).map(|g| self.for_client(g).unwrap_or_else(|| g.clone())),
        }
    }

    /// Moves the items to where `contact` says they should be, and plans how to tell the client.
    pub(super) fn place(&mut self, contact: &Contact, spelling: &str, plan: &mut Plan) {
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
        let there = |group: &u16| {
            self.misplaced.iter().any(|(id, name)| id.group == *group && is_name(name, spelling))
        };
        let missing: Vec<u16> = groups.difference(&placed).copied().filter(|g| !there(g)).collect();
        for group in missing {
            let attributes = alias_attributes(&Bytes::new(), contact.alias.as_deref());
            self.add(contact, spelling, group, Class::Buddy, attributes, plan);
        }
        if contact.blocked && !denied {
            self.add(contact, spelling, ROOT, Class::Deny, Bytes::new(), plan);
        }
        self.sweep(plan);
    }

    fn wanted_groups(&mut self, contact: &Contact, plan: &mut Plan) -> BTreeSet<u16> {
        let named = contact.groups.iter().map(String::as_str).filter(|g| !g.is_empty());
        let names: Vec<&str> = named.collect();
        let names = if names.is_empty() { &[GROUP][..] } else { &names[..] };
        names.iter().filter_map(|name| self.group_called(name, plan)).collect()
    }

    /// The group of this name, made for the client alone where there is none.
    fn group_called(&mut self, name: &str, plan: &mut Plan) -> Option<u16> {
        let ours = self.virtuals.iter().find(|(_, n)| n[..] == *name.as_bytes()).map(|(id, _)| *id);
        let servers = || {
            let mut groups = self.groups.values().filter(|g| g.id.group != ROOT);
            groups.find(|g| g.name[..] == *name.as_bytes()).map(|g| g.id.group)
        };
        if let Some(id) = servers().or(ours) {
            return Some(id);
        }
        let taken = |id: &u16| {
            self.groups.contains_key(id)
                || self.virtuals.contains_key(id)
                || self.own.iter().any(|own| own.group == *id)
        };
        let id = (FIRST_GROUP..=LAST_ID).find(|id| !taken(id))?;
        let name = Bytes::copy_from_slice(name.as_bytes());
        self.virtuals.insert(id, name.clone());
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
            self.own.contains(&id) || self.shown.contains_key(&id)
        };
        let range = ItemId { group, item: FIRST_ITEM }..ItemId { group, item: FIRST_GROUP };
        let last = self.shown.range(range).next_back().map_or(FIRST_ITEM, |(id, _)| id.item);
        let mut free = (last..FIRST_GROUP).chain(FIRST_ITEM..last).filter(|id| !taken(id));
        let Some(id) = free.next().filter(|_| self.has_room()) else { return };
        drop(free);
        let item = Item::new(spelling.as_bytes().to_vec(), group, id, class).with(attributes);
        self.show(contact.address.clone(), item.clone());
        plan.inserts.push(item);
        if class == Class::Buddy {
            plan.touched.insert(group);
        }
    }

    fn rename(&mut self, contact: &Contact, item: Item, plan: &mut Plan) {
        let alias = contact.alias.as_deref();
        if item.attribute(ALIAS) != alias.map(str::as_bytes) {
            let attributes = alias_attributes(&item.attributes, alias);
            let item = item.with(attributes);
            self.show(contact.address.clone(), item.clone());
            plan.updates.push(item);
        }
    }

    fn remove(&mut self, item: Item, plan: &mut Plan) {
        self.shown.remove(&item.id);
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

/// Whether an item bears `name`.
pub(super) fn is_named(item: &Item, name: &str) -> bool {
    is_name(&item.name, name)
}

/// Whether two names are one: case and spaces do not count.
fn is_name(one: &[u8], other: &str) -> bool {
    let squeeze = |name: &[u8]| -> Vec<u8> {
        name.iter().filter(|b| **b != b' ').map(u8::to_ascii_lowercase).collect()
    };
    squeeze(one) == squeeze(other.as_bytes())
}

/// `attributes` with this alias in place of the one there.
fn alias_attributes(attributes: &Bytes, alias: Option<&str>) -> Bytes {
    let others = tlvs(attributes).filter(|(kind, _)| *kind != ALIAS);
    let writer = others.fold(Writer::new(), |w, (kind, value)| w.tlv(kind, value));
    match alias {
        Some(alias) => writer.tlv(ALIAS, alias),
        None => writer,
    }
    .bytes()
}

/// `group` with these members; without the TLV where there are none, as clients write it.
pub(super) fn with_order(group: &Item, order: &[u16]) -> Item {
    let mut group = group.clone();
    if order.is_empty() {
        let others = tlvs(&group.attributes).filter(|(kind, _)| *kind != ORDER);
        group.attributes =
            others.fold(Writer::new(), |w, (kind, value)| w.tlv(kind, value)).bytes();
    } else {
        group.set_order(order);
    }
    group
}

const fn member_id(group: u16, member: u16) -> ItemId {
    match group {
        ROOT => ItemId { group: member, item: 0 },
        _ => ItemId { group, item: member },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_list() -> Book {
        let mut root = Item::new("", 0, 0, Class::Group);
        root.set_order(&[1]);
        let mut friends = Item::new("Friends", 1, 0, Class::Group);
        friends.set_order(&[FIRST_ITEM]);
        let items = vec![root, friends, Item::new("BobTB", 1, FIRST_ITEM, Class::Buddy)];
        let mut book = Book::default();
        book.learn(&List { version: 0, items, changed: 0 }, true);
        book
    }

    fn bob(groups: &[&str]) -> Contact {
        let groups = groups.iter().map(|&g| g.to_owned()).collect();
        let bob = Contact::new("bob@yahoo".parse().unwrap(), "bob@yahoo.xt".to_owned());
        Contact { listed: true, groups, ..bob }
    }

    fn placed(book: &mut Book, contact: &Contact) -> Plan {
        let mut plan = Plan::default();
        book.place(contact, &contact.spelling, &mut plan);
        plan
    }

    #[test]
    fn a_foreign_buddy_stands_in_the_own_group_of_that_name_under_a_free_id() {
        let mut book = server_list();
        let plan = placed(&mut book, &bob(&["Friends"]));
        let [item] = &plan.inserts[..] else { panic!("{plan:?}") };
        assert_eq!(item.id, ItemId { group: 1, item: FIRST_ITEM + 1 });
        assert_eq!(book.client_group(1).unwrap().order(), [FIRST_ITEM, FIRST_ITEM + 1]);
        assert!(placed(&mut book, &bob(&["Friends"])).is_empty(), "nothing to do twice");
    }

    #[test]
    fn one_in_no_group_gets_a_group_of_ours_that_goes_with_the_last_of_them() {
        let mut book = server_list();
        let plan = placed(&mut book, &bob(&[]));
        assert_eq!(plan.inserts[0].name, GROUP);
        assert_eq!(plan.inserts[1].id, ItemId { group: FIRST_GROUP, item: FIRST_ITEM });
        assert_eq!(book.client_group(ROOT).unwrap().order(), [1, FIRST_GROUP]);
        let plan = placed(&mut book, &Contact { listed: false, ..bob(&[]) });
        assert_eq!(plan.deletes.len(), 2);
        assert_eq!(book.client_group(ROOT).unwrap().order(), [1]);
    }

    #[test]
    fn the_server_is_told_of_members_it_knows_even_after_a_removal() {
        let mut book = server_list();
        placed(&mut book, &bob(&["Friends"]));
        let foreign = ItemId { group: 1, item: FIRST_ITEM + 1 };
        book.hide(foreign);
        assert_eq!(book.order_for_server(1, &[foreign.item, FIRST_ITEM]), [FIRST_ITEM]);
        assert_eq!(book.order_for_server(ROOT, &[1, FIRST_GROUP]), [1]);
    }

    #[test]
    fn a_new_alias_and_a_block_are_planned() {
        let mut book = server_list();
        placed(&mut book, &bob(&["Friends"]));
        let changed = Contact { alias: Some("Bobby".into()), blocked: true, ..bob(&["Friends"]) };
        let plan = placed(&mut book, &changed);
        assert_eq!(plan.updates[0].attribute(ALIAS), Some(&b"Bobby"[..]));
        assert_eq!(plan.inserts[0].class, Class::Deny);
        assert!(plan.deletes.is_empty());
    }

    #[test]
    fn another_spelling_replaces_the_item() {
        let mut book = server_list();
        placed(&mut book, &bob(&["Friends"]));
        let plan =
            placed(&mut book, &Contact { spelling: "bob@yahoo".into(), ..bob(&["Friends"]) });
        assert_eq!((plan.deletes.len(), plan.inserts.len()), (1, 1));
        assert_eq!(plan.inserts[0].name, "bob@yahoo");
    }
}
