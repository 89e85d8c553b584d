//! The server's list and the foreign one, merged as the client gets them.

use std::collections::BTreeMap;

use crosstalk_core::Address;

use super::super::link::Io;
use super::super::wire::{Draft, Packet};
use super::super::{charset, service};
use super::Session;
use super::edit::groups;
use super::servers::Servers;

/// The longest value of key 87 in one packet, in bytes: servers cut at about that.
const MAX_LINES: usize = 800;
/// The longest packet of 0xF1 that ours make, in bytes.
const MAX_SECTIONS: usize = 16 * 1024;
/// The status of a packet of 0x55 that is not the last.
const MORE: u32 = 5;
/// What stands around groups, contacts and ignored people in 0xF1.
const GROUP: &str = "318";
const BUDDY: &str = "319";
const IGNORED: &str = "320";

/// What the client shows.
#[derive(Default)]
pub(super) struct List {
    /// The server's part.
    pub(super) own: Servers,
    /// Our part: the groups of each contact.
    pub(super) shown: BTreeMap<Address, Vec<String>>,
    /// A list in several packets has begun.
    has_begun: bool,
}

/// Our part of a list.
struct Ours {
    /// Names by group.
    groups: BTreeMap<String, Vec<String>>,
    ignored: Vec<String>,
}

impl Ours {
    fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.ignored.is_empty()
    }

    /// Takes the names of the group that the server calls `name`.
    fn take(&mut self, name: &[u8]) -> Vec<String> {
        self.groups.remove(charset::read_name(name).as_ref()).unwrap_or_default()
    }
}

impl Session {
    fn ours(&self, io: &Io<'_>) -> Ours {
        let mut ours = Ours { groups: BTreeMap::new(), ignored: Vec::new() };
        for contact in self.contacts.iter().flat_map(BTreeMap::values) {
            let Some(name) = self.name(&contact.address, io) else { continue };
            for group in groups(contact).into_iter().filter(|_| contact.listed) {
                ours.groups.entry(group).or_default().push(name.clone());
            }
            if contact.blocked {
                ours.ignored.push(name);
            }
        }
        ours
    }

    /// Notes that the client shows everybody who is listed, and tells it who is online.
    fn all_shown(&mut self, io: &mut Io<'_>) {
        let listed = self.contacts.iter().flat_map(BTreeMap::values).filter(|c| c.listed);
        let listed = listed.filter(|c| self.name(&c.address, io).is_some());
        self.list.shown = listed.map(|c| (c.address.clone(), groups(c))).collect();
        let online: Vec<Address> = self.presences.keys().cloned().collect();
        for address in online {
            self.show_presence(&address, io);
        }
    }

    /// 0x55 of the server: what is ours goes into it, or into packets before it.
    pub(super) fn list_in(&mut self, packet: &Packet, io: &mut Io<'_>) {
        self.list.own.take(packet);
        let (is_first, is_last) = (!self.list.has_begun, packet.status == 0);
        self.list.has_begun = !is_last;
        let ours = self.ours(io);
        if !is_first || ours.is_empty() {
            return io.forward(packet);
        }
        if is_last {
            self.tell_list(ours, io);
        } else {
            for lines in lines(&ours.groups) {
                io.tell(Draft::new(service::LIST, MORE).with(87, lines));
            }
            if !ours.ignored.is_empty() {
                io.tell(Draft::new(service::LIST, MORE).with(88, ours.ignored.join(",") + ","));
            }
            io.forward(packet);
        }
        io.out.withhold();
        self.all_shown(io);
    }

    /// Tells the client the whole list, in packets of a length that clients take.
    pub(super) fn tell_whole_list(&mut self, io: &mut Io<'_>) {
        let ours = self.ours(io);
        self.tell_list(ours, io);
    }

