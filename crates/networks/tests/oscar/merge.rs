//! Foreign contacts in the stored list.

use bytes::Bytes;
use crosstalk_core::{Contact, Event, Input, Roster, RosterEdit};
use crosstalk_networks::oscar::wire::item::{ALIAS, List};
use crosstalk_networks::oscar::wire::snac::MORE;
use crosstalk_networks::oscar::wire::{Class, Item, ItemId, Snac, Writer};

use crate::scene::*;

fn ask(scene: &mut Scene) {
    scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
    scene.forget();
}

fn lists(scene: &mut Scene) -> Vec<(u16, List)> {
    let got = scene.client_got();
    assert!(kinds(&got).iter().all(|kind| *kind == (0x13, 6)));
    got.iter().map(|snac| (snac.flags, List::parse(&snac.body).unwrap())).collect()
}

#[test]
fn a_foreign_buddy_stands_in_the_list_the_client_gets() {
    let contact = crosstalk_core::Contact { alias: Some("Bobby".into()), ..bob(&["Friends"]) };
    let mut scene = Scene::accepted(LIBPURPLE, roster([contact]));
    ask(&mut scene);
    scene.server(Snac::new(0x13, 6, 8, list(friends())));
    let [(0, list)] = &lists(&mut scene)[..] else { panic!("one packet") };
    let [root, friends, carol, bob] = &list.items[..] else { panic!("{list:?}") };
    assert_eq!((root.order(), &carol.name[..]), (vec![1], &b"CarolTB"[..]));
    assert_eq!((&bob.name[..], bob.attribute(ALIAS)), (BOB.as_bytes(), Some(&b"Bobby"[..])));
    assert_eq!(friends.order(), [1, bob.id.item]);
    assert_eq!(list.changed, CHANGED, "the timestamp is kept");
}

#[test]
fn one_without_a_group_gets_a_group_of_ours() {
    let mut scene = Scene::accepted(LIBPURPLE, roster([bob(&[])]));
    ask(&mut scene);
    scene.server(Snac::new(0x13, 6, 8, list(friends())));
    let [(0, list)] = &lists(&mut scene)[..] else { panic!("one packet") };
    let [root, _, _, group, bob] = &list.items[..] else { panic!("{list:?}") };
    assert_eq!(root.order(), [1, 0x7f01]);
    assert_eq!(
        (&group.name[..], group.id),
        (&b"Other networks"[..], ItemId { group: 0x7f01, item: 0 })
    );
    assert_eq!((bob.id.group, group.order()), (0x7f01, vec![bob.id.item]));
}

#[test]
fn a_list_in_several_packets_is_merged_at_its_end() {
    let mut scene = Scene::accepted(LIBPURPLE, roster([bob(&["Friends"])]));
    ask(&mut scene);
    let mut first = friends();
    let second = vec![first.pop().unwrap()];
    let more = List { version: 0, items: first, changed: 0 }.encode();
    scene.server(Snac { flags: MORE, ..Snac::new(0x13, 6, 8, more) });
    assert!(scene.client_got().is_empty(), "held until the last packet");
    scene.server(Snac::new(0x13, 6, 8, list(second)));
    let [(MORE, first), (0, last)] = &lists(&mut scene)[..] else { panic!("two packets") };
    assert_eq!((first.changed, last.changed), (0, CHANGED));
    assert_eq!(first.items[1].order(), [1, last.items[1].id.item]);
}

#[test]
fn a_list_that_is_asked_for_again_is_merged_again() {
    let mut scene = Scene::online(LIBPURPLE, friends(), roster([bob(&["Friends"])]));
    scene.changed(crosstalk_core::Contact { alias: Some("Bobby".into()), ..bob(&["Friends"]) });
    for _ in 0..2 {
        ask(&mut scene);
        scene.server(Snac::new(0x13, 6, 8, list(friends())));
        let [(0, list)] = &lists(&mut scene)[..] else { panic!("one packet") };
        assert_eq!(list.items[3].attribute(ALIAS), Some(&b"Bobby"[..]));
    }
}

#[test]
fn one_who_went_before_the_client_was_ready_is_taken_out() {
    let mut scene = Scene::accepted(LIBPURPLE, roster([bob(&["Friends"])]));
    ask(&mut scene);
    scene.server(Snac::new(0x13, 6, 8, list(friends())));
    scene.changed(crosstalk_core::Contact { listed: false, ..bob(&[]) });
    scene.forget();
    scene.client(Snac::new(1, 2, 9, Bytes::new()));
    let got = scene.client_got();
    assert_eq!(kinds(&got), [0x11, 0x0a, 9, 0x12].map(|subtype| (0x13, subtype)));
}

