//! The client's edits of its stored list, told apart by whose items they are.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{Address, Fault, MAX_CONTACTS, NameClass, Side};

use super::acks::{self, Answer};
use super::feedbag::{ROOT, is_named, with_order};
use super::merge::packed;
use crate::oscar::account::{PER_PERSON, Pass, Session};
use crate::oscar::context::Io;
use crate::oscar::foreign_names::names_foreign;
use crate::oscar::wire::{Class, Item, Snac, Writer};

/// Longest wait of an edit for the end of its transaction.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most contacts that one transaction may change.
const MAX_DIRTY: usize = 256;
/// Request ids of edits of ours; clients count up from one.
const OURS: u32 = 0x7fff_0000;

/// Contacts whose items changed in a transaction that is still open.
#[derive(Default)]
pub(in crate::oscar) struct Edits {
    open: bool,
    dirty: BTreeSet<Address>,
    /// The groups that the edit at hand renamed.
    renamed: BTreeSet<u16>,
    due: Option<Instant>,
    requests: u32,
}

impl Edits {
    pub(in crate::oscar) fn begin(&mut self) -> Pass {
        self.open = true;
        Pass::Forward
    }

    pub(in crate::oscar) const fn end(&mut self) {
        self.open = false;
        self.due = None;
    }

    /// Whether the person just edited this contact: what comes back meanwhile is out of date.
    pub(in crate::oscar) fn touches(&self, address: &Address) -> bool {
        self.dirty.contains(address)
    }

    pub(in crate::oscar) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    pub(in crate::oscar) const fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Bytes that it takes.
    pub(in crate::oscar) fn weight(&self) -> usize {
        self.dirty.len() * PER_PERSON
    }

    /// Contacts whose edits can be told now: none while the transaction is open.
    pub(in crate::oscar) fn take_done(&mut self) -> BTreeSet<Address> {
        if self.open {
            return BTreeSet::new();
        }
        self.due = None;
        std::mem::take(&mut self.dirty)
    }

    fn touch(&mut self, address: &Address, now: Instant) {
        self.dirty.insert(address.clone());
        self.due = self.open.then_some(now + PATIENCE);
    }

    fn next_request(&mut self) -> u32 {
        self.requests = self.requests.wrapping_add(1) & 0xffff;
        OURS | self.requests
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Insert,
    Update,
    Delete,
}

/// Destination of an item of an edit.
enum Fate {
    /// To the server, in this form.
    Server(Item),
    /// No further; the client gets this code.
    Ours(u16),
}

impl Fate {
    const fn for_server(&self) -> Option<&Item> {
        match self {
            Self::Server(item) => Some(item),
            Self::Ours(_) => None,
        }
    }

    const fn code(&self) -> Option<u16> {
        match self {
            Self::Server(_) => None,
            Self::Ours(code) => Some(*code),
        }
    }
}

impl Session {
    /// Takes 13/08, 13/09 or 13/0a from the client.
    pub(in crate::oscar) fn edit(&mut self, snac: &Snac, io: &mut Io<'_>) -> Result<Pass, Fault> {
        let op = match snac.subtype {
            0x08 => Op::Insert,
            0x09 => Op::Update,
            _ => Op::Delete,
        };
        if self.acks.is_full() {
            return Err(Fault::server("it leaves edits of the list unanswered"));
        }
        let (items, whole) = Item::read_some(&snac.body);
        if whole.is_err() {
            return self.refuse_cut_edit(&snac.body, &items, io);
        }
        self.make_groups(op, &items, io);
        self.record_own(op, &items, io);
        let fates: Vec<Fate> = items.iter().map(|item| self.fate(op, item, io)).collect();
        self.touch_renamed(io.now.instant);
        let pass = self.pass_on(snac, &items, &fates, io);
        if self.edits.dirty.len() >= MAX_DIRTY {
            self.edits.end();
        }
        self.publish_edits(io);
        Ok(pass)
    }

