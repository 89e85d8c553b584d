//! The foreign items of the buddy list: those that the client sees, and those that the server has.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use crosstalk_core::Address;

use super::squeezed;
use crate::common::weight;
use crate::oscar::wire::{Item, ItemId};

/// The most foreign items a client is shown, the most bytes of one, and of all.
pub(super) const MAX_SHOWN: usize = 4_096;
const MAX_ITEM: usize = 4_096;
const MAX_SHOWN_BYTES: usize = 1 << 20;
/// The most bytes of misplaced items.
const MAX_MISPLACED: usize = 128 << 10;

/// One foreign item that the client sees.
#[derive(Clone, Debug)]
pub(in crate::oscar) struct Shown {
    /// Contact that it is of.
    pub(in crate::oscar) address: Address,
    /// The item.
    pub(in crate::oscar) item: Item,
}

impl Shown {
    fn weight(&self) -> usize {
        weight(&self.address, &self.item)
    }
}

/// The item itself, and its place among those of its person.
fn weight(address: &Address, item: &Item) -> usize {
    let place = size_of::<ItemId>() + size_of::<Address>();
    size_of::<Item>()
        + item.name.len()
        + item.attributes.len()
        + weight::of_address(address)
        + place
}

/// The foreign items that the client sees, by id and by person.
#[derive(Debug, Default)]
pub(super) struct AllShown {
    items: BTreeMap<ItemId, Shown>,
    persons: BTreeMap<Address, BTreeSet<ItemId>>,
    bytes: usize,
}

impl AllShown {
    pub(super) fn get(&self, id: ItemId) -> Option<&Shown> {
        self.items.get(&id)
    }

    /// Items of one person.
    pub(super) fn of(&self, address: &Address) -> impl Iterator<Item = &Item> {
        let ids = self.persons.get(address).into_iter().flatten();
        ids.filter_map(|id| self.items.get(id)).map(|shown| &shown.item)
    }

    /// Items of one group, in order.
    pub(super) fn in_group(
        &self,
        group: u16,
    ) -> impl DoubleEndedIterator<Item = (&ItemId, &Shown)> {
        self.items.range(ItemId { group, item: 0 }..=ItemId { group, item: u16::MAX })
    }

    /// Everybody who has one.
    pub(super) fn everybody(&self) -> impl Iterator<Item = &Address> {
        self.persons.keys()
    }

    /// Whether there is room for an item of this person.
    pub(super) fn has_room_for(&self, address: &Address, item: &Item) -> bool {
        let before = self.items.get(&item.id);
        let small = item.name.len() + item.attributes.len() <= MAX_ITEM;
        let left = self.bytes - before.map_or(0, Shown::weight);
        small
            && (before.is_some() || self.items.len() < MAX_SHOWN)
            && left + weight(address, item) <= MAX_SHOWN_BYTES
    }

    pub(super) fn insert(&mut self, shown: Shown) {
        self.remove(shown.item.id);
        self.bytes += shown.weight();
        self.persons.entry(shown.address.clone()).or_default().insert(shown.item.id);
        self.items.insert(shown.item.id, shown);
    }

    pub(super) fn remove(&mut self, id: ItemId) -> Option<Shown> {
        let shown = self.items.remove(&id)?;
        self.bytes -= shown.weight();
        if let Some(ids) = self.persons.get_mut(&shown.address) {
            ids.remove(&id);
            if ids.is_empty() {
                self.persons.remove(&shown.address);
            }
        }
        Some(shown)
    }

    pub(super) const fn weight(&self) -> usize {
        self.bytes
    }
}

/// Items of the server's with a foreign name, from before the person used the gateway.
#[derive(Debug, Default)]
pub(super) struct Misplaced {
    items: BTreeMap<ItemId, Bytes>,
    /// Their names by group, as they are compared.
    names: BTreeSet<(u16, Vec<u8>)>,
    bytes: usize,
}

impl Misplaced {
    /// Notes an item; not one that there is no room for, which the client cannot edit then.
    pub(super) fn insert(&mut self, item: &Item) {
        let size = 2 * (item.name.len() + size_of::<(ItemId, Bytes)>());
        if self.bytes + size > MAX_MISPLACED {
            return;
        }
        let name = Bytes::copy_from_slice(&item.name);
        if self.items.insert(item.id, name).is_none_or(|before| before != item.name) {
            self.bytes += size;
            self.names.insert((item.id.group, squeezed(&item.name)));
        }
    }

    /// Whether the server has this very item.
    pub(super) fn has(&self, item: &Item) -> bool {
        self.items.get(&item.id) == Some(&item.name)
    }

    /// Whether an item of this name, which is squeezed, stands in a group.
    pub(super) fn is_in(&self, group: u16, name: &[u8]) -> bool {
        self.names.contains(&(group, name.to_vec()))
    }

    pub(super) const fn weight(&self) -> usize {
        self.bytes
    }
}
