//! The groups of the buddy list: those of the server, and those that only the client knows.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::ROOT;
use crate::oscar::wire::message::{EightBit, decode_eight_bit, encode_eight_bit};
use crate::oscar::wire::{Class, Item};

/// The most groups of the server's that are remembered, the most bytes of one, and of all.
const MAX_GROUPS: usize = 512;
const MAX_GROUP: usize = 16 << 10;
const MAX_BYTES: usize = 256 << 10;
/// The most bytes of the names of groups that only the client knows.
const MAX_OURS: usize = 64 << 10;

/// All groups, by id and by name.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Groups as the server has them, the root among them.
    servers: BTreeMap<u16, Item>,
    ours: BTreeMap<u16, Bytes>,
    /// The ids of each name but the root's, those of the server first. Names are compared as they
    /// are read, since not every client writes UTF-8.
    named: BTreeMap<String, BTreeSet<(bool, u16)>>,
    eight_bit: EightBit,
    /// Names and aliases of the server's that are no UTF-8 were seen, and some that are.
    has_eight_bit: bool,
    has_utf8: bool,
    /// Bytes that the server's take, and ours.
    bytes: usize,
    bytes_of_ours: usize,
}

impl Groups {
    /// No groups yet, of a client that means this by eight-bit text.
    pub(super) fn read_as(eight_bit: EightBit) -> Self {
        Self { eight_bit, ..Self::default() }
    }

    pub(super) const fn eight_bit(&self) -> EightBit {
        self.eight_bit
    }

    /// Text of a name or an alias in the list.
    pub(super) fn text(&self, name: &[u8]) -> String {
        decode_eight_bit(name, self.eight_bit)
    }

    /// Notes how a name or an alias of the server's is written.
    pub(super) fn note(&mut self, name: &[u8]) {
        if !name.is_ascii() {
            let is_utf8 = std::str::from_utf8(name).is_ok();
            self.has_utf8 |= is_utf8;
            self.has_eight_bit |= !is_utf8;
        }
    }

    /// A name or an alias as the rest of the list is written: where all of it is in eight bits, the
    /// client that wrote it reads nothing else, and ours was in the same bytes when it came from it.
    pub(super) fn bytes(&self, text: &str) -> Bytes {
        let is_eight_bit = self.has_eight_bit && !self.has_utf8;
        let bytes = is_eight_bit.then(|| encode_eight_bit(text, self.eight_bit)).flatten();
        bytes.map_or_else(|| Bytes::copy_from_slice(text.as_bytes()), Bytes::from)
    }

    fn size(&self, group: &Item) -> usize {
        let name = group.name.len() + self.text(&group.name).len();
        size_of::<Item>() + name + group.attributes.len()
    }

    fn size_of_ours(&self, name: &[u8]) -> usize {
        size_of::<Bytes>() + name.len() + self.text(name).len()
    }

    /// Notes a group that the server has. Returns whether there was room.
    pub(super) fn record(&mut self, group: &Item) -> bool {
        let id = group.id.group;
        self.note(&group.name);
        self.drop_ours(id);
        self.forget(id);
        let one = group.name.len() + group.attributes.len();
        let all = self.bytes + self.size(group);
        if self.servers.len() >= MAX_GROUPS || one > MAX_GROUP || all > MAX_BYTES {
            return false;
        }
        self.bytes = all;
        let (name, attributes) = (&group.name, &group.attributes);
        let name = Bytes::copy_from_slice(name);
        self.call(id, false, &name);
        let attributes = Bytes::copy_from_slice(attributes);
        self.servers.insert(id, Item { name, attributes, ..group.clone() });
        true
    }

    /// Notes that the server no longer has a group.
    pub(super) fn forget(&mut self, id: u16) {
        if let Some(group) = self.servers.remove(&id) {
            self.bytes -= self.size(&group);
            self.call_no_longer(id, false, &group.name);
        }
    }

    /// The server's group of this id.
    pub(super) fn server(&self, id: u16) -> Option<&Item> {
        self.servers.get(&id)
    }

    /// The name of one of ours.
    pub(super) fn ours(&self, id: u16) -> Option<&Bytes> {
        self.ours.get(&id)
    }

    /// The ids of ours, in order.
    pub(super) fn all_of_ours(&self) -> impl Iterator<Item = u16> {
        self.ours.keys().copied()
    }

    /// Makes a group of ours, or gives it another name. Returns whether there was room.
    pub(super) fn put(&mut self, id: u16, name: &[u8]) -> bool {
        let name = Bytes::copy_from_slice(name);
        let before = self.ours.get(&id).map_or(0, |name| self.size_of_ours(name));
        let all = self.bytes_of_ours - before + self.size_of_ours(&name);
        if all > MAX_OURS {
            return false;
        }
        self.drop_ours(id);
        self.bytes_of_ours = all;
        self.call(id, true, &name);
        self.ours.insert(id, name);
        true
    }

    /// Drops a group of ours.
    pub(super) fn drop_ours(&mut self, id: u16) -> Option<Item> {
        let name = self.ours.remove(&id)?;
        self.bytes_of_ours -= self.size_of_ours(&name);
        self.call_no_longer(id, true, &name);
        Some(Item::new(name, id, 0, Class::Group))
    }

    /// The group of this name, rather the server's.
    pub(super) fn called(&self, name: &str) -> Option<u16> {
        self.named.get(name)?.first().map(|(_, id)| *id)
    }

    /// The groups of ours of this name.
    pub(super) fn ours_called(&self, name: &[u8]) -> impl Iterator<Item = u16> {
        let ids =
            self.named.get(&self.text(name)).into_iter().flat_map(|ids| ids.range((true, 0)..));
        ids.map(|(_, id)| *id)
    }

    /// Bytes that all take.
    pub(super) const fn weight(&self) -> usize {
        self.bytes + self.bytes_of_ours
    }

    fn call(&mut self, id: u16, is_ours: bool, name: &[u8]) {
        if id != ROOT {
            self.named.entry(self.text(name)).or_default().insert((is_ours, id));
        }
    }

    fn call_no_longer(&mut self, id: u16, is_ours: bool, name: &[u8]) {
        let name = self.text(name);
        if let Some(ids) = self.named.get_mut(&name) {
            ids.remove(&(is_ours, id));
            if ids.is_empty() {
                self.named.remove(&name);
            }
        }
    }
}
