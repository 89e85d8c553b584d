//! The buddy list as its two readers know it.
//!
//! The server knows the items of its own list, the client sees foreign ones among them. An item
//! of ours never has the id of one of the server's, never stands outside a group the client
//! knows, and never has a name twice in a group: clients loop, or edit the server's list, if so.

mod foreign;
mod groups;
mod place;
mod privacy;

use std::collections::BTreeSet;

use bytes::Bytes;
use crosstalk_core::{Address, Audience};

use self::foreign::{AllShown, MAX_SHOWN, Misplaced};
use self::groups::Groups;
use self::privacy::Privacy;
use super::permit_deny::mode;
use crate::oscar::wire::item::{ALIAS, List, ORDER};
use crate::oscar::wire::message::EightBit;
use crate::oscar::wire::{Class, Item, ItemId, Writer, tlvs};

pub(in crate::oscar) use foreign::Shown;
pub(in crate::oscar) use place::{Plan, shown_alias};

/// The most items of the server's that are remembered.
const MAX_OWN: usize = 20_000;
/// The most ids remembered as foreign.
const MAX_SPENT: usize = 4 * MAX_SHOWN;
/// The root, whose members are the groups.
pub(in crate::oscar) const ROOT: u16 = 0;

/// Both views of the list.
#[derive(Debug, Default)]
pub(in crate::oscar) struct Feedbag {
    /// The items on the server; groups are in `groups`.
    own: BTreeSet<ItemId>,
    groups: Groups,
    /// The foreign items.
    shown: AllShown,
    misplaced: Misplaced,
    /// Ids that were foreign at any time: a client may name them after it removed the item.
    spent: BTreeSet<ItemId>,
    /// Whether the server's whole list went by.
    whole: bool,
    /// Whether the server has more than is remembered.
    overflowed: bool,
    privacy: Privacy,
    /// Whether the mode may let other people through than at the last look.
    audience_changed: bool,
}

impl Feedbag {
    /// An empty list of a client that means this by eight-bit text.
    pub(in crate::oscar) fn read_as(eight_bit: EightBit) -> Self {
        Self { groups: Groups::read_as(eight_bit), ..Self::default() }
    }

    /// Forgets both views, since the client gets its list anew. Ids that were foreign stay so.
    pub(in crate::oscar) fn start_over(&mut self) {
        let spent = std::mem::take(&mut self.spent);
        let privacy = std::mem::take(&mut self.privacy).anew();
        let fresh = Self::read_as(self.groups.eight_bit());
        *self = Self { spent, privacy, audience_changed: true, ..fresh };
    }

    /// Text of a name in the list.
    pub(in crate::oscar) fn text(&self, name: &[u8]) -> String {
        self.groups.text(name)
    }

    /// Owner's alias for a buddy.
    pub(in crate::oscar) fn alias(&self, item: &Item) -> Option<String> {
        item.attribute(ALIAS).map(|alias| self.text(alias)).filter(|alias| !alias.is_empty())
    }

    /// Bytes that both views take.
    pub(in crate::oscar) fn weight(&self) -> usize {
        // Trees are about half full.
        let ids = 2 * size_of::<ItemId>() * (self.own.len() + self.spent.len());
        let lists = self.groups.weight() + self.privacy.weight();
        ids + lists + self.shown.weight() + self.misplaced.weight()
    }

    /// Notes a packet of the server's list.
    pub(in crate::oscar) fn learn(&mut self, list: &List, last: bool) {
        for item in &list.items {
            self.record(item);
            self.record_mode(item);
        }
        self.whole |= last;
    }

    /// Notes an item that the server has, but for a privacy mode in it.
    pub(in crate::oscar) fn record(&mut self, item: &Item) {
        if item.class == Class::Group && item.id.item == 0 {
            self.overflowed |= !self.groups.record(item);
        } else if self.own.len() < MAX_OWN {
            self.own.insert(item.id);
        } else {
            self.overflowed = true;
        }
        if let Some(alias) = item.attribute(ALIAS) {
            self.groups.note(alias);
        }
        // The id is the server's now, whoever used it before.
        self.spent.remove(&item.id);
    }

    /// Notes the privacy mode of an item that the server has.
    pub(in crate::oscar) fn record_mode(&mut self, item: &Item) {
        self.audience_changed |= self.privacy.record(item);
    }

