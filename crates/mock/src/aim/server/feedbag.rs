//! Family 0013: the stored buddy list.

use bytes::Bytes;
use crosstalk_networks::oscar::wire::item::List;
use crosstalk_networks::oscar::wire::{Class, Item, Reader, Snac, Writer};

use super::setup::answer;
use super::state::{ServerState, unix_seconds};
use super::{locate, presence};
use crate::aim::{items, plain};

/// Outcomes of an edit, one for each item.
const DONE: u16 = 0x0000;
const NOT_FOUND: u16 = 0x0002;
const EXISTS: u16 = 0x0003;

/// The most items of each class, in order of class.
const LIMITS: [u16; 21] =
    [400, 61, 200, 200, 1, 1, 50, 0, 0, 3, 0, 0, 0, 128, 255, 20, 200, 1, 0, 1, 200];

pub(super) fn handle(state: &mut ServerState, id: u64, snac: &Snac) {
    match snac.subtype {
        0x02 => answer(state, id, snac, 0x03, rights()),
        0x04 => list(state, id, snac),
        0x05 => list_if_newer(state, id, snac),
        0x08..=0x0a => edit(state, id, snac),
        0x18 => locate::authorisation(state, id, snac, 0x19),
        0x1a => locate::authorisation(state, id, snac, 0x1b),
        _ => {}
    }
}

fn rights() -> Bytes {
    let limits: Vec<u8> = LIMITS.iter().flat_map(|limit| limit.to_be_bytes()).collect();
    Writer::new().tlv(0x04, limits).bytes()
}

fn list(state: &ServerState, id: u64, snac: &Snac) {
    let Some(user) = state.session(id).and_then(|s| state.user(&s.user)) else { return };
    let list = List { version: 0, items: user.items.clone(), changed: user.changed };
    answer(state, id, snac, 0x06, list.encode());
}

/// The client says when its copy changed and how many items it has.
fn list_if_newer(state: &ServerState, id: u64, snac: &Snac) {
    let Some(user) = state.session(id).and_then(|s| state.user(&s.user)) else { return };
    let mut reader = Reader::new(&snac.body);
    let cached = (reader.u32().unwrap_or_default(), reader.u16().unwrap_or_default());
    let count = u16::try_from(user.items.len()).unwrap_or(u16::MAX);
    if cached == (user.changed, count) {
        answer(state, id, snac, 0x0f, Writer::new().u32(cached.0).u16(cached.1).bytes());
    } else {
        list(state, id, snac);
    }
}

/// Applies an edit item by item, acknowledges it, and tells the user's other sessions.
fn edit(state: &mut ServerState, id: u64, snac: &Snac) {
    let Some(name) = state.session(id).map(|s| s.user.clone()) else { return };
    let items = items(&snac.body);
    let Some(user) = state.user_mut(&name) else { return };
    let outcomes: Vec<u8> = items
        .iter()
        .flat_map(|item| {
            let outcome = match snac.subtype {
                0x08 => insert(&mut user.items, item),
                0x09 => update(&mut user.items, item),
                _ => delete(&mut user.items, item),
            };
            outcome.to_be_bytes()
        })
        .collect();
    user.changed = unix_seconds().max(user.changed + 1);
    answer(state, id, snac, 0x0e, outcomes);

    for (_, other) in state.sessions_of(&name).filter(|(other, _)| *other != id) {
        other.push(snac.family, snac.subtype, snac.body.clone());
    }
    for item in &items {
        match item.class {
            Class::Buddy if snac.subtype == 0x08 => {
                presence::show(state, id, &plain(&item.name));
            }
            Class::Permit | Class::Deny | Class::Other(PRIVACY) => presence::changed(state, id),
            _ => {}
        }
    }
}

fn insert(items: &mut Vec<Item>, item: &Item) -> u16 {
    if items.iter().any(|i| i.id == item.id && i.class == item.class) {
        return EXISTS;
    }
    items.push(item.clone());
    DONE
}

fn update(items: &mut [Item], item: &Item) -> u16 {
    match items.iter_mut().find(|i| i.id == item.id && i.class == item.class) {
        Some(known) => {
            known.clone_from(item);
            DONE
        }
        None => NOT_FOUND,
    }
}

fn delete(items: &mut Vec<Item>, item: &Item) -> u16 {
    let before = items.len();
    items.retain(|i| i.id != item.id || i.class != item.class);
    if items.len() < before { DONE } else { NOT_FOUND }
}

/// The class of the item with the owner's privacy mode.
const PRIVACY: u16 = 4;
/// A TLV of that item: the mode.
const MODE: u16 = 0xca;

/// Whether `owner` lets `other` see or write.
pub(super) fn allows(state: &ServerState, owner: &str, other: &str) -> bool {
    let Some(user) = state.user(owner) else { return false };
    let has = |class| user.items.iter().any(|i| i.class == class && plain(&i.name) == other);
    let mode = user
        .items
        .iter()
        .find(|i| i.class == Class::Other(PRIVACY))
        .and_then(|i| i.attribute(MODE)?.first().copied());
    match mode {
        Some(1) => true,
        Some(2) => false,
        Some(3) => has(Class::Permit),
        Some(5) => has(Class::Buddy),
        _ => !has(Class::Deny),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_say_what_became_of_them() {
        let bob = || Item::new("bob", 1, 5, Class::Buddy);
        let mut items = Vec::new();
        assert_eq!(update(&mut items, &bob()), NOT_FOUND);
        assert_eq!(insert(&mut items, &bob()), DONE);
        assert_eq!(insert(&mut items, &bob()), EXISTS);
        assert_eq!(update(&mut items, &bob().with(&b"\x01\x31\0\x01B"[..])), DONE);
        assert_eq!(items[0].attribute(0x0131), Some(&b"B"[..]));
        assert_eq!(delete(&mut items, &bob()), DONE);
        assert_eq!(delete(&mut items, &bob()), NOT_FOUND);
    }
}
