//! Whatever is long is shown whole or not at all: no frame says more than it holds.

use bytes::Bytes;
use crosstalk_core::{Body, Consent, Contact, Event, Presence, RosterEdit};
use crosstalk_networks::oscar::wire::item::List;
use crosstalk_networks::oscar::wire::{Class, Item, Reader, Snac, UserInfo};

use crate::scene::*;

/// Longer than any field of a frame.
fn long() -> String {
    "\u{20ac}".repeat(21_840)
}

/// Checks that the bodies of what a client was told are what they say. Returns the items in them.
fn read(snacs: &[Snac]) -> Vec<Item> {
    let mut found = Vec::new();
    for snac in snacs {
        let mut reader = Reader::new(&snac.body);
        match snac.kind() {
            (0x13, 6) => {
                let list = List::parse(&snac.body).unwrap();
                assert_eq!(list.encode(), snac.body);
                found.extend(list.items);
            }
            (0x13, 8..=0x0a) => found.extend(items(snac)),
            (3, 0x0b | 0x0c) => assert!(UserInfo::read(&mut reader).is_ok() && reader.is_empty()),
            (0x13, 0x19) => {
                reader.short().unwrap();
                reader.long().unwrap();
                assert_eq!(reader.rest(), [0, 0]);
            }
            _ => {}
        }
    }
    found
}

#[test]
fn long_names_texts_and_requests_make_no_frame_that_is_cut() {
    let contact =
        |alias: &str, group: &str| Contact { alias: Some(alias.to_owned()), ..bob(&[group]) };
    for (alias, group) in [(&long()[..], "Friends"), ("Bob", &long()), (&long(), &long())] {
        let mut scene = Scene::accepted(LIBPURPLE, roster([contact(alias, group)]));
        scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
        scene.server(Snac::new(0x13, 6, 8, list(friends())));
        scene.client(Snac::new(1, 2, 10, Bytes::new()));
        let shown = read(&scene.client_got());
        let bobs = shown.iter().filter(|i| i.name == BOB && i.class == Class::Buddy).count();
        assert_eq!(bobs, 1, "shown without what is too long");
        scene.presence(Presence { text: (&long()[..]).into(), ..Presence::available() });
        scene.deliver("bob@far-oscar", Body::Contact(Consent::Request((&long()[..]).into())));
        let got = scene.client_got();
        read(&got);
        assert_eq!(kinds(&got), [(3, 0x0b), (0x13, 0x19)]);
    }
}

#[test]
fn a_full_packet_of_the_server_takes_more_packets_when_its_groups_grow() {
    let contacts = (0..2_000).map(|n| {
        let contact = Contact::new(
            format!("friend{n}@far-oscar").parse().unwrap(),
            format!("friend{n}@far-oscar.xt"),
        );
        Contact { listed: true, groups: vec!["Friends".into()], ..contact }
    });
    let mut scene = Scene::accepted(LIBPURPLE, roster(contacts));
    scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
    let mut own = friends();
    own.extend((0..3_300u16).map(|n| Item::new("CarolTBTB", 1, 2 + n, Class::Buddy)));
    let packet = list(own);
    assert!((60_000..65_000).contains(&packet.len()), "{}", packet.len());
    scene.server(Snac::new(0x13, 6, 8, packet));
    let shown = read(&scene.client_got());
    assert_eq!(shown.len(), 3 + 3_300 + 2_000);
    let friends = shown.iter().find(|item| item.name == "Friends").unwrap();
    assert_eq!(friends.order().len(), 1 + 2_000);
}

#[test]
fn an_alias_that_is_not_shown_stays_what_it_is() {
    let contact = Contact { alias: Some(long()), ..bob(&["Friends"]) };
    let mut scene = Scene::online(LIBPURPLE, friends(), roster([contact.clone()]));
    scene.changed(contact);
    assert_eq!(scene.client_got(), []);
    let moved = edit(8, 3, &[buddy(BOB, 1, 0x6001)]);
    scene.client(moved);
    let events = scene.events();
    let lost = |e: &&Event| matches!(e, Event::Roster(RosterEdit::List { alias: None, .. }));
    assert!(!events.iter().any(|event| lost(&event)), "{events:?}");
}
