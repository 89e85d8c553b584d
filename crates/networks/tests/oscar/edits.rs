//! The client's edits of its stored list.

use bytes::Bytes;
use crosstalk_core::{Body, Consent, Contact, Event, Roster, RosterEdit};
use crosstalk_networks::oscar::wire::item::ALIAS;
use crosstalk_networks::oscar::wire::{Class, Item, Snac, Writer};

use crate::scene::*;

const BEGIN: u16 = 0x11;
const INSERT: u16 = 0x08;
const UPDATE: u16 = 0x09;
const DELETE: u16 = 0x0a;
const END: u16 = 0x12;

fn with_bob() -> Scene {
    let mut scene = Scene::online(LIBPURPLE, friends(), roster([bob(&["Friends"])]));
    scene.forget();
    scene
}

fn mark(subtype: u16) -> Snac {
    Snac::new(0x13, subtype, 1, Bytes::new())
}

fn edits<'a>(events: &'a [Event]) -> Vec<&'a RosterEdit> {
    let edit = |event: &'a Event| match event {
        Event::Roster(edit) => Some(edit),
        _ => None,
    };
    events.iter().filter_map(edit).collect()
}

fn ack(request: u32, codes: &[u16]) -> Snac {
    let body = codes.iter().fold(Writer::new(), |w, code| w.u16(*code)).bytes();
    Snac::new(0x13, 0x0e, request, body)
}

#[test]
fn a_foreign_buddy_is_added_without_the_servers_knowledge() {
    let mut scene = Scene::online(LIBPURPLE, friends(), Roster::default());
    scene.client(mark(BEGIN));
    scene.client(edit(INSERT, 0x29, &[buddy(BOB, 1, 2)]));
    assert_eq!(scene.client_news(), [ack(0x29, &[0])]);
    scene.client(edit(UPDATE, 0x2a, &[group("Friends", 1, &[1, 2])]));
    scene.client(mark(END));
    let got = scene.server_got();
    assert_eq!(kinds(&got), [(0x13, BEGIN), (0x13, UPDATE), (0x13, END)]);
    assert_eq!(items(&got[1])[0].order(), [1], "only members that the server knows");
    let events = scene.events();
    let [Event::Roster(RosterEdit::List { spelling, groups, .. }), Event::Send(request)] =
        &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((&spelling[..], &groups[..]), (BOB, &["Friends".to_owned()][..]));
    assert!(matches!(request.body, Body::Contact(Consent::Request(_))));
}

#[test]
fn a_request_about_both_is_parted_and_its_answer_joined() {
    let mut scene = Scene::online(LIBPURPLE, friends(), Roster::default());
    let work = group("Work", 2, &[1, 2]);
    scene.client(edit(INSERT, 5, &[work, buddy(BOB, 2, 1), buddy("DaveTB", 2, 2)]));
    let got = scene.server_got();
    let [work, dave] = &items(&got[0])[..] else { panic!("{got:?}") };
    assert_eq!((work.order(), &dave.name[..]), (vec![2], &b"DaveTB"[..]));
    scene.server(ack(5, &[0, 0x0c]));
    assert_eq!(scene.client_news(), [ack(5, &[0, 0, 0x0c])]);
}

#[test]
fn an_answer_of_ours_does_not_overtake_the_servers() {
    let mut scene = with_bob();
    scene.client(edit(UPDATE, 1, &[group("Friends", 1, &[1])]));
    scene.client(edit(UPDATE, 2, &[buddy(BOB, 1, 0x6001)]));
    assert!(scene.client_news().is_empty());
    scene.server(ack(1, &[0]));
    assert_eq!(scene.client_news(), [ack(1, &[0]), ack(2, &[0])]);
}

