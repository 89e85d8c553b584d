//! The client's edits of its stored list, the feedbag, told apart by whose items they are.

use std::collections::BTreeSet;
use std::time::Instant;

use bytes::Bytes;
use crosstalk_core::{Fault, NameClass, Side};

use super::acks::{self, Answer};
use super::feedbag::{ROOT, is_named, with_order};
use super::merge::packed;
use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::foreign_names::names_foreign;
use crate::oscar::verdict::Verdict;
use crate::oscar::wire::kinds::feedbag;
use crate::oscar::wire::snac::Kind;
use crate::oscar::wire::{Class, Item, Snac, Writer};

/// The most contacts that one transaction may change.
const MAX_DIRTY: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum EditKind {
    Insert,
    Update,
    Delete,
}

/// Destination of an item of an edit.
enum EditResult {
    /// The server gets it, in this form.
    Server(Item),
    /// No further; the client gets this code.
    Ours(u16),
}

impl EditResult {
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

impl Account {
    /// Takes 13/08, 13/09 or 13/0a from the client.
    pub(in crate::oscar) fn edit(
        &mut self,
        snac: &Snac,
        cx: &mut Cx<'_>,
    ) -> Result<Verdict, Fault> {
        let op = match snac.kind() {
            feedbag::INSERT_ITEMS => EditKind::Insert,
            feedbag::UPDATE_ITEMS => EditKind::Update,
            _ => EditKind::Delete,
        };
        if self.acks.is_full() {
            return Err(Fault::server("it leaves edits of the list unanswered"));
        }
        let (items, whole) = Item::read_some(&snac.body);
        if whole.is_err() {
            return self.refuse_cut_edit(&snac.body, &items, cx);
        }
        // Groups first: a server refuses an item in a group that it does not have.
        self.make_groups(op, &items, cx);
        // Before the items are judged: groups of the same request name what it inserts.
        self.record_own(op, &items, cx);
        let results: Vec<EditResult> =
            items.iter().map(|item| self.result_of(op, item, cx)).collect();
        self.touch_renamed(cx.now.instant);
        let verdict = self.pass_on(op, snac, (&items, &results), cx);
        if self.edits.dirty.len() >= MAX_DIRTY {
            self.edits.end();
        }
        self.publish_edits(cx);
        Ok(verdict)
    }

    /// Gives the server its part of an edit, and notes who answers it.
    fn pass_on(
        &mut self,
        op: EditKind,
        snac: &Snac,
        (items, results): (&[Item], &[EditResult]),
        cx: &mut Cx<'_>,
    ) -> Verdict {
        let (now, request) = (cx.now.instant, snac.request);
        let for_server: Vec<&Item> = results.iter().filter_map(EditResult::for_server).collect();
        for (place, item) in for_server.iter().enumerate() {
            self.feedbag.ask_mode((request, place), item, op != EditKind::Delete);
        }
        if for_server.iter().copied().eq(items) {
            self.acks.expect(now, request, Answer::Server);
            return Verdict::Forward;
        }
        cx.withhold(Side::Server);
        let codes = results.iter().map(EditResult::code);
        if for_server.is_empty() {
            self.acks.expect(now, request, Answer::Gateway(codes.flatten().collect()));
        } else {
            let body = for_server.iter().fold(Writer::new(), |w, item| item.write(w)).bytes();
            self.tell_server(&Snac { body, ..snac.clone() }, cx);
            self.acks.expect(now, request, Answer::Both(codes.collect()));
        }
        self.refund(snac.kind(), cx);
        Verdict::Done
    }

    /// An edit that cannot be read to its end passes only if nothing in it is foreign.
    fn refuse_cut_edit(
        &self,
        body: &[u8],
        items: &[Item],
        cx: &mut Cx<'_>,
    ) -> Result<Verdict, Fault> {
        let rest = body.get(items.iter().map(Item::size).sum()..).unwrap_or_default();
        let is_own = items.iter().all(|item| self.is_servers(item, cx));
        if is_own && !names_foreign(rest, |name| self.class_of(name, cx)) {
            return Ok(Verdict::Forward);
        }
        cx.withhold(Side::Server);
        Err(Fault::client("a feedbag edit is cut short"))
    }

    fn is_servers(&self, item: &Item, cx: &Cx<'_>) -> bool {
        item.class == Class::Group
            || (self.feedbag.shown(item.id).is_none()
                && self.class_of(&item.name, cx) == NameClass::Own)
            || self.feedbag.is_misplaced(item)
    }

    /// Notes what the server is about to know and what not, so that groups of the same request
    /// may name the one and must not name the other.
    fn record_own(&mut self, op: EditKind, items: &[Item], cx: &Cx<'_>) {
        for item in items.iter().filter(|_| op != EditKind::Delete) {
            let ours = item.class == Class::Group && self.feedbag.is_virtual(item.id.group);
            if ours {
                continue;
            }
            if self.is_servers(item, cx) {
                self.touch_if_renamed(item);
                self.feedbag.record(item);
            } else {
                self.feedbag.spend(item.id);
            }
        }
    }

    /// A group's new name changes what groups its foreign members are in.
    fn touch_if_renamed(&mut self, item: &Item) {
        let id = item.id.group;
        let renamed = self.feedbag.group_name(id).is_some_and(|name| *name != item.name);
        if item.class == Class::Group && id != ROOT && renamed {
            self.edits.renamed.insert(id);
        }
    }

