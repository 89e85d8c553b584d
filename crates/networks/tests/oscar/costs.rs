//! Bounds on the costs of clients, servers and other people: time in proportion to what they send,
//! and bounded memory.

use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{
    Body, Consent, Contact, Event, Failure, Presence, RichText, Roster, RosterEdit, Side,
};
use crosstalk_networks::oscar::wire::snac::MORE;
use crosstalk_networks::oscar::wire::{Class, Item, Reader, Snac, Writer};

use crate::common::assert_linear;
use crate::scene::*;

/// The most bytes that a session holds.
const MOST: usize = 2 << 20;

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

/// A list of so many foreign people, each in a group of its own.
fn many(count: usize) -> Roster {
    roster((0..count).map(|n| {
        let address = format!("friend{n}@far-oscar").parse().unwrap();
        let groups = vec![format!("Group {n}")];
        let spelling = format!("friend{n}@far-oscar.xt");
        Contact { listed: true, groups, ..Contact::new(address, spelling) }
    }))
}

fn item(name: String, group: u16, item: u16, class: Class) -> Item {
    Item::new(name.into_bytes(), group, item, class)
}

/// 03/04 with these names.
fn watch(names: impl IntoIterator<Item = String>) -> Snac {
    Snac::new(3, 4, 1, names.into_iter().fold(Writer::new(), Writer::short).bytes())
}

fn friend(n: usize) -> String {
    format!("friend{n}@far-oscar.xt")
}

fn codes(snac: &Snac) -> Vec<u16> {
    let mut reader = Reader::new(&snac.body);
    std::iter::from_fn(|| reader.u16().ok()).collect()
}

#[test]
fn what_waits_for_a_client_is_bounded_by_its_bytes() {
    let mut scene = Scene::accepted(LIBPURPLE, Roster::default());
    for _ in 0..100 {
        scene.deliver(
            "bob@far-oscar",
            Body::Text { text: "x".repeat(60_000).as_str().into(), auto: false },
        );
        let words = RichText::plain("x".repeat(60_000));
        scene.deliver("bob@far-oscar", Body::Contact(Consent::Request(words)));
    }
    assert!(scene.gateway.weight() < 600_000, "{}", scene.gateway.weight());
    let events = scene.events();
    let busy = |e: &&Event| {
        matches!(e, Event::Send(out)
            if matches!(out.body, Body::Undelivered { why: Failure::Busy, .. }))
    };
    assert!(events.iter().filter(busy).count() > 90, "whoever writes learns of it");
    let unshown = |e: &&Event| matches!(e, Event::Unshown(_));
    assert!(events.iter().filter(unshown).count() > 90, "whoever asks is shown in another way");
}

#[test]
fn what_is_remembered_of_a_servers_list_is_bounded_by_its_bytes() {
    let mut scene = Scene::accepted(LIBPURPLE, Roster::default());
    for n in 1..600 {
        let foreign = item(format!("{}@far-oscar.xt", "x".repeat(30_000)), 1, n, Class::Buddy);
        let group = item("g".repeat(15_000), n, 0, Class::Group);
        scene.server(Snac::new(0x13, 8, PUSHED, edit(8, PUSHED, &[foreign, group]).body));
        scene.forget();
    }
    let weight = scene.gateway.weight();
    assert!((100_000..MOST).contains(&weight), "{weight}");
}

#[test]
fn what_a_client_puts_on_its_list_is_bounded_by_its_bytes() {
    let mut scene = Scene::online(LIBPURPLE, friends(), Roster::default());
    let mut full = 0;
    for n in 1..1_500 {
        let alias = Writer::new().tlv(0x131, "x".repeat(3_500)).bytes();
        let buddy = item(friend(n.into()), 1, 0x100 + n, Class::Buddy).with(alias);
        scene.client(edit(8, n.into(), &[buddy]));
        full += scene.client_news().iter().filter(|s| codes(s) == [0x0c]).count();
        scene.server_got();
    }
    let weight = scene.gateway.weight();
    assert!((1 << 20..MOST).contains(&weight), "{weight}");
    assert!(full > 1_000, "and the client is told: {full}");
}