#[test]
fn a_move_changes_the_groups_and_asks_nobody() {
    let mut scene = with_bob();
    let there = group("Work", 2, &[3]);
    for snac in [
        mark(BEGIN),
        edit(DELETE, 3, &[buddy(BOB, 1, 0x6001)]),
        edit(INSERT, 4, &[there, buddy(BOB, 2, 3)]),
        edit(UPDATE, 5, &[group("Friends", 1, &[1])]),
    ] {
        scene.client(snac);
    }
    assert!(scene.events().is_empty(), "the transaction is open");
    scene.client(mark(END));
    let events = scene.events();
    let [RosterEdit::List { groups, .. }] = edits(&events)[..] else { panic!("{events:?}") };
    assert_eq!((events.len(), &groups[..]), (1, &["Work".to_owned()][..]));
}

#[test]
fn an_alias_is_kept_by_the_gateway() {
    let mut scene = with_bob();
    let attributes = Writer::new().tlv(ALIAS, "Bobby").bytes();
    scene.client(edit(UPDATE, 3, &[buddy(BOB, 1, 0x6001).with(attributes)]));
    assert_eq!(scene.client_news(), [ack(3, &[0])]);
    let events = scene.events();
    let [RosterEdit::List { alias, .. }] = edits(&events)[..] else { panic!("{events:?}") };
    assert_eq!(alias.as_deref(), Some("Bobby"));
    assert!(scene.server_got().is_empty());
}

#[test]
fn removing_a_buddy_with_others_leaks_no_id() {
    let mut scene = with_bob();
    scene.client(mark(BEGIN));
    scene.client(edit(DELETE, 3, &[buddy("CarolTB", 1, 1), buddy(BOB, 1, 0x6001)]));
    scene.client(edit(UPDATE, 4, &[group("Friends", 1, &[0x6001])]));
    scene.client(mark(END));
    let got = scene.server_got();
    assert_eq!(items(&got[1]), [buddy("CarolTB", 1, 1)]);
    assert_eq!(items(&got[2]), [group("Friends", 1, &[])]);
    let events = scene.events();
    assert_eq!(edits(&events), [&RosterEdit::Remove(bob_address())]);
}

#[test]
fn denying_a_foreign_person_is_a_block() {
    let mut scene = Scene::online(LIBPURPLE, friends(), Roster::default());
    let deny = Item::new(BOB, 0, 4, Class::Deny);
    scene.client(edit(INSERT, 3, std::slice::from_ref(&deny)));
    scene.client(edit(DELETE, 4, &[deny]));
    assert_eq!(scene.client_news(), [ack(3, &[0]), ack(4, &[0])]);
    let events = scene.events();
    let blocks = [RosterEdit::Block(bob_address(), true), RosterEdit::Block(bob_address(), false)];
    assert_eq!(edits(&events), blocks.iter().collect::<Vec<_>>());
    assert!(scene.server_got().is_empty());
}

#[test]
fn an_own_buddy_makes_a_group_of_ours_the_servers() {
    let mut scene = Scene::online(LIBPURPLE, friends(), roster([bob(&[])]));
    scene.client(edit(INSERT, 3, &[buddy("DaveTB", 0x7f01, 5)]));
    let got = scene.server_got();
    assert_eq!(kinds(&got), [(0x13, INSERT), (0x13, UPDATE), (0x13, INSERT)]);
    assert_eq!(items(&got[0]), [group("Other networks", 0x7f01, &[])]);
    assert_eq!(items(&got[1])[0].order(), [1, 0x7f01]);
    for snac in &got {
        scene.server(ack(snac.request, &[0]));
    }
    assert_eq!(scene.client_news(), [ack(3, &[0])], "the client asked once");
    scene.client(edit(UPDATE, 4, &[group("Other networks", 0x7f01, &[0x6001, 5])]));
    assert_eq!(items(&scene.server_got()[0])[0].order(), [5]);
}

#[test]
fn names_that_nobody_can_have_are_refused() {
    let mut scene = Scene::online(LIBPURPLE, friends(), Roster::default());
    scene.client(edit(INSERT, 3, &[buddy("bob@nowhere.xt", 1, 2)]));
    assert_eq!(scene.client_news(), [ack(3, &[0x0a])]);
    scene.client(edit(INSERT, 4, &[buddy(BOB, 1, 3)]));
    scene.client(edit(INSERT, 5, &[buddy("BOB@far-oscar", 1, 4)]));
    assert_eq!(scene.client_news(), [ack(4, &[0]), ack(5, &[3])], "one spelling a person");
    assert!(scene.server_got().is_empty());
}

