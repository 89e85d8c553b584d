//! The list since version 15: groups of names, each between pairs that say what it is.

use super::super::account::Account;
use super::super::context::Cx;
use super::super::wire::charset::Charset;
use super::super::wire::{Draft, Packet, key, service};
use super::group_names::GroupNames;
use super::list::Ours;

/// Bytes of ours that one packet holds. The server's part beside them is less than the rest of a
/// packet, or ours come in packets of their own.
const MAX_OURS: usize = 16 * 1024;
/// The most names of a group that stand together.
const MAX_NAMES: usize = 16;
/// Keys around groups, contacts and ignored people.
const GROUP: &str = "318";
const BUDDY: &str = "319";
const IGNORED: &str = "320";

type Pairs = Vec<(u32, Vec<u8>)>;

impl Account {
    /// 0xF1 of the server. Its first packet says the groups that ours are put into; what it lacks
    /// stands before it, where it cannot come between a group and its names.
    pub(in crate::ymsg) fn list_15_in(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let is_first = !std::mem::replace(&mut self.list.has_begun, true);
        self.list.own.take_15(packet);
        if !is_first {
            return cx.forward(packet);
        }
        let mut ours = self.ours(cx);
        if ours.is_empty() {
            return cx.forward(packet);
        }
        cx.out.withhold();
        let spelled = GroupNames::of(&self.list.own, cx.link.charset);
        let is_short = packet.raw.len() + length(&sections(&ours, &spelled).concat()) <= MAX_OURS;
        if is_short {
            let woven = woven(packet, &mut ours, cx.link.charset);
            let pairs = [sections(&ours, &spelled).concat(), woven].concat();
            cx.show(drafted(packet.status, &pairs));
        } else {
            for pairs in sections(&ours, &spelled) {
                cx.show(drafted(0, &pairs));
            }
            cx.forward(packet);
        }
        self.all_shown(cx);
    }
}

/// The packets that tell the client of a contact that came to its list.
pub(in crate::ymsg) fn sections_of(
    groups: &[String],
    name: &str,
    spelled: &GroupNames,
) -> Vec<Draft> {
    let groups = groups.iter().map(|g| (g.clone(), vec![name.to_owned()])).collect();
    let ours = Ours { groups, ignored: Vec::new() };
    sections(&ours, spelled).iter().map(|pairs| drafted(0, pairs)).collect()
}

/// The server's pairs, with ours in the groups that are there.
fn woven(packet: &Packet, ours: &mut Ours, charset: Charset) -> Pairs {
    let mut woven = Pairs::new();
    let mut group = Vec::new();
    for (key, value) in packet.pairs() {
        woven.push((key, value.to_vec()));
        match (key, value) {
            (key::GROUP, name) => group = name.to_vec(),
            (key::BEGIN_LIST, kind) if kind == BUDDY.as_bytes() => {
                woven.extend(ours.take(&group, charset).iter().flat_map(|name| entry(BUDDY, name)));
            }
            _ => {}
        }
    }
    woven
}

/// Ignored people and groups, each part of a length that fits into one packet.
fn sections(ours: &Ours, spelled: &GroupNames) -> Vec<Pairs> {
    let mut parts = vec![Pairs::new()];
    let ignored = ours.ignored.chunks(MAX_NAMES).map(|names| section(IGNORED, names));
    let groups = ours.groups.iter().flat_map(|(group, names)| {
        names.chunks(MAX_NAMES).map(move |names| {
            let mut pairs =
                Pairs::from([(key::BEGIN_LIST, GROUP.into()), (key::BEGIN_ENTRY, GROUP.into())]);
            pairs.push((key::GROUP, spelled.write(group).into_owned()));
            pairs.extend(section(BUDDY, names));
            pairs.extend([(key::END_ENTRY, GROUP.into()), (key::END_LIST, GROUP.into())]);
            pairs
        })
    });
    for pairs in ignored.chain(groups) {
        match parts.last_mut() {
            Some(part) if length(part) + length(&pairs) <= MAX_OURS => part.extend(pairs),
            _ => parts.push(pairs),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn section(kind: &str, names: &[String]) -> Pairs {
    let entries = names.iter().flat_map(|name| entry(kind, name));
    let (begin, end) = ((key::BEGIN_LIST, kind.into()), (key::END_LIST, kind.into()));
    std::iter::once(begin).chain(entries).chain([end]).collect()
}

fn entry(kind: &str, name: &str) -> [(u32, Vec<u8>); 3] {
    [(key::BEGIN_ENTRY, kind.into()), (key::BUDDY, name.into()), (key::END_ENTRY, kind.into())]
}

/// Length of pairs in a packet, in bytes, at most.
fn length(pairs: &[(u32, Vec<u8>)]) -> usize {
    pairs.iter().map(|(_, value)| value.len() + 8).sum()
}

fn drafted(status: u32, pairs: &[(u32, Vec<u8>)]) -> Draft {
    let draft = Draft::new(service::LIST_15, status);
    pairs.iter().fold(draft, |draft, (key, value)| draft.with(*key, value))
}