    /// Touches the members of the groups that an edit renamed, however often.
    fn touch_renamed(&mut self, now: Instant) {
        for group in std::mem::take(&mut self.edits.renamed) {
            self.feedbag.members(group).for_each(|address| self.edits.touch(address, now));
        }
    }

    fn result_of(&mut self, op: EditKind, item: &Item, cx: &Cx<'_>) -> EditResult {
        if item.class == Class::Group && item.id.item == 0 {
            return self.group_result(op, item);
        }
        if self.is_servers(item, cx) {
            if op == EditKind::Delete {
                self.feedbag.forget(item);
            }
            return EditResult::Server(item.clone());
        }
        EditResult::Ours(match op {
            EditKind::Insert => self.insert(item, cx),
            EditKind::Update => self.update(item, cx),
            EditKind::Delete => self.delete(item, cx),
        })
    }

    /// A group of the server's goes there without its foreign members.
    fn group_result(&mut self, op: EditKind, group: &Item) -> EditResult {
        let id = group.id.group;
        if self.feedbag.is_virtual(id) {
            if op == EditKind::Delete {
                self.feedbag.drop_virtual(id);
            } else {
                self.touch_if_renamed(group);
                if !self.feedbag.name_virtual(id, &group.name) {
                    return EditResult::Ours(acks::FULL);
                }
            }
            return EditResult::Ours(acks::OK);
        }
        let order = group.order();
        let known = self.feedbag.order_for_server(id, &order);
        let group = if known == order { group.clone() } else { with_order(group, &known) };
        match op {
            EditKind::Delete => self.feedbag.forget(&group),
            EditKind::Insert | EditKind::Update => self.feedbag.record(&group),
        }
        EditResult::Server(group)
    }

    fn insert(&mut self, item: &Item, cx: &Cx<'_>) -> u16 {
        let NameClass::Foreign(address) = self.class_of(&item.name, cx) else {
            return acks::BAD_NAME;
        };
        // A name twice in a group makes clients loop, and one person in two spellings would be two.
        let twin = |other: &Item| {
            let name = String::from_utf8_lossy(&item.name);
            other.id != item.id
                && other.class == item.class
                && (other.id.group == item.id.group || !is_named(other, &name))
        };
        if self.feedbag.is_own(item.id) || self.feedbag.of(&address).any(twin) {
            return acks::EXISTS;
        }
        if !self.contacts.have_room_for(&address) || !self.feedbag.has_room_for(&address, item) {
            return acks::FULL;
        }
        self.edits.touch(&address, cx.now.instant);
        self.feedbag.show(address, owned(item));
        acks::OK
    }

    /// Servers take a change of what is not there for an addition, and an addition of what is there
    /// for a change.
    fn update(&mut self, item: &Item, cx: &Cx<'_>) -> u16 {
        let Some(shown) = self.feedbag.shown(item.id) else { return self.insert(item, cx) };
        let address = shown.address.clone();
        let item = Item { name: shown.item.name.clone(), ..item.clone() };
        if !self.feedbag.has_room_for(&address, &item) {
            return acks::FULL;
        }
        self.edits.touch(&address, cx.now.instant);
        self.feedbag.show(address, owned(&item));
        acks::OK
    }

    fn delete(&mut self, item: &Item, cx: &Cx<'_>) -> u16 {
        if let Some(shown) = self.feedbag.hide(item.id) {
            self.edits.touch(&shown.address, cx.now.instant);
        }
        acks::OK
    }

    /// An own buddy put into a group that only the client knows: the server learns of the group
    /// first, and the client does not see the answers.
    fn make_groups(&mut self, op: EditKind, items: &[Item], cx: &mut Cx<'_>) {
        if op == EditKind::Delete {
            return;
        }
        let mut wanted = BTreeSet::new();
        for item in items {
            if item.class != Class::Group
                && self.feedbag.is_virtual(item.id.group)
                && self.is_servers(item, cx)
            {
                wanted.insert(item.id.group);
            }
        }
        let made: Vec<Item> =
            wanted.iter().filter_map(|id| self.feedbag.drop_virtual(*id)).collect();
        for group in &made {
            self.feedbag.record(group);
        }
        for groups in packed(&made) {
            self.edit_behind(feedbag::INSERT_ITEMS, &groups, cx);
        }
        if let Some(mut root) = self.feedbag.group(ROOT).filter(|_| !made.is_empty()).cloned() {
            let mut order = root.order();
            order.extend(made.iter().map(|group| group.id.group));
            root.set_order(&order);
            self.feedbag.record(&root);
            self.edit_behind(feedbag::UPDATE_ITEMS, &[root], cx);
        }
    }

    /// Edits the server's list behind the client's back.
    fn edit_behind(&mut self, kind: Kind, items: &[Item], cx: &mut Cx<'_>) {
        let request = self.edits.next_request();
        let body = items.iter().fold(Writer::new(), |w, item| item.write(w)).bytes();
        self.tell_server(&Snac::of(kind, request, body), cx);
        self.acks.expect(cx.now.instant, request, Answer::Hidden);
    }
}

/// An item that does not hold on to the buffer it was read from.
fn owned(item: &Item) -> Item {
    let copy = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
    Item { name: copy(&item.name), attributes: copy(&item.attributes), ..item.clone() }
}
