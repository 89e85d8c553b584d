//! Merging the foreign contacts into the stored list as the client gets it.

use crosstalk_core::{Contact, NameClass, Side};

use super::feedbag::Plan;
use super::list_hold::State;
use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::wire::item::List;
use crate::oscar::wire::snac::MORE;
use crate::oscar::wire::{Class, Item, Snac};

/// The most bytes of items in one packet.
const MAX_PACKET: usize = 8192;
/// The most in one of the server's, with room for what stands around it in a frame.
const MAX_SENT: usize = 65_000;

impl Account {
    pub(super) fn has_something_to_merge(&self) -> bool {
        self.contacts.iter().any(|c| c.listed || c.blocked)
    }

    /// Sends the packets of the list with the foreign items at their end.
    pub(super) fn merge(&mut self, packets: &[Snac], cx: &mut Cx<'_>) {
        // A list that cannot be read passes as it is, and nothing is merged into it.
        let Ok(mut lists) = packets.iter().map(parse).collect::<Result<Vec<_>, _>>() else {
            return;
        };
        let (Some(first), Some(changed)) = (packets.first(), lists.last().map(|l| l.changed))
        else {
            return;
        };
        // The held packets are among the frames that are taken again: the merged ones stand for
        // them. The held packets come by once more when they are released, and are dropped then:
        // the client has them merged.
        self.list.skip = packets.len();
        self.feedbag.start_over();
        for (i, list) in lists.iter().enumerate() {
            self.learn(list, i + 1 == packets.len(), cx);
        }
        let plan = self.plan_all(cx);
        for item in lists.iter_mut().flat_map(|list| &mut list.items).filter(|i| is_group(i)) {
            if let Some(group) = self.feedbag.for_client(item) {
                *item = group;
            }
        }
        append(&mut lists, &self.with_members(&plan));
        let lists: Vec<List> = lists.into_iter().flat_map(fitting).collect();
        let count = lists.len();
        for (i, list) in lists.into_iter().enumerate() {
            // Only the last packet has a time: by it clients know that the list is whole.
            let (flags, changed) = if i + 1 == count { (0, changed) } else { (MORE, 0) };
            let body = List { changed, ..list }.encode();
            let _ = cx.snac(Side::Client, &Snac { flags, body, ..first.clone() });
        }
        cx.withhold(Side::Client);
        self.list.state = State::Known;
    }

    /// Notes what the server has.
    pub(super) fn learn(&mut self, list: &List, last: bool, cx: &Cx<'_>) {
        self.feedbag.learn(list, last);
        self.note_misplaced(&list.items, cx);
    }

    /// Notes items of the server's with a foreign name.
    pub(in crate::oscar) fn note_misplaced(&mut self, items: &[Item], cx: &Cx<'_>) {
        for item in items.iter().filter(|item| item.name.contains(&b'@')) {
            if item.class != Class::Group && self.class_of(&item.name, cx) != NameClass::Own {
                self.feedbag.misplace(item);
            }
        }
    }

    /// Moves every contact to its place, and those who are contacts no longer out of the list.
    pub(in crate::oscar) fn plan_all(&mut self, cx: &Cx<'_>) -> Plan {
        let mut plan = Plan::default();
        if !self.contacts.are_known() {
            return plan;
        }
        let gone = self.feedbag.everybody().filter(|a| self.contacts.get(a).is_none());
        let gone = gone.map(|address| Contact::new(address.clone(), String::new()));
        let contacts: Vec<Contact> = gone.chain(self.contacts.iter().cloned()).collect();
        for contact in contacts.into_iter().filter(|c| !self.edits.touches(&c.address)) {
            if let Some(spelling) = self.spelling(&contact.address, cx) {
                self.feedbag.place(&contact, &spelling, &mut plan);
            }
        }
        plan
    }

    /// The plan's new items, groups of ours with their members.
    pub(in crate::oscar) fn with_members(&self, plan: &Plan) -> Vec<Item> {
        let whole = |item: &Item| match item.class {
            Class::Group => {
                self.feedbag.client_group(item.id.group).unwrap_or_else(|| item.clone())
            }
            _ => item.clone(),
        };
        plan.inserts.iter().map(whole).collect()
    }
}

/// Whether an item is a group.
pub(in crate::oscar) fn is_group(item: &Item) -> bool {
    item.class == Class::Group && item.id.item == 0
}

/// Reads a packet of the list.
pub(super) fn parse(packet: &Snac) -> Result<List, crate::oscar::wire::Truncated> {
    List::parse(&packet.body.slice_ref(packet.content()?))
}

/// Puts items at the end of a list: into its last packet as far as it has room, then into new ones.
fn append(lists: &mut Vec<List>, items: &[Item]) {
    for items in packed(items) {
        match lists.last_mut() {
            Some(list) if size(&list.items) + size(&items) <= MAX_PACKET => {
                list.items.extend(items);
            }
            _ => lists.push(List { version: 0, items, changed: 0 }),
        }
    }
}

/// A packet of the server's, in several if it has become too long for one.
fn fitting(list: List) -> Vec<List> {
    if size(&list.items) <= MAX_SENT {
        return vec![list];
    }
    let part = |items| List { version: list.version, items, changed: 0 };
    packed(&list.items).into_iter().map(part).collect()
}

/// Items in packets that every client takes.
pub(in crate::oscar) fn packed(items: &[Item]) -> Vec<Vec<Item>> {
    let mut packets: Vec<Vec<Item>> = Vec::new();
    let mut room = 0;
    for item in items {
        let length = item.size();
        if let Some(packet) = packets.last_mut().filter(|_| length <= room) {
            packet.push(item.clone());
        } else {
            packets.push(vec![item.clone()]);
            room = MAX_PACKET;
        }
        room = room.saturating_sub(length);
    }
    packets
}

fn size(items: &[Item]) -> usize {
    items.iter().map(Item::size).sum()
}
