//! The server's own list, as the client has it: kept to tell the client the whole of it again.

use std::collections::HashMap;

use super::super::wire::{Packet, key, service};

/// The longest list that is kept, in bytes, and the most names in one.
const MAX_KEPT: usize = 512 << 10;
const MAX_NAMES: usize = 4_000;
/// The most groups, and the most pairs that stand beside a list.
const MAX_GROUPS: usize = 500;
const MAX_OTHERS: usize = 64;
/// The longest name of a person or a group, in bytes.
const MAX_NAME: usize = 255;

/// Names, by the place that each has in an order.
type Names = HashMap<Vec<u8>, u32>;

/// Names by group, in the bytes of the server.
#[derive(Default)]
pub(in crate::ymsg) struct ServerList {
    /// Each with its place among the groups.
    groups: HashMap<Vec<u8>, (u32, Names)>,
    /// The place of what comes next.
    next: u32,
    /// Number of names, and the bytes that they and the groups take.
    count: usize,
    bytes: usize,
    /// The server has more than is kept here.
    overflowed: bool,
    /// The lines of a list in several packets, as far as it has come.
    lines: Vec<u8>,
    /// Other pairs of the last packet of the list.
    pub(in crate::ymsg) others: Vec<(u32, Vec<u8>)>,
    /// The group that the next name of a list in several packets stands in.
    current: Vec<u8>,
}

/// Bytes that a name in the list takes.
const fn size(name: &[u8]) -> usize {
    name.len() + 2 * size_of::<(Vec<u8>, u32)>()
}

impl ServerList {
    /// Takes a packet of the list 0x55: `87=group:name,name\n`. The last has status 0.
    pub(in crate::ymsg) fn take(&mut self, packet: &Packet) {
        for text in packet.all(key::LIST) {
            if self.lines.len() + text.len() <= MAX_KEPT {
                self.lines.extend_from_slice(text);
            } else {
                self.overflowed = true;
            }
        }
        if packet.status != 0 {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        *self = Self { overflowed: self.overflowed, ..Self::default() };
        for line in lines.split(|b| *b == b'\n') {
            self.read(line);
        }
        let mut others = packet.pairs().filter(|(key, _)| *key != key::LIST);
        let kept = others.by_ref().take(MAX_OTHERS);
        self.others = kept.map(|(key, value)| (key, value.to_vec())).collect();
        self.overflowed |= others.next().is_some();
        self.bytes += self.others.iter().map(|(_, value)| size(value)).sum::<usize>();
    }

    /// Takes a line `group:name,name`.
    fn read(&mut self, line: &[u8]) {
        let Some(at) = memchr::memchr(b':', line) else { return };
        let (group, names) = line.split_at(at);
        self.add_group(group);
        let names = names.get(1..).unwrap_or_default();
        for name in names.split(|b| *b == b',').filter(|name| !name.is_empty()) {
            self.add(group, name);
        }
    }

    /// Takes a packet of the list 0xF1: `65=group (7=name)*`.
    pub(in crate::ymsg) fn take_15(&mut self, packet: &Packet) {
        let mut current = std::mem::take(&mut self.current);
        for (key, value) in packet.pairs() {
            match key {
                key::BEGIN_LIST if value == b"320" => current.clear(),
                key::GROUP => value.get(..MAX_NAME).unwrap_or(value).clone_into(&mut current),
                key::BUDDY if !current.is_empty() => self.add(&current, value),
                _ => {}
            }
        }
        self.current = current;
    }

    /// Follows the server's answers to edits of its list.
    pub(in crate::ymsg) fn follow(&mut self, packet: &Packet) {
        if packet.first(key::RESULT).is_some_and(|code| code != b"0") {
            return;
        }
        let value = |key| packet.first(key).unwrap_or_default();
        match packet.service {
            service::ADD_BUDDY => self.add(value(key::GROUP), value(key::BUDDY)),
            service::REMOVE_BUDDY => self.remove(value(key::GROUP), value(key::BUDDY)),
            service::MOVE_BUDDY => {
                self.remove(value(key::FROM_GROUP), value(key::BUDDY));
                self.add(value(key::TO_GROUP), value(key::BUDDY));
            }
            service::RENAME_GROUP => self.rename(value(key::GROUP), value(key::NEW_GROUP)),
            _ => {}
        }
    }

    /// The names of the groups, as the server writes them.
    pub(in crate::ymsg) fn group_names(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.groups.keys()
    }

    pub(in crate::ymsg) fn has_group(&self, name: &[u8]) -> bool {
        self.groups.contains_key(name)
    }

    /// Whether this is the server's whole list.
    pub(in crate::ymsg) const fn is_whole(&self) -> bool {
        !self.overflowed
    }

    /// The list as the lines of key 87.
    pub(in crate::ymsg) fn text(&self) -> Vec<u8> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(_, (place, _))| *place);
        let line = |(group, (_, names)): (&Vec<u8>, &(u32, Names))| {
            let mut names: Vec<_> = names.iter().collect();
            names.sort_unstable_by_key(|(_, place)| **place);
            let names: Vec<&[u8]> = names.into_iter().map(|(name, _)| name.as_slice()).collect();
            [&group[..], b":", &names.join(&b","[..]), b"\n"].concat()
        };
        groups.into_iter().flat_map(line).collect()
    }

    /// Bytes that it takes.
    pub(in crate::ymsg) const fn weight(&self) -> usize {
        self.bytes + self.lines.len() + self.current.len()
    }

    /// Whether there is room for a name.
    fn fits(&mut self, name: &[u8]) -> bool {
        let fits = (1..=MAX_NAME).contains(&name.len()) && self.bytes + size(name) <= MAX_KEPT;
        self.overflowed |= !fits;
        fits
    }

    fn place(&mut self, name: &[u8]) -> u32 {
        self.bytes += size(name);
        self.next += 1;
        self.next
    }

    fn add_group(&mut self, group: &[u8]) -> bool {
        if self.groups.contains_key(group) {
            return true;
        }
        if self.groups.len() >= MAX_GROUPS || !self.fits(group) {
            self.overflowed = true;
            return false;
        }
        let place = self.place(group);
        self.groups.insert(group.to_vec(), (place, Names::new()));
        true
    }

    fn add(&mut self, group: &[u8], name: &[u8]) {
        if name.is_empty() || self.groups.get(group).is_some_and(|(_, n)| n.contains_key(name)) {
            return;
        }
        if self.count >= MAX_NAMES || !self.fits(name) || !self.add_group(group) {
            self.overflowed = true;
            return;
        }
        let place = self.place(name);
        if let Some((_, names)) = self.groups.get_mut(group) {
            names.insert(name.to_vec(), place);
            self.count += 1;
        }
    }

    fn remove(&mut self, group: &[u8], name: &[u8]) {
        let Some((_, names)) = self.groups.get_mut(group) else { return };
        if names.remove(name).is_some() {
            self.bytes -= size(name);
            self.count -= 1;
        }
        if names.is_empty() {
            self.groups.remove(group);
            self.bytes -= size(group);
        }
    }

    fn rename(&mut self, from: &[u8], to: &[u8]) {
        if from == to || !self.has_group(from) || !self.fits(to) {
            return;
        }
        let Some((place, names)) = self.groups.remove(from) else { return };
        self.bytes -= size(from);
        if !self.has_group(to) {
            self.bytes += size(to);
            self.groups.insert(to.to_vec(), (place, names));
            return;
        }
        for name in names.into_keys() {
            self.bytes -= size(&name);
            self.count -= 1;
            self.add(to, &name);
        }
    }
}