#[test]
fn a_group_of_ours_takes_no_name_without_bound() {
    let mut scene = Scene::online(LIBPURPLE, friends(), many(50));
    let mut full = 0;
    for n in 0..50 {
        let named = item("n".repeat(20_000), 0x7f01 + n, 0, Class::Group);
        scene.client(edit(9, n.into(), &[named]));
        full += scene.client_news().iter().filter(|s| codes(s) == [0x0c]).count();
    }
    assert_eq!(full, 49);
    assert!(scene.gateway.weight() < MOST / 4);
}

#[test]
fn whoever_is_watched_is_shown_once() {
    let mut scene = Scene::online(OFFICIAL, Vec::new(), many(500));
    scene.client(watch((0..500).map(friend)));
    for n in 0..500 {
        scene.presence_of(&format!("friend{n}@far-oscar"), Presence::available());
    }
    scene.forget();
    scene.client(watch([friend(7)]));
    assert_eq!(kinds(&scene.client_news()), [(3, 0x0b)]);
    scene.client(Snac::new(1, 2, 10, Bytes::new()));
    assert_eq!(kinds(&scene.client_news()), []);
}

#[test]
fn a_list_with_a_group_for_each_contact_is_merged_in_proportion() {
    let own = || (1..20_000).map(|n| item("own".into(), 1, n, Class::Buddy));
    assert_linear("a list", 500, |count| {
        let mut scene = Scene::accepted(LIBPURPLE, many(count));
        scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
        let items: Vec<Item> = friends().into_iter().chain(own().take(5 * count)).collect();
        // A frame holds no more.
        let packets = items.chunks(3_000);
        let last = packets.len() - 1;
        let packets = packets.enumerate().map(|(n, items)| {
            let flags = if n == last { 0 } else { MORE };
            Snac { flags, ..Snac::new(0x13, 6, 8, list(items.to_vec())) }
        });
        let packets: Vec<Snac> = packets.collect();
        timed(|| {
            for packet in packets {
                scene.server(packet);
            }
        })
    });
}

#[test]
fn every_contact_is_shown_though_ids_of_groups_run_out() {
    let mut scene = Scene::accepted(LIBPURPLE, many(600));
    scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
    scene.forget();
    scene.server(Snac::new(0x13, 6, 8, list(friends())));
    let got = scene.got(Side::Client);
    let lists = got.iter().map(|s| crosstalk_networks::oscar::wire::item::List::parse(&s.body));
    let items: Vec<Item> = lists.flat_map(|list| list.unwrap().items).collect();
    let foreign = items.iter().filter(|i| i.class == Class::Buddy && i.name.contains(&b'@'));
    assert_eq!(foreign.count(), 600);
}

#[test]
fn a_group_that_is_renamed_again_and_again_is_looked_at_once() {
    assert_linear("renames", 400, |count| {
        let contacts = (0..count).map(|n| {
            let address = format!("friend{n}@far-oscar").parse().unwrap();
            let groups = vec!["Friends".to_owned()];
            Contact { listed: true, groups, ..Contact::new(address, friend(n)) }
        });
        let mut scene = Scene::online(LIBPURPLE, friends(), roster(contacts));
        let renames = (0..count).map(|n| item(format!("G{n}"), 1, 0, Class::Group));
        let renames = edit(9, 1, &renames.collect::<Vec<_>>());
        let taken = timed(|| scene.client(renames));
        let last = format!("G{}", count - 1);
        let moved = scene.events().into_iter().filter(
            |e| matches!(e, Event::Roster(RosterEdit::List { groups, .. }) if groups[0] == last),
        );
        assert_eq!(moved.count(), count);
        taken
    });
}