    /// Gives the server its part of an edit, and notes who answers it.
    fn pass_on(&mut self, snac: &Snac, items: &[Item], fates: &[Fate], io: &mut Io<'_>) -> Pass {
        let (now, request) = (io.now.instant, snac.request);
        let for_server: Vec<&Item> = fates.iter().filter_map(Fate::for_server).collect();
        if for_server.iter().copied().eq(items) {
            self.acks.expect(now, request, Answer::Server);
            return Pass::Forward;
        }
        io.withhold(Side::Server);
        let codes = fates.iter().map(Fate::code);
        if for_server.is_empty() {
            self.acks.expect(now, request, Answer::Gateway(codes.flatten().collect()));
        } else {
            let body = for_server.iter().fold(Writer::new(), |w, item| item.write(w)).bytes();
            self.tell_server(&Snac { body, ..snac.clone() }, io);
            self.acks.expect(now, request, Answer::Both(codes.collect()));
        }
        self.refund(snac.kind(), io);
        Pass::Done
    }

    /// An edit that cannot be read to its end passes only if nothing in it is foreign.
    fn refuse_cut_edit(&self, body: &[u8], items: &[Item], io: &mut Io<'_>) -> Result<Pass, Fault> {
        let rest = body.get(items.iter().map(Item::size).sum()..).unwrap_or_default();
        let is_own = items.iter().all(|item| self.is_servers(item, io));
        if is_own && !names_foreign(rest, |name| self.class_of(name, io)) {
            return Ok(Pass::Forward);
        }
        io.withhold(Side::Server);
        Err(Fault::client("a feedbag edit is cut short"))
    }

    fn is_servers(&self, item: &Item, io: &Io<'_>) -> bool {
        item.class == Class::Group
            || (self.book.shown(item.id).is_none()
                && self.class_of(&item.name, io) == NameClass::Own)
            || self.book.is_misplaced(item)
    }

    /// Notes what the server is about to know and what not, so that groups of the same request
    /// may name the one and must not name the other.
    fn record_own(&mut self, op: Op, items: &[Item], io: &Io<'_>) {
        for item in items.iter().filter(|_| op != Op::Delete) {
            let ours = item.class == Class::Group && self.book.is_virtual(item.id.group);
            if ours {
                continue;
            }
            if self.is_servers(item, io) {
                self.touch_if_renamed(item);
                self.book.record(item);
            } else {
                self.book.spend(item.id);
            }
        }
    }

    /// A group's new name changes what groups its foreign members are in.
    fn touch_if_renamed(&mut self, item: &Item) {
        let id = item.id.group;
        let renamed = self.book.group_name(id).is_some_and(|name| *name != item.name);
        if item.class == Class::Group && id != ROOT && renamed {
            self.edits.renamed.insert(id);
        }
    }

    /// Touches the members of the groups that an edit renamed, however often.
    fn touch_renamed(&mut self, now: Instant) {
        for group in std::mem::take(&mut self.edits.renamed) {
            self.book.members(group).for_each(|address| self.edits.touch(address, now));
        }
    }

    fn fate(&mut self, op: Op, item: &Item, io: &Io<'_>) -> Fate {
        if item.class == Class::Group && item.id.item == 0 {
            return self.group_fate(op, item);
        }
        if self.is_servers(item, io) {
            if op == Op::Delete {
                self.book.forget(item);
            }
            return Fate::Server(item.clone());
        }
        Fate::Ours(match op {
            Op::Insert => self.insert(item, io),
            Op::Update => self.update(item, io),
            Op::Delete => self.delete(item, io),
        })
    }

