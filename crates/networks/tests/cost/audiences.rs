//! Changes of who sees a person, as many as fit into one read.

use crosstalk_core::{MAX_CONTACTS, Roster, Side};
use crosstalk_networks::oscar::wire::{Snac, Writer};

use crate::common::Gateway;
use crate::common::oracles::{memory_allowed, work_allowed};
use crate::counter::cost;
use crate::{oscar_scene as oscar, ymsg_scene as ymsg};

/// Bytes of one read.
const READ: usize = 64 * 1024;

fn friend(n: usize) -> String {
    format!("friend{n}@far-oscar.xt")
}

/// Fails where a read of these, as often as they fit, costs more than its size is worth.
fn assert_cheap(gateway: &mut Gateway, changes: &[u8]) {
    gateway.unwatched = true;
    let read = changes.repeat(READ / changes.len());
    let (cost, result) = cost(|| gateway.bytes(Side::Client, &read));
    result.unwrap();
    assert!(cost.bytes <= work_allowed(read.len()), "{cost:?}");
    assert!(cost.peak() <= memory_allowed(read.len()), "{cost:?}");
}

#[test]
fn changes_of_an_old_aim_clients_lists_cost_no_more_than_they_are_worth() {
    let mut scene = oscar::Scene::accepted(oscar::OFFICIAL, Roster::default());
    scene.client(Snac::new(1, 2, 9, bytes::Bytes::new()));
    for n in 0..MAX_CONTACTS {
        scene.client(Snac::new(9, 5, 1, Writer::new().short(friend(n)).bytes()));
    }
    let changes: Vec<u8> = [6, 5, 7, 8, 5]
        .into_iter()
        .flat_map(|kind| {
            let snac = Snac::new(9, kind, 1, Writer::new().short(friend(7)).bytes()).encode();
            Writer::new().u8(0x2a).u8(2).u16(1).long(&snac).bytes()
        })
        .collect();
    assert_cheap(&mut scene.gateway, &changes);
}

#[test]
fn changes_of_whom_a_hidden_yahoo_client_shows_itself_cost_no_more_than_they_are_worth() {
    let mut scene = ymsg::Scene::signed_on(16, Roster::default());
    let shown = |to: &str, what: &str| {
        format!("ba/0 1=ann 31={what} 13=1 302=319 300=319 7={to} 301=319 303=319")
    };
    scene.client("c5/0 13=2");
    for n in 0..MAX_CONTACTS {
        scene.client(&shown(&friend(n), "1"));
    }
    let lets = |sees: &str| format!("d6/0 1=ann 5={} 13={sees}", friend(8));
    let packets = [shown(&friend(7), "2"), lets("2"), shown(&friend(7), "1"), lets("1")];
    let changes: Vec<u8> =
        packets.iter().flat_map(|packet| ymsg::frame(16, Side::Client, packet)).collect();
    assert_cheap(&mut scene.gateway, &changes);
}
