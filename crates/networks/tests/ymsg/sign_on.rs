//! Sign-on: the person whom the server challenged and accepted, whatever a client writes anywhere
//! and a server passes on.

use std::time::Duration;

use crosstalk_core::{Blame, Event, Fault, Input, Presence, Roster};

use crate::common::{Random, Shared};
use crate::scene::{BOB, Scene, listed, says};

fn signed_in(scene: &Scene) -> Vec<String> {
    let user = |event: &Event| match event {
        Event::SignedIn { user, .. } => Some(user.name().local().to_owned()),
        _ => None,
    };
    scene.gateway.events.iter().filter_map(user).collect()
}

/// A connection on which the client sent and the server answered these packets (`c:`, `s:`).
fn after(version: u16, packets: &[&str]) -> (Scene, Result<(), Fault>) {
    let mut scene = Scene::connected(version, &Shared::default(), listed());
    let play = |scene: &mut Scene| {
        packets.iter().try_for_each(|packet| match packet.split_at(2) {
            ("c:", packet) => scene.try_client(packet),
            (_, packet) => scene.try_server(packet),
        })
    };
    let result = play(&mut scene);
    (scene, result)
}

#[test]
fn without_every_step_of_a_sign_on_nobody_signs_in() {
    for packets in [
        &["s:57/1 1=ceo 94=x", "c:54/0 0=ceo 1=ceo", "s:55/0 87= 89=ceo"][..],
        &["c:57/0 1=ceo", "s:57/1 1=ceo 94=x", "s:55/0 87= 89=ceo"],
        &["c:57/0 1=ceo", "c:54/0 0=ceo 1=ceo", "s:1/0 0=ceo 1=ceo"],
        &[
            "c:57/0 1=ceo",
            "s:57/1 1=ceo",
            "c:54/0 0=ceo 1=ceo",
            "s:54/ffffffff 66=13",
            "s:55/0 89=ceo",
        ],
        &["c:57/0 1=ceo", "s:57/1 1=ceo", "c:54/0 0=ceo 1=mallory", "s:1/0 0=ceo 1=mallory"],
        &[
            "c:57/0 1=ceo",
            "s:57/1 1=ceo",
            "c:54/0 0=ceo 1=ceo",
            "s:6/1 1=ceo 4=ceo 5=ceo",
            "s:b/1 1=ceo",
        ],
    ] {
        let (mut scene, result) = after(10, packets);
        result.unwrap();
        scene.gateway.wait(Duration::from_secs(2));
        assert_eq!(signed_in(&scene), [""; 0], "{packets:?}");
    }
}

#[test]
fn a_server_that_accepts_somebody_else_ends_the_connection() {
    for (version, accepts) in [(10, "s:55/0 87= 89=ceo"), (16, "s:f0/1 0=ceo 1=ceo 8=0")] {
        let proof = ["c:57/0 1=mallory", "s:57/1 1=mallory 94=x", "c:54/0 0=mallory 1=mallory"];
        let (scene, result) = after(version, &[&proof[..], &[accepts]].concat());
        assert_eq!(result.unwrap_err().blame, Blame::Server);
        assert!(signed_in(&scene).is_empty() && scene.gateway.altered());
    }
}

#[test]
fn a_ticket_got_elsewhere_is_whose_the_server_says() {
    let proof = [
        "c:57/0 1=ann",
        "s:57/1 1=ann 94=x 13=2",
        "c:54/0 1=ann 0=ann 277=v 278=z 2=ann 2=1",
        "s:f1/0",
    ];
    let (mut scene, _) = after(16, &proof);
    scene.gateway.wait(Duration::from_secs(2));
    assert_eq!(signed_in(&scene), [""; 0], "the ticket may be anybody's");
    let (scene, _) = after(16, &[&proof[..], &["s:f0/1 0=ann 1=ann 8=0"]].concat());
    assert_eq!(signed_in(&scene), ["ann"]);
}

#[test]
fn nobody_signs_in_twice() {
    let mut scene = Scene::signed_on(10, listed());
    for packet in ["c:57/0 1=ceo", "s:57/1 1=ceo", "c:54/0 0=ceo 1=ceo", "s:55/0 87= 89=ceo"] {
        match packet.split_at(2) {
            ("c:", packet) => scene.client(packet),
            (_, packet) => scene.server(packet),
        }
    }
    scene.gateway.wait(Duration::from_secs(2));
    assert_eq!(signed_in(&scene), [""; 0]);
}