    /// Notes that the server no longer has an item, and so may be in another privacy mode.
    pub(in crate::oscar) fn forget_mode(&mut self, item: &Item) {
        self.audience_changed |= self.privacy.forget(item);
    }

    /// Notes that the client asks for this item, or for its end, in a request whose answer has a code
    /// for it at this place: a privacy mode in it counts once the server granted it.
    pub(in crate::oscar) fn ask_mode(&mut self, code: (u32, usize), item: &Item, has: bool) {
        self.audience_changed |= self.privacy.ask(code, item, has);
    }

    /// Notes what the server answers to a request.
    pub(in crate::oscar) fn mode_answered(&mut self, request: u32, codes: &[u16]) {
        self.audience_changed |= self.privacy.answered(request, codes);
    }

    /// Whether the server has to answer whether the privacy mode may change.
    pub(in crate::oscar) fn awaits_mode(&self) -> bool {
        self.privacy.is_asked()
    }

    /// Notes that the server no longer has an item, but for a privacy mode in it.
    pub(in crate::oscar) fn forget(&mut self, item: &Item) {
        if item.class == Class::Group && item.id.item == 0 {
            self.groups.forget(item.id.group);
        } else {
            self.own.remove(&item.id);
        }
    }

    /// Whether the server has an item of this id.
    pub(in crate::oscar) fn is_own(&self, id: ItemId) -> bool {
        self.own.contains(&id)
    }

    /// Notes an item that the server has although its name is foreign.
    pub(in crate::oscar) fn misplace(&mut self, item: &Item) {
        self.misplaced.insert(item);
    }

    /// Whether the server has this very item although its name is foreign.
    pub(in crate::oscar) fn is_misplaced(&self, item: &Item) -> bool {
        self.misplaced.has(item)
    }

    /// The server's group of this id.
    pub(in crate::oscar) fn group(&self, id: u16) -> Option<&Item> {
        self.groups.server(id)
    }

    /// The foreign item of this id.
    pub(in crate::oscar) fn shown(&self, id: ItemId) -> Option<&Shown> {
        self.shown.get(id)
    }

    /// The foreign items of one person.
    pub(in crate::oscar) fn of(&self, address: &Address) -> impl Iterator<Item = &Item> {
        self.shown.of(address)
    }

    /// Everybody who has a foreign item in group `group`.
    pub(in crate::oscar) fn members(&self, group: u16) -> impl Iterator<Item = &Address> {
        self.shown.in_group(group).map(|(_, s)| &s.address)
    }

    /// Everybody in a group of ours of this name.
    pub(in crate::oscar) fn members_of_virtual(
        &self,
        name: &Bytes,
    ) -> impl Iterator<Item = &Address> {
        self.groups.ours_called(name).flat_map(|group| self.members(group))
    }

    /// Everybody who has a foreign item.
    pub(in crate::oscar) fn everybody(&self) -> impl Iterator<Item = &Address> {
        self.shown.everybody()
    }

    /// Everything that only the client knows, groups behind their members.
    pub(in crate::oscar) fn foreign_items(&self) -> Vec<Item> {
        let people = self.everybody().flat_map(|address| self.of(address)).cloned();
        let group = |id| Some(Item::new(self.groups.ours(id)?.clone(), id, 0, Class::Group));
        people.chain(self.groups.all_of_ours().filter_map(group)).collect()
    }

    /// Whether a person stands in the buddy list.
    pub(in crate::oscar) fn lists(&self, address: &Address) -> bool {
        self.of(address).any(|item| item.class == Class::Buddy)
    }

    /// Whether the privacy mode lets a foreign person through. Clients are unreliable here.
    pub(in crate::oscar) fn admits(&self, address: &Address) -> bool {
        let has = |class| self.of(address).any(|item| item.class == class);
        self.privacy.modes().all(|mode| match mode {
            mode::DENY_ALL => false,
            mode::PERMIT_SOME => has(Class::Permit),
            mode::DENY_SOME => !has(Class::Deny),
            mode::PERMIT_LISTED => has(Class::Buddy),
            _ => true,
        })
    }

    /// The foreign people whom the privacy mode lets see the person. Whom it denies is blocked.
    pub(in crate::oscar) fn audience(&self) -> Audience {
        let selects = [mode::DENY_ALL, mode::PERMIT_SOME, mode::PERMIT_LISTED];
        if !self.privacy.modes().any(|mode| selects.contains(&mode)) {
            return Audience::everybody();
        }
        let admitted = self.everybody().filter(|address| self.admits(address));
        Audience::only(admitted.cloned().collect())
    }

