//! The client's copy of the stored list, and the edits that change both.

use bytes::{Bytes, BytesMut};
use crosstalk_networks::oscar::wire::{Class, Item, Snac};

use crate::aim::{items, plain};

/// The group that new buddies are put into.
const GROUP: &str = "Buddies";
/// Ids from here on are chosen by gateways for what is not on the server.
const RESERVED: u16 = 0x7f00;

/// The list.
#[derive(Default)]
pub(super) struct Buddies(Vec<Item>);

impl Buddies {
    /// Takes the list as the server tells it; returns the buddies' names.
    pub(super) fn load(&mut self, items: Vec<Item>) -> Vec<String> {
        self.0 = items;
        self.0.iter().filter(|i| i.class == Class::Buddy).map(name).collect()
    }

    /// The buddies that were not there before an edit of another session.
    pub(super) fn put(&mut self, edit: &Bytes) -> Vec<String> {
        let mut new = Vec::new();
        for item in items(edit) {
            let known = self.0.iter_mut().find(|i| i.id == item.id && i.class == item.class);
            if let Some(known) = known {
                *known = item;
                continue;
            }
            if item.class == Class::Buddy {
                new.push(name(&item));
            }
            self.0.push(item);
        }
        new
    }

    /// The buddies that are gone after an edit of another session.
    pub(super) fn take(&mut self, edit: &Bytes) -> Vec<String> {
        let mut gone = Vec::new();
        for item in items(edit) {
            let before = self.0.len();
            self.0.retain(|i| i.id != item.id || i.class != item.class);
            if self.0.len() < before && item.class == Class::Buddy {
                gone.push(name(&item));
            }
        }
        gone
    }

    /// The transaction that adds a buddy: none where it is there already.
    pub(super) fn add(&mut self, name: &str) -> Vec<Snac> {
        if self.find(name, Class::Buddy).is_some() {
            return Vec::new();
        }
        let mut inserts = Vec::new();
        let group = self.group().unwrap_or_else(|| {
            let id = self.free(|i| i.id.group);
            let group = Item::new(GROUP, id, 0, Class::Group);
            inserts.push(group.clone());
            self.0.push(group);
            id
        });
        let buddy = Item::new(name.to_owned(), group, self.free(|i| i.id.item), Class::Buddy);
        inserts.push(buddy.clone());
        self.0.push(buddy);
        let mut edits = vec![edit(0x08, &inserts), edit(0x09, &[self.ordered(group)])];
        if inserts.len() > 1 {
            edits.push(edit(0x09, &[self.root()]));
        }
        transaction(edits)
    }

    /// The transaction that removes a buddy, wherever it stands.
    pub(super) fn remove(&mut self, name: &str) -> Vec<Snac> {
        let Some(buddy) = self.find(name, Class::Buddy).cloned() else { return Vec::new() };
        self.0.retain(|i| i.id != buddy.id || i.class != buddy.class);
        let group = self.ordered(buddy.id.group);
        transaction(vec![edit(0x0a, &[buddy]), edit(0x09, &[group])])
    }

    /// The edit that denies a name, or no longer.
    pub(super) fn deny(&mut self, name: &str, denied: bool) -> Vec<Snac> {
        match (self.find(name, Class::Deny).cloned(), denied) {
            (None, true) => {
                let id = self.free(|i| i.id.item);
                let item = Item::new(name.to_owned(), 0, id, Class::Deny);
                self.0.push(item.clone());
                vec![edit(0x08, &[item])]
            }
            (Some(item), false) => {
                self.0.retain(|i| i.id != item.id || i.class != item.class);
                vec![edit(0x0a, &[item])]
            }
            _ => Vec::new(),
        }
    }

    fn find(&self, name: &str, class: Class) -> Option<&Item> {
        let name = plain(name.as_bytes());
        self.0.iter().find(|i| i.class == class && plain(&i.name) == name)
    }

    /// The id of [`GROUP`], if there is one.
    fn group(&self) -> Option<u16> {
        let group = self.0.iter().find(|i| i.class == Class::Group && i.name == GROUP)?;
        Some(group.id.group)
    }

    /// The lowest id above those in use, as clients choose them.
    fn free(&self, id: impl Fn(&Item) -> u16) -> u16 {
        self.0.iter().map(id).filter(|id| *id < RESERVED).max().unwrap_or(0) + 1
    }

    /// A group's item with its members in order.
    fn ordered(&mut self, group: u16) -> Item {
        let members: Vec<u16> = self
            .0
            .iter()
            .filter(|i| i.class == Class::Buddy && i.id.group == group)
            .map(|i| i.id.item)
            .collect();
        self.reorder(group, &members)
    }

    /// The root's item with the groups in order.
    fn root(&mut self) -> Item {
        let groups: Vec<u16> = self
            .0
            .iter()
            .filter(|i| i.class == Class::Group && i.id.group != 0)
            .map(|i| i.id.group)
            .collect();
        self.reorder(0, &groups)
    }

    fn reorder(&mut self, group: u16, order: &[u16]) -> Item {
        let is_it = |i: &&mut Item| i.class == Class::Group && i.id.group == group;
        let known = self.0.iter_mut().find(is_it);
        let mut item =
            known.as_deref().cloned().unwrap_or_else(|| Item::new("", group, 0, Class::Group));
        item.set_order(order);
        match known {
            Some(known) => known.clone_from(&item),
            None => self.0.push(item.clone()),
        }
        item
    }
}

fn name(item: &Item) -> String {
    String::from_utf8_lossy(&item.name).into_owned()
}

/// One edit. Its request number is set when it is sent.
fn edit(subtype: u16, items: &[Item]) -> Snac {
    let body = items.iter().fold(BytesMut::new(), |mut body, item| {
        body.extend(item.encode());
        body
    });
    Snac::new(0x13, subtype, 0, body)
}

/// The edits between the frames that open and close a transaction.
fn transaction(mut edits: Vec<Snac>) -> Vec<Snac> {
    edits.insert(0, Snac::new(0x13, 0x11, 0, Bytes::new()));
    edits.push(Snac::new(0x13, 0x12, 0, Bytes::new()));
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(edits: &[Snac]) -> Vec<u16> {
        edits.iter().map(|e| e.subtype).collect()
    }

    #[test]
    fn the_first_buddy_brings_its_group_and_the_root() {
        let mut list = Buddies::default();
        assert_eq!(kinds(&list.add("bob")), [0x11, 0x08, 0x09, 0x09, 0x12]);
        assert_eq!(kinds(&list.add("carol")), [0x11, 0x08, 0x09, 0x12]);
        assert!(list.add("B ob").is_empty(), "names are compared as AIM does");
        assert_eq!(kinds(&list.remove("Bob")), [0x11, 0x0a, 0x09, 0x12]);
        assert_eq!(list.ordered(1).order(), [2]);
    }
}