#[test]
fn a_thousand_contacts_come_in_packets_that_clients_take() {
    let contacts = (0..1200).map(|i| {
        let address = format!("u{i}@far-oscar").parse().unwrap();
        let spelling = format!("u{i}@far-oscar.xt");
        crosstalk_core::Contact { listed: true, ..crosstalk_core::Contact::new(address, spelling) }
    });
    let mut scene = Scene::accepted(LIBPURPLE, roster(contacts));
    ask(&mut scene);
    scene.server(Snac::new(0x13, 6, 8, list(friends())));
    let lists = lists(&mut scene);
    assert!(lists.len() > 1 && lists.iter().all(|(_, list)| list.encode().len() < 10_000));
    assert!(lists.iter().rev().skip(1).all(|(flags, list)| *flags == MORE && list.changed == 0));
    let mut ids: Vec<_> = lists.iter().flat_map(|(_, l)| &l.items).map(|item| item.id).collect();
    assert_eq!(ids.len(), 3 + 1 + 1200);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3 + 1 + 1200, "no id twice");
}

#[test]
fn an_id_of_the_servers_is_never_taken() {
    let high =
        vec![group("", 0, &[0x7f01]), group("Mine", 0x7f01, &[]), buddy("X", 0x7f01, 0x6001)];
    let mut scene = Scene::accepted(LIBPURPLE, roster([bob(&["Mine"])]));
    ask(&mut scene);
    scene.server(Snac::new(0x13, 6, 8, list(high)));
    let [(0, list)] = &lists(&mut scene)[..] else { panic!("one packet") };
    assert_eq!(list.items[3].id, ItemId { group: 0x7f01, item: 0x6002 });
}

#[test]
fn a_cached_list_is_asked_for_whole() {
    // Whether there is anybody foreign or not: there may be soon, in a group of the list.
    for contacts in [Some(roster([bob(&[])])), Some(Roster::default()), None] {
        let mut scene = Scene::accepted(LIBPURPLE, contacts);
        scene.client(Snac::new(0x13, 5, 8, &b"\x6b\x02\x9b\xb7\0\x05"[..]));
        assert_eq!(scene.server_got(), [Snac::new(0x13, 4, 8, Bytes::new())]);
    }
}

#[test]
fn a_first_contact_added_by_a_client_with_a_cached_list_stays_in_its_group() {
    let mut scene = Scene::accepted(OFFICIAL, Roster::default());
    scene.client(Snac::new(0x13, 5, 8, &b"\x6b\x02\x9b\xb7\0\x05"[..]));
    let asked = scene.server_got().remove(0);
    scene.server(Snac::new(0x13, 6, asked.request, list(friends())));
    scene.client(Snac::new(1, 2, 9, Bytes::new()));
    scene.forget();
    scene.client(edit(0x08, 10, &[buddy(BOB, 1, 2)]));
    let events = scene.events();
    let Some(Event::Roster(crosstalk_core::RosterEdit::List { groups, .. })) = events.first()
    else {
        panic!("{events:?}")
    };
    assert_eq!(groups, &["Friends"]);
    scene.forget();
    scene.changed(bob(&["Friends"]));
    assert!(scene.client_got().is_empty());
}

#[test]
fn contacts_that_come_late_are_pushed() {
    let mut scene = Scene::accepted(LIBPURPLE, None);
    ask(&mut scene);
    scene.server(Snac::new(0x13, 6, 8, list(friends())));
    scene.server(Snac::new(4, 5, 9, Bytes::new()));
    assert!(scene.client_got().is_empty(), "the list waits, and what follows it");
    scene.wait(2);
    assert_eq!(kinds(&scene.client_got()), [(0x13, 6), (4, 5)]);
    scene.client(Snac::new(1, 2, 9, Bytes::new()));
    scene.forget();
    scene.gateway.input(Input::Roster(roster([bob(&["Friends"])]))).unwrap();
    let got = scene.client_got();
    assert_eq!(kinds(&got), [(0x13, 0x11), (0x13, 8), (0x13, 9), (0x13, 0x12)]);
    assert!(got.iter().all(|snac| snac.request == PUSHED));
    let [inserted] = &items(&got[1])[..] else { panic!("one item") };
    let [friends] = &items(&got[2])[..] else { panic!("one group") };
    assert_eq!((&inserted.name[..], friends.order()), (BOB.as_bytes(), vec![1, inserted.id.item]));
    assert!(scene.server_got().is_empty());
}

#[test]
fn a_change_made_elsewhere_is_pushed_once() {
    let mut scene = Scene::online(LIBPURPLE, friends(), Roster::default());
    scene.changed(bob(&[]));
    assert_eq!(kinds(&scene.client_got()), [(0x13, 0x11), (0x13, 8), (0x13, 9), (0x13, 0x12)]);
    scene.changed(bob(&[]));
    assert!(scene.client_got().is_empty());
    scene.changed(crosstalk_core::Contact { listed: false, ..bob(&[]) });
    let got = scene.client_got();
    assert_eq!(kinds(&got), [(0x13, 0x11), (0x13, 0x0a), (0x13, 9), (0x13, 0x12)]);
    assert_eq!(items(&got[1]).len(), 2, "the buddy and the empty group");
    assert_eq!(items(&got[2])[0].order(), [1]);
}

