//! Who signs in: whom the server challenged and accepted, whatever a client writes anywhere and a
//! server passes on.

use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Blame, Event, Fault, Input, Lobby, Roster};

use crate::common::Random;
use crate::scene::{Scene, listed};

fn signed_in(scene: &Scene) -> Vec<String> {
    let user = |event: &Event| match event {
        Event::SignedIn { user, .. } => Some(user.name().local().to_owned()),
        _ => None,
    };
    scene.gateway.events.iter().filter_map(user).collect()
}

/// A connection on which the client sent and the server answered these packets (`c:`, `s:`).
fn after(version: u16, packets: &[&str]) -> (Scene, Result<(), Fault>) {
    let mut scene = Scene::connected(version, &Arc::new(Lobby::default()), listed());
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
        let mut scene = Scene::connected(version, &Arc::new(Lobby::default()), listed());
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