    /// A group of the server's goes there without its foreign members.
    fn group_fate(&mut self, op: Op, group: &Item) -> Fate {
        let id = group.id.group;
        if self.book.is_virtual(id) {
            if op == Op::Delete {
                self.book.drop_virtual(id);
            } else {
                self.touch_if_renamed(group);
                if !self.book.name_virtual(id, &group.name) {
                    return Fate::Ours(acks::FULL);
                }
            }
            return Fate::Ours(acks::OK);
        }
        let order = group.order();
        let known = self.book.order_for_server(id, &order);
        let group = if known == order { group.clone() } else { with_order(group, &known) };
        match op {
            Op::Delete => self.book.forget(&group),
            Op::Insert | Op::Update => self.book.record(&group),
        }
        Fate::Server(group)
    }

    fn insert(&mut self, item: &Item, io: &Io<'_>) -> u16 {
        let NameClass::Foreign(address) = self.class_of(&item.name, io) else {
            return acks::BAD_NAME;
        };
        let twin = |other: &Item| {
            let name = String::from_utf8_lossy(&item.name);
            other.id != item.id
                && other.class == item.class
                && (other.id.group == item.id.group || !is_named(other, &name))
        };
        if self.book.is_own(item.id) || self.book.of(&address).any(twin) {
            return acks::EXISTS;
        }
        let known = self
            .contacts
            .as_ref()
            .is_none_or(|c| c.contains_key(&address) || c.len() < MAX_CONTACTS);
        if !known || !self.book.has_room_for(&address, item) {
            return acks::FULL;
        }
        self.edits.touch(&address, io.now.instant);
        self.book.show(address, owned(item));
        acks::OK
    }

    /// Servers take a change of what is not there for an addition, and an addition of what is there
    /// for a change.
    fn update(&mut self, item: &Item, io: &Io<'_>) -> u16 {
        let Some(shown) = self.book.shown(item.id) else { return self.insert(item, io) };
        let address = shown.address.clone();
        let item = Item { name: shown.item.name.clone(), ..item.clone() };
        if !self.book.has_room_for(&address, &item) {
            return acks::FULL;
        }
        self.edits.touch(&address, io.now.instant);
        self.book.show(address, owned(&item));
        acks::OK
    }

    fn delete(&mut self, item: &Item, io: &Io<'_>) -> u16 {
        if let Some(shown) = self.book.hide(item.id) {
            self.edits.touch(&shown.address, io.now.instant);
        }
        acks::OK
    }

    /// An own buddy put into a group that only the client knows: the server learns of the group
    /// first, and the client does not see the answers.
    fn make_groups(&mut self, op: Op, items: &[Item], io: &mut Io<'_>) {
        if op == Op::Delete {
            return;
        }
        let mut wanted = BTreeSet::new();
        for item in items {
            if item.class != Class::Group
                && self.book.is_virtual(item.id.group)
                && self.is_servers(item, io)
            {
                wanted.insert(item.id.group);
            }
        }
        let made: Vec<Item> = wanted.iter().filter_map(|id| self.book.drop_virtual(*id)).collect();
        for group in &made {
            self.book.record(group);
        }
        for groups in packed(&made) {
            self.edit_behind(0x08, &groups, io);
        }
        if let Some(mut root) = self.book.group(ROOT).filter(|_| !made.is_empty()).cloned() {
            let mut order = root.order();
            order.extend(made.iter().map(|group| group.id.group));
            root.set_order(&order);
            self.book.record(&root);
            self.edit_behind(0x09, &[root], io);
        }
    }

    /// Edits the server's list behind the client's back.
    fn edit_behind(&mut self, subtype: u16, items: &[Item], io: &mut Io<'_>) {
        let request = self.edits.next_request();
        let body = items.iter().fold(Writer::new(), |w, item| item.write(w)).bytes();
        self.tell_server(&Snac::new(0x13, subtype, request, body), io);
        self.acks.expect(io.now.instant, request, Answer::Hidden);
    }
}

/// An item that does not hold on to the buffer it was read from.
fn owned(item: &Item) -> Item {
    let copy = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
    Item { name: copy(&item.name), attributes: copy(&item.attributes), ..item.clone() }
}
