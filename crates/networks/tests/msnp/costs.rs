//! Bounds on the costs of clients and servers: time in proportion to what they send, and bounded
//! memory.

use std::time::Instant;

use super::*;
use crate::common::assert_linear;

/// A list of so many foreign people.
fn many(count: usize) -> Roster {
    let mut roster = Roster::default();
    for n in 0..count {
        let address: Address = format!("friend{n}@far-oscar").parse().unwrap();
        let spelling = format!("friend{n}@far-oscar.xt");
        let groups = vec![format!("Group {n}")];
        let contact = Contact { listed: true, groups, ..Contact::new(address, spelling) };
        assert!(roster.put(contact, Stamp::default()));
    }
    roster
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

#[test]
fn a_payload_that_comes_byte_by_byte_is_read_once() {
    let line = |length: usize| format!("MSG {} {length}\r\n", "a ".repeat(4_000));
    assert_linear("a payload", 25_000, |length| {
        let mut ns = Scene::online(11, Roster::default()).ns;
        ns.bytes(Side::Client, line(length).as_bytes()).unwrap();
        timed(|| (0..length).for_each(|_| ns.bytes(Side::Client, b"x").unwrap()))
    });
}

#[test]
fn a_list_of_names_costs_what_it_is_long() {
    assert_linear("ADL", 400, |count| {
        let mut ns = Scene::signed_on(18, many(100)).ns;
        let names: String = (0..count)
            .fold(String::new(), |names, n| names + &format!("<c n='stranger{n}' l='3' t='1'/>"));
        let list = with_payload("ADL 9", &format!("<ml><d n='far-oscar.xt'>{names}</d></ml>"));
        timed(|| ns.bytes(Side::Client, list.as_bytes()).unwrap())
    });
}

#[test]
fn commands_that_name_contacts_by_guid_do_not_walk_the_list() {
    assert_linear("REM", 500, |count| {
        // As many contacts as commands: a walk for each would be a square.
        let mut ns = Scene::online(11, many(count)).ns;
        let commands: Vec<String> =
            (0..count).map(|n| format!("REM {n} FL 12345678-1234-1234-1234-{n:012}\r\n")).collect();
        timed(|| ns.bytes(Side::Client, commands.concat().as_bytes()).unwrap())
    });
}

#[test]
fn a_list_with_a_group_for_each_contact_is_merged_in_proportion() {
    assert_linear("a list", 500, |count| {
        let mut scene = Scene::signed_on(9, many(count));
        server(&mut scene.ns, "SYN 5 18 0 1");
        timed(|| server(&mut scene.ns, "LSG 0 Friends 0"))
    });
}

#[test]
fn a_client_lists_so_many_people_and_no_more() {
    let mut ns = Scene::signed_on(18, Roster::default()).ns;
    for round in 0..4 {
        let names = (0..1_000).fold(String::new(), |names, n| {
            names + &format!("<c n='stranger{round}x{n}' l='3' t='1'/>")
        });
        let list = with_payload("ADL 9", &format!("<ml><d n='far-oscar.xt'>{names}</d></ml>"));
        ns.bytes(Side::Client, list.as_bytes()).unwrap();
    }
    let lists = |e: &&Event| matches!(e, Event::Roster(RosterEdit::List { .. }));
    assert_eq!(ns.events.iter().filter(lists).count(), crosstalk_core::MAX_CONTACTS);
    let mut ns = Scene::online(11, many(crosstalk_core::MAX_CONTACTS)).ns;
    client(&mut ns, &format!("ADC 8 FL N={BOB} F=Bobby"));
    assert_eq!(text(ns.take(Side::Client)), "210 8\r\n");
}

#[test]
fn a_list_that_is_held_back_weighs_what_it_is() {
    let mut scene = Scene::signed_on(9, None);
    server(&mut scene.ns, "SYN 5 18 60000 1");
    let line = format!("LST {}", "a ".repeat(4_000));
    let mut sent = 0;
    while scene.ns.bytes(Side::Server, format!("{line}\r\n").as_bytes()).is_ok() {
        sent += line.len();
        assert!(scene.ns.weight() >= sent && scene.ns.weight() < 4 * sent + 4_096);
        assert!(scene.ns.weight() <= 1 << 20);
    }
    assert!(sent > 200_000);
}

#[test]
fn requests_that_wait_are_bounded_by_their_bytes() {
    let mut scene = Scene::signed_on(18, Roster::default());
    for _ in 0..100 {
        let words = RichText::plain("x".repeat(60_000));
        deliver(&mut scene.ns, Body::Contact(Consent::Request(words)));
    }
    assert!(scene.ns.weight() < 600_000, "{}", scene.ns.weight());
    let unshown = scene.ns.events.iter().filter(|e| matches!(e, Event::Unshown(_))).count();
    assert!(unshown > 90, "whoever cannot wait is asked about in another way: {unshown}");
}
