//! The server's own list, as the client has it: kept to tell the client the whole of it again.

use super::super::service;
use super::super::wire::Packet;

/// The longest list of names that is kept, in bytes, and the most names that are added to one.
const MAX_KEPT: usize = 1 << 20;
const MAX_NAMES: usize = 4_000;
/// The longest name of a person or a group, in bytes.
const MAX_NAME: usize = 255;

/// Names by group, in the bytes of the server.
#[derive(Default)]
pub(super) struct Servers {
    groups: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    /// The lines of a list in several packets, as far as it has come.
    lines: Vec<u8>,
    /// What else stood in the last packet of the list.
    pub(super) others: Vec<(u32, Vec<u8>)>,
    /// The group that the next name of a list in several packets stands in.
    current: Vec<u8>,
}

impl Servers {
    /// Takes a packet of the list 0x55: `87=group:name,name\n`. The last has status 0.
    pub(super) fn take(&mut self, packet: &Packet) {
        for text in packet.all(87) {
            if self.lines.len() + text.len() <= MAX_KEPT {
                self.lines.extend_from_slice(text);
            }
        }
        if packet.status != 0 {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        self.groups = lines.split(|b| *b == b'\n').filter_map(line).collect();
        let others = packet.pairs().filter(|(key, _)| *key != 87);
        self.others = others.map(|(key, value)| (key, value.to_vec())).collect();
    }

    /// Takes a packet of the list 0xF1: `65=group (7=name)*`.
    pub(super) fn take_15(&mut self, packet: &Packet) {
        for (key, value) in packet.pairs() {
            match key {
                302 if value == b"320" => self.current.clear(),
                65 => self.current = value.to_vec(),
                7 if !self.current.is_empty() => self.add(&self.current.clone(), value),
                _ => {}
            }
        }
    }

    /// Follows the server's answers to edits of its list.
    pub(super) fn follow(&mut self, packet: &Packet) {
        if packet.first(66).is_some_and(|code| code != b"0") {
            return;
        }
        let value = |key| packet.first(key).unwrap_or_default();
        match packet.service {
            service::ADD_BUDDY => self.add(value(65), value(7)),
            service::REMOVE_BUDDY => self.remove(value(65), value(7)),
            service::MOVE_BUDDY => {
                self.remove(value(224), value(7));
                self.add(value(264), value(7));
            }
            service::RENAME_GROUP => {
                if let Some((name, _)) = self.groups.iter_mut().find(|(g, _)| g == value(65)) {
                    *name = value(67).to_vec();
                }
            }
            _ => {}
        }
    }

    pub(super) fn has_group(&self, name: &[u8]) -> bool {
        self.groups.iter().any(|(group, _)| group == name)
    }

    /// The list as the lines of key 87.
    pub(super) fn text(&self) -> Vec<u8> {
        let line = |(group, names): &(Vec<u8>, Vec<Vec<u8>>)| {
            [&group[..], b":", &names.join(&b","[..]), b"\n"].concat()
        };
        self.groups.iter().flat_map(line).collect()
    }

    fn add(&mut self, group: &[u8], name: &[u8]) {
        let known: usize = self.groups.iter().map(|(_, names)| names.len()).sum();
        let is_name = |name: &[u8]| (1..=MAX_NAME).contains(&name.len());
        if !is_name(group) || !is_name(name) || known >= MAX_NAMES {
            return;
        }
        let at = self.groups.iter().position(|(known, _)| known == group).unwrap_or_else(|| {
            self.groups.push((group.to_vec(), Vec::new()));
            self.groups.len() - 1
        });
        if let Some((_, names)) = self.groups.get_mut(at)
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_vec());
        }
    }

    fn remove(&mut self, group: &[u8], name: &[u8]) {
        if let Some((_, names)) = self.groups.iter_mut().find(|(known, _)| known == group) {
            names.retain(|known| known != name);
        }
        self.groups.retain(|(known, names)| known != group || !names.is_empty());
    }
}

/// Reads `group:name,name`.
fn line(line: &[u8]) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let at = memchr::memchr(b':', line)?;
    let names = line.get(at + 1..)?.split(|b| *b == b',').filter(|name| !name.is_empty());
    Some((line.get(..at)?.to_vec(), names.map(<[u8]>::to_vec).collect()))
}