#[test]
fn an_edit_cut_short_behind_a_foreign_name_ends_the_connection() {
    let mut scene = with_bob();
    let mut body = buddy("eve@far-oscar.xt", 1, 9).encode().to_vec();
    body.extend([0, 9, b'x']);
    let snac = Snac::new(0x13, INSERT, 3, body);
    let frame = crosstalk_networks::oscar::wire::flap::encode(
        crosstalk_networks::oscar::wire::Channel::Data,
        0x300,
        &snac.encode(),
    )
    .unwrap();
    let fault = scene.gateway.bytes(crosstalk_core::Side::Client, &frame).unwrap_err();
    assert_eq!(fault.blame, crosstalk_core::Blame::Client);
    assert!(scene.gateway.altered() && scene.server_got().is_empty());
}

#[test]
fn an_old_client_keeps_its_own_list() {
    let mut scene = Scene::accepted(OFFICIAL, Roster::default());
    let names = Writer::new().short("CarolTB").short(BOB).bytes();
    scene.client(Snac::new(3, 4, 11, names));
    let own = Writer::new().short("CarolTB").bytes();
    assert_eq!(scene.server_got(), [Snac::new(3, 4, 11, own)]);
    scene.client(Snac::new(1, 2, 12, Bytes::new()));
    let events = scene.events();
    assert!(matches!(edits(&events)[..], [RosterEdit::List { .. }]), "{events:?}");
    scene.forget();
    scene.client(Snac::new(3, 5, 13, Writer::new().short(BOB).bytes()));
    assert!(scene.server_got().is_empty());
    assert_eq!(edits(&scene.events()), [&RosterEdit::Remove(bob_address())]);
    scene.client(Snac::new(9, 7, 14, Writer::new().short(BOB).bytes()));
    assert_eq!(edits(&scene.events()), [&RosterEdit::Block(bob_address(), true)]);
    assert!(scene.server_got().is_empty());
}

#[test]
fn a_group_and_an_alias_in_eight_bits_are_one_group_and_one_alias() {
    let mut scene = Scene::online(LIBPURPLE, friends(), Roster::default());
    let named = Item::new(&b"Fr\xe9nde"[..], 5, 0, Class::Group);
    let alias = Writer::new().tlv(0x131, b"M\xe4ry").bytes();
    let mary = Item::new(BOB, 5, 9, Class::Buddy).with(alias);
    scene.client(mark(BEGIN));
    scene.client(edit(INSERT, 3, &[named.clone(), mary]));
    scene.client(mark(END));
    assert_eq!(items(&scene.server_got()[1]), std::slice::from_ref(&named));
    let events = scene.events();
    let [RosterEdit::List { alias, groups, .. }] = edits(&events)[..] else { panic!("{events:?}") };
    assert_eq!(
        (alias.as_deref(), &groups[..]),
        (Some("M\u{e4}ry"), &["Fr\u{e9}nde".to_owned()][..])
    );
    scene.forget();
    let contact = Contact { alias: alias.clone(), ..bob(&["Fr\u{e9}nde"]) };
    scene.changed(contact.clone());
    assert_eq!(scene.client_got(), [], "the client has it as it wrote it");
    // And when it signs on again.
    let mut scene = Scene::accepted(LIBPURPLE, roster([contact]));
    scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
    let stored = vec![group("", 0, &[5]), named.clone()];
    scene.server(Snac::new(0x13, 6, 8, list(stored)));
    let got = scene.client_got();
    let list = crosstalk_networks::oscar::wire::item::List::parse(&got[0].body).unwrap();
    let groups = list.items.iter().filter(|i| i.class == Class::Group && !i.name.is_empty());
    assert_eq!(groups.map(|g| &g.name[..]).collect::<Vec<_>>(), [&named.name[..]]);
    assert_eq!(list.items[2].id.group, 5);
}