    /// Whether that may have changed since the last look.
    pub(in crate::oscar) const fn take_audience_change(&mut self) -> bool {
        std::mem::replace(&mut self.audience_changed, false)
    }

    /// Whether a foreign item of this person may be shown.
    pub(in crate::oscar) fn has_room_for(&self, address: &Address, item: &Item) -> bool {
        self.shown.has_room_for(address, item)
    }

    /// Shows a foreign item, or shows it differently.
    pub(in crate::oscar) fn show(&mut self, address: Address, item: Item) {
        self.spend(item.id);
        self.audience_changed = true;
        self.shown.insert(Shown { address, item });
    }

    /// Notes that an id that the client used is none of the server's.
    pub(in crate::oscar) fn spend(&mut self, id: ItemId) {
        if self.spent.len() < MAX_SPENT {
            self.spent.insert(id);
        }
    }

    /// Shows a foreign item no longer.
    pub(in crate::oscar) fn hide(&mut self, id: ItemId) -> Option<Shown> {
        self.audience_changed = true;
        self.shown.remove(id)
    }

    /// Whether only the client knows this group.
    pub(in crate::oscar) fn is_virtual(&self, group: u16) -> bool {
        self.groups.ours(group).is_some()
    }

    /// The name of a group, whoever knows it.
    pub(in crate::oscar) fn group_name(&self, id: u16) -> Option<&Bytes> {
        self.groups.ours(id).or_else(|| self.groups.server(id).map(|g| &g.name))
    }

    /// Renames a group that only the client knows. Returns whether there is room for its name.
    pub(in crate::oscar) fn name_virtual(&mut self, id: u16, name: &Bytes) -> bool {
        self.groups.put(id, name)
    }

    /// Drops a group that only the client knows.
    pub(in crate::oscar) fn drop_virtual(&mut self, id: u16) -> Option<Item> {
        self.groups.drop_ours(id)
    }

    /// The members that the server knows, of those that the client put in a group.
    ///
    /// Not "all but the foreign ones": a client may still name one that it just removed. As long
    /// as nothing was ever foreign, the order is nobody's business.
    pub(in crate::oscar) fn order_for_server(&self, group: u16, order: &[u16]) -> Vec<u16> {
        if self.spent.is_empty() {
            return order.to_vec();
        }
        let known = |member: u16| {
            let id = member_id(group, member);
            match (self.whole && !self.overflowed, group) {
                (true, ROOT) => self.groups.server(member).is_some(),
                (true, _) => self.own.contains(&id),
                (false, _) => !self.spent.contains(&id),
            }
        };
        order.iter().copied().filter(|member| known(*member)).collect()
    }

    /// A server's group with its foreign members; `None` where it has none.
    pub(in crate::oscar) fn for_client(&self, group: &Item) -> Option<Item> {
        let id = group.id.group;
        let foreign: Vec<u16> = if id == ROOT {
            self.groups.all_of_ours().collect()
        } else {
            self.shown.in_group(id).map(|(id, _)| id.item).collect()
        };
        if foreign.is_empty() {
            return None;
        }
        let mut order = group.order();
        // The foreign ids come out of trees, in their order.
        order.retain(|member| foreign.binary_search(member).is_err());
        order.extend(foreign);
        let mut group = group.clone();
        group.set_order(&order);
        Some(group)
    }

    /// A group as the client sees it, whoever knows it.
    pub(in crate::oscar) fn client_group(&self, id: u16) -> Option<Item> {
        match self.groups.ours(id) {
            Some(name) => {
                let group = Item::new(name.clone(), id, 0, Class::Group);
                Some(self.for_client(&group).unwrap_or(group))
            }
            None => self.group(id).map(|g| self.for_client(g).unwrap_or_else(|| g.clone())),
        }
    }
}

/// Whether an item bears `name`: case and spaces do not count.
pub(in crate::oscar) fn is_named(item: &Item, name: &str) -> bool {
    squeezed(&item.name) == squeezed(name.as_bytes())
}

/// A name as names are compared.
fn squeezed(name: &[u8]) -> Vec<u8> {
    name.iter().filter(|b| **b != b' ').map(u8::to_ascii_lowercase).collect()
}

/// `group` with these members; without the TLV where there are none, as clients write it.
pub(in crate::oscar) fn with_order(group: &Item, order: &[u16]) -> Item {
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
