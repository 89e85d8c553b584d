//! Foreign names: as clients are shown them, and in packets of the client, with the parts of those
//! packets that are for the server.

use std::borrow::Cow;

use crosstalk_core::{Address, Contact, NameClass, Names};

use super::context::Cx;
use super::wire::{Draft, Packet, key};
use crate::common;

/// The keys whose values are names of people.
const PEOPLE: [u32; 12] = [
    key::OTHER,
    key::SENDER,
    key::RECEIVER,
    key::BUDDY,
    key::HOST,
    key::INVITED_SEVERAL,
    key::INVITED,
    key::JOINS,
    key::DECLINES,
    key::LEAVES,
    key::IN_ROOM,
    key::ROOM_INVITED,
];
/// The keys whose values are words that somebody chose, or a secret: what looks like a name there is
/// none. Under any other key it is one, whatever the key is for.
const WORDS: [u32; 24] = [
    key::PROOF,
    key::TEXT,
    key::ERROR_TEXT,
    key::STATUS_TEXT,
    key::FILE,
    key::CONFERENCE,
    key::INVITATION,
    key::GROUP,
    key::NEW_GROUP,
    key::PROOF_2,
    key::ROOM,
    key::TOPIC,
    key::ROOM_TEXT,
    key::ROOM_ID,
    key::FIRST_NAME,
    key::FROM_GROUP,
    key::AUDIBLE_TEXT,
    key::LAST_NAME,
    key::TO_GROUP,
    key::COOKIE_Y,
    key::COOKIE_T,
    key::PROOF_3,
    1002,
    1003,
];
/// The longest value that is looked at under keys that are not known, in bytes.
const MAX_VALUE: usize = 256;
/// Keys that name the receivers of the packet.
const RECEIVERS: [u32; 5] =
    [key::RECEIVER, key::BUDDY, key::INVITED_SEVERAL, key::INVITED, key::ROOM_INVITED];

/// The most foreign people that one packet may name.
const MAX_FOREIGN: usize = 64;
/// The most bytes that become of a packet where each of them is told all of it.
const MAX_SPREAD: usize = 256 << 10;
/// Number of receivers that the longest packet, of 64 KiB, may be spread to.
const FEW: usize = 3;

/// Whether a packet of the client may be spread to the foreign people that it names: what one
/// says to many is repeated for each.
pub(super) fn is_bounded(packet: &Packet, cx: &Cx<'_>) -> bool {
    let names = || {
        let people = packet.pairs().filter(|(key, _)| PEOPLE.contains(key));
        people.flat_map(|(key, value)| parts(key, value))
    };
    // Most packets name so few that no length of a packet is too much.
    if names().count().max(packet.all(key::TO_GROUP).count()) <= FEW {
        return true;
    }
    // One more than may be is as good as all.
    let count =
        names().filter(|name| cx.class_of(name) != NameClass::Own).take(MAX_FOREIGN + 1).count();
    if count == 0 {
        return true;
    }
    // One person may move more than once.
    let count = count.max(packet.all(key::TO_GROUP).count());
    count <= MAX_FOREIGN && (count < 2 || count * packet.raw.len() <= MAX_SPREAD)
}

/// Whether a packet of the client names somebody foreign.
pub(super) fn names_foreign(packet: &Packet, cx: &Cx<'_>) -> bool {
    packet.pairs().any(|(key, value)| own_part(key, value, cx).is_none_or(|own| own != value))
}

/// The foreign people that a packet is for. `Err` is one that nobody can be.
pub(super) fn receivers(packet: &Packet, cx: &Cx<'_>) -> Vec<Result<Address, Vec<u8>>> {
    let pairs = packet.pairs().filter(|(key, _)| RECEIVERS.contains(key));
    let names = pairs.flat_map(|(key, value)| parts(key, value));
    let foreign = |name: &[u8]| match cx.class_of(name) {
        NameClass::Own => None,
        NameClass::Foreign(address) => Some(Ok(address)),
        NameClass::Nowhere => Some(Err(name.to_owned())),
    };
    names.filter_map(foreign).collect()
}

/// Gives the server what a packet says to own people. Returns false: the server is not to
/// have the packet as it is.
pub(super) fn pass_own_part(packet: &Packet, cx: &mut Cx<'_>) -> bool {
    let mut kept: Vec<(u32, Cow<'_, [u8]>)> = Vec::new();
    let mut in_foreign_entry = false;
    for (key, value) in packet.pairs() {
        match own_part(key, value, cx) {
            None => in_foreign_entry = kept.pop_if(|(last, _)| *last == key::BEGIN_ENTRY).is_some(),
            Some(_) if in_foreign_entry => in_foreign_entry = key != key::END_ENTRY,
            Some(own) => kept.push((key, own)),
        }
    }
    if kept.iter().any(|(key, _)| RECEIVERS.contains(key)) {
        let draft = Draft::new(packet.service, packet.status);
        let draft = kept.iter().fold(draft, |draft, (key, value)| draft.with(*key, value));
        cx.pass_on(draft, packet.style);
    }
    false
}

/// The names in a value.
fn parts(key: u32, value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(move |b| key == key::INVITED_SEVERAL && *b == b',')
}

/// Part of a value for the server: all but the names of foreign people. `None` where nothing is
/// left.
fn own_part<'a>(key: u32, value: &'a [u8], cx: &Cx<'_>) -> Option<Cow<'a, [u8]>> {
    if !PEOPLE.contains(&key) {
        let may_name = !WORDS.contains(&key) && value.len() <= MAX_VALUE && value.contains(&b'@');
        let is_name = may_name && matches!(cx.class_of(value), NameClass::Foreign(_));
        return (!is_name).then(|| value.into());
    }
    let is_own = |name: &&[u8]| cx.class_of(name) == NameClass::Own;
    if parts(key, value).all(|name| is_own(&name)) {
        return Some(value.into());
    }
    let own: Vec<&[u8]> = parts(key, value).filter(is_own).collect();
    (!own.is_empty()).then(|| own.join(&b","[..]).into())
}

/// Spelling of `address` for Yahoo clients: its owner's, which they take if nothing in it separates
/// names in a list. `None` where they take no spelling.
pub(super) fn spelling(
    contact: Option<&Contact>,
    address: &Address,
    names: &Names,
) -> Option<String> {
    let separates = |c: char| matches!(c, ',' | '\n' | '\r');
    let is_taken = |name: &str| !name.contains(separates) && !name.trim().is_empty();
    common::spelling(contact, address, names, is_taken)
}