/// A client that lies in every field that it may send, at a server that knows it for Mallory,
/// says so, and passes on what it writes.
#[test]
fn no_lie_of_a_client_signs_it_in_as_somebody_else() {
    let mut random = Random(5050);
    for _ in 0..3_000 {
        let version = [9, 10, 12, 13, 15, 16][random.below(6)];
        let mut scene = Scene::connected(version, &Shared::default(), listed());
        for _ in 0..14 {
            let service = ["57", "54", "55", "1", "f0", "f1", "6", "4b"][random.below(8)];
            let keys = ["0", "1", "2", "3", "4", "5", "7", "87", "89", "109"];
            let lies: Vec<String> = (0..random.below(5))
                .map(|_| {
                    let name = ["ceo", "mallory"][random.below(2)];
                    format!(" {}={name}", keys[random.below(keys.len())])
                })
                .collect();
            let lies = lies.concat();
            if scene.try_client(&format!("{service}/0{lies}")).is_err() {
                break;
            }
            let answer = match random.below(5) {
                // It challenges whoever is named; only Mallory's proof is ever right.
                0 => format!("57/1 1={} 94=x", ["ceo", "mallory"][random.below(2)]),
                1 => "54/ffffffff 66=13".to_owned(),
                2 => format!("{}/1{lies} 4=ceo 5=mallory", ["6", "4b", "b", "f"][random.below(4)]),
                3 => "55/0 87= 89=mallory 3=mallory".to_owned(),
                _ => "f0/1 0=mallory 1=mallory 8=0".to_owned(),
            };
            if scene.try_server(&answer).is_err() {
                break;
            }
            scene.gateway.wait(Duration::from_millis(300));
        }
        assert!(signed_in(&scene).iter().all(|user| user == "mallory"));
    }
}

#[test]
fn a_client_takes_texts_once_it_has_its_list_and_is_greeted() {
    for version in [9, 12, 16] {
        let mut scene = Scene::before_the_list(version, None);
        scene.accept();
        assert!(!scene.gateway.takes_texts(), "the list waits for ours");
        scene.gateway.input(Input::Roster(Roster::default())).unwrap();
        assert!(scene.gateway.takes_texts());
    }
    let mut scene = Scene::before_the_list(9, Roster::default());
    scene.server("55/0 87= 88= 89=ann 3=ann");
    assert!(!scene.gateway.takes_texts(), "it forgets what it was told before its first status");
    scene.server("1/0 0=ann 1=ann 8=0");
    assert!(scene.gateway.takes_texts());
}

/// Packets that the client got where these happen in this order: the server's list (`A`) and first
/// status (`B`), the foreign list (`R`), a text (`T`) and a presence (`P`) of Bob's, and time
/// passes (`W`). `None` where somebody would be told something before the person is signed in.
fn in_order(version: u16, order: &str) -> Option<Vec<String>> {
    let mut scene = Scene::before_the_list(version, None);
    let mut waits = false;
    // The gateway keeps a text until the session takes it.
    let mut deliver = |scene: &mut Scene, comes: bool| {
        waits |= comes;
        if waits && scene.gateway.takes_texts() {
            waits = false;
            scene.deliver(says("a_text"));
        }
    };
    for step in order.chars() {
        let is_known = !signed_in(&scene).is_empty();
        match (step, version) {
            ('A', 10) => scene.server("55/0 87= 88= 89=ann 3=ann"),
            ('A', _) => scene.server("f1/0"),
            ('B', 10) => scene.server("1/0 0=ann 1=ann 8=0"),
            ('B', _) => scene.server("f0/1 0=ann 1=ann 8=0"),
            ('W', _) => scene.gateway.wait(Duration::from_secs(4)),
            _ if !is_known => return None,
            ('R', _) => scene.gateway.input(Input::Roster(listed())).unwrap(),
            ('T', _) => deliver(&mut scene, true),
            _ => scene.presence(Presence::available()),
        }
        deliver(&mut scene, false);
    }
    for _ in 0..3 {
        scene.gateway.wait(Duration::from_secs(4));
        deliver(&mut scene, false);
    }
    Some(scene.client_got())
}

fn orders(steps: &str) -> Vec<String> {
    if steps.is_empty() {
        return vec![String::new()];
    }
    let first = |at: usize| {
        let (step, rest) = (&steps[at..=at], [&steps[..at], &steps[at + 1..]].concat());
        orders(&rest).into_iter().map(move |order| format!("{step}{order}"))
    };
    (0..steps.len()).flat_map(first).collect()
}

#[test]
fn whatever_comes_first_the_client_ends_with_the_same() {
    let mut tried = 0;
    for (version, order) in [10, 16].into_iter().flat_map(|v| {
        // A server may also do without one of the two.
        let all = ["ABRTPW", "ARTPW", "BRTPW"].into_iter().flat_map(orders);
        all.map(move |order| (v, order))
    }) {
        let Some(got) = in_order(version, &order) else { continue };
        tried += 1;
        let places = |of: &dyn Fn(&str) -> bool| -> Vec<usize> {
            got.iter().enumerate().filter(|(_, packet)| of(packet)).map(|(at, _)| at).collect()
        };
        let texts = places(&|packet| packet.starts_with("06/"));
        assert_eq!(texts.len(), 1, "{version} {order}: {got:?}");
        let is_list = |packet: &str| ["55/", "f1/"].iter().any(|list| packet.starts_with(list));
        let lists = places(&|packet| is_list(packet) && packet.contains(BOB));
        assert!(!lists.is_empty(), "{version} {order}: {got:?}");
        let is_status =
            |packet: &str| ["01/1", "04/1", "f0/1"].iter().any(|s| packet.starts_with(s));
        let online = places(&|packet| {
            is_status(packet) && packet.contains(&format!("7={BOB}_10=0").replace('_', " "))
        });
        // With the first status of the server's, clients of before version 15 forget what was shown.
        let server = places(&|packet| packet.starts_with("01/0"));
        let last = lists.iter().chain(&server).max().copied();
        assert!(online.last().copied() > last, "{version} {order}: {got:?}");
    }
    assert!(tried > 300, "{tried}");
}
