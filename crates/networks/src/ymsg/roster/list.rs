//! The server's list and the foreign one, merged as the client gets them.

use std::collections::BTreeMap;

use crosstalk_core::Address;

use super::super::account::Account;
use super::super::context::Cx;
use super::super::wire::charset::Charset;
use super::super::wire::{Draft, Packet, key, service};
use super::edits::groups;
use super::group_names::GroupNames;

/// The longest value of key 87 in one packet, in bytes: servers cut at about that.
const MAX_LINES: usize = 800;
/// The status of a packet of 0x55 that is not the last.
const MORE: u32 = 5;

/// Our part of a list.
#[derive(Default)]
pub(in crate::ymsg) struct Ours {
    /// Names by group.
    pub(in crate::ymsg) groups: BTreeMap<String, Vec<String>>,
    pub(in crate::ymsg) ignored: Vec<String>,
}

impl Ours {
    pub(in crate::ymsg) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.ignored.is_empty()
    }

    /// Takes the names of the group that the server calls `name`.
    pub(in crate::ymsg) fn take(&mut self, name: &[u8], charset: Charset) -> Vec<String> {
        self.groups.remove(charset.read(name, None).as_ref()).unwrap_or_default()
    }
}

impl Account {
    pub(in crate::ymsg) fn ours(&self, cx: &Cx<'_>) -> Ours {
        let mut ours = Ours::default();
        for contact in self.contacts.iter() {
            let Some(name) = self.name(&contact.address, cx) else { continue };
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
    pub(in crate::ymsg) fn all_shown(&mut self, cx: &mut Cx<'_>) {
        let listed = self.contacts.iter().filter(|c| c.listed);
        let listed = listed.filter(|c| self.name(&c.address, cx).is_some());
        self.list.shown = listed.map(|c| (c.address.clone(), groups(c))).collect();
        self.show_online(cx);
    }

    /// Tells the client who is online.
    pub(in crate::ymsg) fn show_online(&self, cx: &mut Cx<'_>) {
        let online: Vec<Address> = self.presences.people().cloned().collect();
        for address in online {
            self.show_presence(&address, cx);
        }
    }

    /// 0x55 of the server: what is ours goes into it, or into packets before it.
    pub(in crate::ymsg) fn list_in(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        self.list.own.take(packet);
        let (is_first, is_last) = (!self.list.has_begun, packet.status == 0);
        self.list.has_begun = !is_last;
        if !is_first && !is_last {
            return cx.forward(packet);
        }
        let ours = self.ours(cx);
        if ours.is_empty() {
            return cx.forward(packet);
        }
        if is_first && is_last && self.list.own.is_whole() {
            cx.out.withhold();
            self.tell_list(ours, cx);
        } else {
            if is_first {
                tell_in_front(&ours, &GroupNames::of(&self.list.own, cx.link.charset), cx);
            }
            cx.forward(packet);
        }
        if is_last {
            self.all_shown(cx);
        }
    }

    /// Tells the client the whole list, in packets of a length that clients take.
    pub(in crate::ymsg) fn tell_whole_list(&mut self, cx: &mut Cx<'_>) {
        // Of a list that is not known to its end the client would lose the rest.
        if self.list.own.is_whole() {
            let ours = self.ours(cx);
            self.tell_list(ours, cx);
        }
    }

    fn tell_list(&self, mut ours: Ours, cx: &mut Cx<'_>) {
        let mut text = Vec::new();
        for line in self.list.own.text().split_inclusive(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let group = line.split(|b| *b == b':').next().unwrap_or_default();
            text.extend_from_slice(line);
            for name in ours.take(group, cx.link.charset) {
                text.extend((text.last() != Some(&b':')).then_some(b','));
                text.extend_from_slice(name.as_bytes());
            }
            text.push(b'\n');
        }
        let spelled = GroupNames::of(&self.list.own, cx.link.charset);
        text.extend(lines(&ours.groups, &spelled).concat());
        let mut rest = text.as_slice();
        while rest.len() > MAX_LINES {
            let (front, after) = rest.split_at(MAX_LINES);
            cx.show(Draft::new(service::LIST, MORE).with(key::LIST, front));
            rest = after;
        }
        let (server, others): (Vec<_>, Vec<_>) =
            self.list.own.others.iter().partition(|(key, _)| *key == key::IGNORED);
        let mut draft = Draft::new(service::LIST, 0).with(key::LIST, rest);
        if !server.is_empty() || !ours.ignored.is_empty() {
            let names = server.iter().map(|(_, names)| names.as_slice());
            let names = names.chain(ours.ignored.iter().map(String::as_bytes));
            let names: Vec<&[u8]> = names.filter(|names| !names.is_empty()).collect();
            draft = draft.with(key::IGNORED, names.join(&b","[..]));
        }
        cx.show(others.into_iter().fold(draft, |draft, (key, value)| draft.with(*key, value)));
    }
}

/// Tells the client our part before the first of several packets, which may break off anywhere.
fn tell_in_front(ours: &Ours, spelled: &GroupNames, cx: &mut Cx<'_>) {
    for lines in lines(&ours.groups, spelled) {
        cx.show(Draft::new(service::LIST, MORE).with(key::LIST, lines));
    }
    if !ours.ignored.is_empty() {
        cx.show(Draft::new(service::LIST, MORE).with(key::IGNORED, ours.ignored.join(",") + ","));
    }
}

/// Groups as lines of key 87, of a length that fits into one packet each.
fn lines(groups: &BTreeMap<String, Vec<String>>, spelled: &GroupNames) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for (group, names) in groups {
        let head = [&spelled.write(group)[..], b":"].concat();
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