#[test]
fn an_edit_of_another_session_keeps_the_foreign_members() {
    let mut scene = Scene::online(LIBPURPLE, friends(), roster([bob(&["Friends"])]));
    scene.server(edit(0x08, PUSHED, &[buddy("DaveTB", 1, 2)]));
    scene.server(edit(0x09, PUSHED, &[group("Friends", 1, &[1, 2])]));
    let got = scene.client_got();
    assert_eq!(items(&got[1])[0].order(), [1, 2, 0x6001]);
}

#[test]
fn a_group_of_ours_that_another_session_makes_the_servers_is_no_news() {
    let mut scene = Scene::online(LIBPURPLE, friends(), roster([bob(&[])]));
    scene.server(edit(0x08, PUSHED, &[group("Other networks", 0x7f01, &[])]));
    let got = scene.client_got();
    assert_eq!((kinds(&got), items(&got[0])[0].order()), (vec![(0x13, 9)], vec![0x6001]));
}

#[test]
fn a_group_that_another_session_made_takes_the_place_of_ours_of_that_name() {
    let mut scene = Scene::online(LIBPURPLE, friends(), roster([bob(&["Work"])]));
    scene.server(edit(0x08, PUSHED, &[group("Work", 2, &[])]));
    let got = scene.client_got();
    assert_eq!(kinds(&got), [8, 0x11, 0x0a, 8, 9, 0x12].map(|s| (0x13, s)));
    let gone: Vec<u16> = items(&got[2]).iter().map(|item| item.id.group).collect();
    assert_eq!((gone, items(&got[3])[0].id.group), (vec![0x7f01, 0x7f01], 2));
}

#[test]
fn when_a_group_goes_its_foreign_members_stay() {
    let mut scene = Scene::online(LIBPURPLE, friends(), roster([bob(&["Friends"])]));
    scene.server(edit(0x0a, PUSHED, &[group("Friends", 1, &[])]));
    let got = scene.client_got();
    let inserted: Vec<Item> =
        got.iter().filter(|s| s.kind() == (0x13, 8)).flat_map(items).collect();
    assert_eq!((&inserted[0].name[..], inserted[0].class), (&b"Friends"[..], Class::Group));
    assert_eq!((&inserted[1].name[..], inserted[1].id.group), (BOB.as_bytes(), 0x7f01));
}

#[test]
fn signing_in_is_said_once_and_with_the_servers_word() {
    let mut scene = Scene::connected(LIBPURPLE, Roster::default());
    scene.server(Snac::new(1, 3, PUSHED, &b"\0\x01\0\x04"[..]));
    assert!(scene.events().is_empty());
    let alice = &b"\x08Alice TB\0\0\0\0"[..];
    scene.server(Snac::new(1, 0x0f, 6, alice));
    scene.server(Snac::new(1, 0x0f, 7, alice));
    let events = scene.events();
    let [Event::SignedIn { user, endpoint }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((user.name().to_string(), &endpoint[..]), ("alicetb@aol".to_owned(), LIBPURPLE));
}

#[test]
fn a_server_without_messages_is_left_alone() {
    let mut scene = Scene::connected(LIBPURPLE, Roster::default());
    scene.server(Snac::new(1, 3, PUSHED, &b"\0\x01\0\x0e"[..]));
    assert!(scene.gateway.opaque && !scene.gateway.altered());
}

#[test]
fn names_that_a_client_wrote_in_eight_bits_come_back_so() {
    let alias = |alias: &[u8]| Writer::new().tlv(ALIAS, alias).bytes();
    let own = |name: &'static [u8]| {
        let mut own = friends();
        own[2] = own[2].clone().with(alias(name));
        own
    };
    let mut scene = Scene::online(OFFICIAL, own(b"Ren\xe9e"), Roster::default());
    let group = Item::new(&b"Caf\xe9"[..], 9, 0, Class::Group);
    scene.client(edit(0x08, 3, std::slice::from_ref(&group)));
    scene.client(edit(0x08, 4, &[buddy(BOB, 9, 7).with(alias(b"M\xe4ry"))]));
    let events = scene.events();
    let Some(Event::Roster(RosterEdit::List { alias: named, groups, .. })) = events.first() else {
        panic!("{events:?}")
    };
    assert_eq!((named.as_deref(), &groups[..]), (Some("M\u{e4}ry"), &["Caf\u{e9}".to_owned()][..]));
    let contact = Contact { alias: named.clone(), ..bob(&["Caf\u{e9}"]) };
    // In a list that is written so, and in one in UTF-8.
    for (name, expected) in [
        (&b"Ren\xe9e"[..], [&b"Caf\xe9"[..], b"M\xe4ry"]),
        ("Ren\u{e9}e".as_bytes(), ["Caf\u{e9}", "M\u{e4}ry"].map(str::as_bytes)),
    ] {
        let mut scene = Scene::accepted(OFFICIAL, roster([contact.clone()]));
        ask(&mut scene);
        scene.server(Snac::new(0x13, 6, 8, list(own(name))));
        let [(0, list)] = &lists(&mut scene)[..] else { panic!("one packet") };
        let [_, _, _, group, bob] = &list.items[..] else { panic!("{list:?}") };
        assert_eq!([&group.name[..], bob.attribute(ALIAS).unwrap()], expected);
    }
}