    fn tell_list(&self, mut ours: Ours, io: &mut Io<'_>) {
        let mut text = Vec::new();
        for line in self.list.own.text().split_inclusive(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let group = line.split(|b| *b == b':').next().unwrap_or_default();
            text.extend_from_slice(line);
            for name in ours.take(group) {
                text.push(b',');
                text.extend_from_slice(name.as_bytes());
            }
            text.push(b'\n');
        }
        text.extend(lines(&ours.groups).concat());
        let mut rest = text.as_slice();
        while rest.len() > MAX_LINES {
            let (front, after) = rest.split_at(MAX_LINES);
            io.tell(Draft::new(service::LIST, MORE).with(87, front));
            rest = after;
        }
        let mut draft = Draft::new(service::LIST, 0).with(87, rest);
        for (key, value) in &self.list.own.others {
            if *key == 88 && !ours.ignored.is_empty() {
                let server = String::from_utf8_lossy(value).into_owned();
                let names = std::iter::once(&server).chain(&ours.ignored).filter(|n| !n.is_empty());
                let names: Vec<&str> = names.map(String::as_str).collect();
                draft = draft.with(88, names.join(","));
            } else {
                draft = draft.with(*key, value);
            }
        }
        io.tell(draft);
    }

    /// 0xF1 of the server: its first packet says the groups that ours are put into; groups that
    /// it lacks stand before it, where they cannot come between a group and its names.
    pub(super) fn list_15_in(&mut self, packet: &Packet, io: &mut Io<'_>) {
        let is_first = !std::mem::replace(&mut self.list.has_begun, true);
        self.list.own.take_15(packet);
        let mut ours = self.ours(io);
        if !is_first || ours.is_empty() {
            return io.forward(packet);
        }
        let mut woven = Vec::new();
        let mut group = Vec::new();
        for (key, value) in packet.pairs() {
            woven.push((key, value.to_vec()));
            match (key, value) {
                (65, name) => group = name.to_vec(),
                (302, b"319") => {
                    for name in ours.take(&group) {
                        push_entry(BUDDY, &name, &mut woven);
                    }
                }
                _ => {}
            }
        }
        for draft in sections(&ours) {
            io.tell(draft);
        }
        let draft = Draft::new(packet.service, packet.status);
        io.out.withhold();
        io.tell(woven.iter().fold(draft, |draft, (key, value)| draft.with(*key, value)));
        self.all_shown(io);
    }
}

/// What tells the client of a contact that came to its list, since version 15.
pub(super) fn section_of(groups: &[String], name: &str) -> Vec<Draft> {
    let groups = groups.iter().map(|g| (g.clone(), vec![name.to_owned()])).collect();
    sections(&Ours { groups, ignored: Vec::new() })
}

/// Groups as lines of key 87, of a length that fits into one packet each.
fn lines(groups: &BTreeMap<String, Vec<String>>) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for (group, names) in groups {
        let head = [&charset::write_group(group)[..], b":"].concat();
        let mut line = head.clone();
        for name in names {
            if line.len() > head.len() && line.len() + name.len() + 2 > MAX_LINES {
                line.push(b'\n');
                lines.push(std::mem::replace(&mut line, head.clone()));
            }
            if line.len() > head.len() {
                line.push(b',');
            }
            line.extend_from_slice(name.as_bytes());
        }
        line.push(b'\n');
        lines.push(line);
    }
    lines
}

/// Ignored people and groups as packets of 0xF1.
fn sections(ours: &Ours) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut pairs = Vec::new();
    let mut close = |pairs: &mut Vec<(u32, Vec<u8>)>, at: usize| {
        if pairs.iter().map(|(_, value)| value.len() + 8).sum::<usize>() > at {
            let draft = Draft::new(service::LIST_15, 0);
            drafts.push(pairs.drain(..).fold(draft, |draft, (key, value)| draft.with(key, value)));
        }
    };
    let section = |kind: &str, names: &[String], pairs: &mut Vec<(u32, Vec<u8>)>| {
        pairs.push((302, kind.into()));
        for name in names {
            push_entry(kind, name, pairs);
        }
        pairs.push((303, kind.into()));
    };
    for names in ours.ignored.chunks(64) {
        section(IGNORED, names, &mut pairs);
        close(&mut pairs, MAX_SECTIONS);
    }
    for (group, names) in &ours.groups {
        for names in names.chunks(64) {
            pairs.extend([(302, GROUP.into()), (300, GROUP.into())]);
            pairs.push((65, charset::write_group(group).into_owned()));
            section(BUDDY, names, &mut pairs);
            pairs.extend([(301, GROUP.into()), (303, GROUP.into())]);
            close(&mut pairs, MAX_SECTIONS);
        }
    }
    close(&mut pairs, 0);
    drafts
}

fn push_entry(kind: &str, name: &str, pairs: &mut Vec<(u32, Vec<u8>)>) {
    pairs.extend([(300, kind.into()), (7, name.into()), (301, kind.into())]);
}
