//! Bounds on the costs of clients, servers and other people: time and answers in proportion to what
//! they send, and bounded memory.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Blame, Body, Consent, Contact, Event, Failure, RichText, Roster, RosterEdit, Side,
    Subscription,
};
use crosstalk_networks::ymsg::Ymsg;

use crate::common::{Gateway, assert_linear};
use crate::scene::{BOB, Scene, contact, frame, listed, roster_of, says};

/// The most bytes that are answered to one packet.
const MOST_ANSWERED: usize = 512 << 10;

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn friend(n: usize) -> Address {
    format!("friend{n}@far-oscar").parse().unwrap()
}

/// A list of so many foreign people.
fn many(count: usize) -> Roster {
    roster_of((0..count).map(|n| {
        let (spelling, groups) = (format!("friend{n}@far-oscar.xt"), vec!["Work".into()]);
        Contact { listed: true, groups, ..Contact::new(friend(n), spelling) }
    }))
}

/// `key=friend..` for so many.
fn named(key: u32, count: usize) -> String {
    (0..count).fold(String::new(), |mut all, n| {
        write!(all, " {key}=friend{n}@far-oscar.xt").unwrap();
        all
    })
}

#[test]
fn a_packet_names_so_many_foreign_people_and_no_more() {
    let mut scene = Scene::signed_on(16, Roster::default());
    scene.client(&format!("06/0 1=ann{} 14=hi", named(5, 64)));
    assert_eq!(scene.said().len(), 64);
    for packet in [
        format!("06/0 1=ann{} 14=hi", named(5, 65)),
        format!("83/0 1=ann 65=Work{}", named(7, 65)),
        format!("84/0 1=ann 65=Work{}", named(7, 65)),
        format!("85/0 1=ann 13=1{}", named(7, 65)),
        format!("18/0 1=ann 57=room{}", named(52, 65)),
        format!("4b/0 1=ann 49=TYPING 13=1{}", named(5, 65)),
    ] {
        let mut scene = Scene::signed_on(16, Roster::default());
        scene.try_client(&packet).unwrap_err();
        assert!(scene.said().is_empty() && scene.gateway.altered(), "nothing foreign gets out");
        assert!(scene.server_got().is_empty() && scene.client_got().is_empty());
    }
    let mut several = named(51, 65).replace(" 51=", ",");
    several.remove(0);
    let mut scene = Scene::signed_on(16, Roster::default());
    scene.try_client(&format!("18/0 1=ann 57=room 51={several}")).unwrap_err();
}

#[test]
fn what_is_repeated_for_each_person_is_bounded() {
    let long = "x".repeat(60_000);
    for packet in [
        format!("83/0 1=ann 65={long}{}", named(7, 64)),
        format!("85/0 1=ann 13={long}{}", named(7, 64)),
        format!("18/0 1=ann 57={long}{}", named(52, 64)),
        format!("e7/0 1=ann 7={BOB} 224={long}{}", " 264=Home".repeat(200)),
        format!("06/0 1=ann 429={long}{} 14=hi", named(5, 64)),
        format!("06/0 1=ann 14={long}{}", named(5, 64)),
    ] {
        let mut scene = Scene::signed_on(16, Roster::default());
        scene.try_client(&packet).unwrap_err();
        let answered = scene.gateway.take(Side::Client).len();
        assert!(answered <= MOST_ANSWERED && scene.said().is_empty(), "{answered}");
    }
    let mut scene = Scene::signed_on(16, listed());
    scene.client(&format!("06/0 1=ann 5={BOB} 14={long}"));
    assert_eq!(scene.said()[0].body, says(&long), "a long text to one is none of it");
}

#[test]
fn people_own_to_the_server_are_not_counted() {
    let own = (0..500).fold(String::new(), |all, n| format!("{all} 5=own{n}"));
    let mut scene = Scene::signed_on(16, listed());
    scene.client(&format!("06/0 1=ann{own} 5={BOB} 14=hi"));
    assert_eq!((scene.said().len(), scene.server_got().len()), (1, 1));
}

#[test]
fn what_waits_for_the_list_is_bounded_by_its_bytes() {
    let mut scene = Scene::before_the_list(16, None);
    for _ in 0..100 {
        scene.deliver(says(&"x".repeat(60_000)));
        let words = RichText::plain("x".repeat(60_000));
        scene.deliver(Body::Contact(Consent::Request(words)));
    }
    assert!(scene.gateway.weight() < 600_000, "{}", scene.gateway.weight());
    let busy = |body: &Body| matches!(body, Body::Undelivered { why: Failure::Busy, .. });
    assert!(scene.said().iter().filter(|s| busy(&s.body)).count() > 90);
    let unshown = scene.gateway.events.iter().filter(|e| matches!(e, Event::Unshown(_)));
    assert!(unshown.count() > 90, "whoever asks is shown in another way");
}

#[test]
fn a_list_of_nobody_is_held_back_no_further_than_strangers_may_wait() {
    let names = format!("302=318 65=Work{}", " 7=eve".repeat(1_000));
    let mut scene = Scene::before_the_list(16, None);
    let mut sent = 0;
    while scene.try_server(&format!("f1/0 {names}")).is_ok() {
        sent += names.len();
        assert!((sent / 2..64 << 10).contains(&scene.gateway.weight()) && sent < 1 << 20);
    }
    let fault = scene.try_server(&format!("f1/0 {names}")).unwrap_err();
    // By the session's own bound, or by the gateway's for those whom nobody accepted.
    assert_eq!(fault.blame, Blame::Server, "{fault}");
}

#[test]
fn names_of_messages_are_known_again_by_few_bytes() {
    let mut scene = Scene::signed_on(16, listed());
    for n in 0..100 {
        scene.client(&format!("06/0 1=ann 5={BOB} 14=hi 429={n}{}", "x".repeat(50_000)));
    }
    assert_eq!(scene.said().len(), 100);
    scene.client(&format!("06/0 1=ann 5={BOB} 14=hi 429=99{}", "x".repeat(50_000)));
    assert!(scene.said().is_empty());
    assert!(scene.gateway.weight() < 64 << 10, "{}", scene.gateway.weight());
}

#[test]
fn a_servers_list_is_read_in_proportion_and_kept_in_bounds() {
    assert_linear("a list", 1_000, |count| {
        let mut scene = Scene::before_the_list(10, Roster::default());
        let lines = (0..count).fold(String::new(), |all, n| format!("{all}G{}:own{n}\\n", n % 400));
        let packet = format!("55/0 87={lines} 89=ann");
        timed(|| scene.server(&packet))
    });
    let mut scene = Scene::signed_on(16, Roster::default());
    for n in 0..40 {
        let names =
            (0..300).fold(String::new(), |all, i| format!("{all} 7={n}x{i}{}", "y".repeat(150)));
        scene.server(&format!("f1/0 65=G{n}{names}"));
    }
    let weight = scene.gateway.weight();
    assert!((256 << 10..1 << 20).contains(&weight), "{weight}");
}

#[test]
fn of_a_list_that_is_too_long_nobody_is_lost() {
    let mut scene = Scene::before_the_list(10, listed());
    let names = (0..9_000).fold(String::new(), |all, n| format!("{all},{n}"));
    scene.server(&format!("55/0 87=Own:first{names}\\n 89=ann"));
    let got = scene.client_got().concat();
    assert!(got.contains(",8999") && got.contains(BOB));
    let friend = Contact { listed: true, ..Contact::new(friend(1), "friend1@far-oscar.xt".into()) };
    scene.changed(friend);
    assert!(!scene.client_got().concat().contains("87="), "the client keeps its whole list");
}

#[test]
fn packets_of_a_list_do_not_each_walk_ours() {
    assert_linear("packets", 300, |count| {
        let mut scene = Scene::before_the_list(16, many(count));
        scene.server("f0/1 0=ann 1=ann 8=0");
        timed(|| (0..count).for_each(|n| scene.server(&format!("f1/0 65=Own 7=own{n}"))))
    });
}

#[test]
fn a_move_does_not_walk_the_list() {
    assert_linear("moves", 200, |count| {
        let mut scene = Scene::signed_on(16, many(count));
        let packets: Vec<String> = (0..count)
            .map(|n| format!("e7/0 1=ann 7=friend{n}@far-oscar.xt 224=Work 264=Home"))
            .collect();
        let taken = timed(|| packets.iter().for_each(|packet| scene.client(packet)));
        let moved = |edit: &RosterEdit| matches!(edit, RosterEdit::List { groups, .. } if groups == &["Home"]);
        assert_eq!(scene.edited().iter().filter(|edit| moved(edit)).count(), count);
        taken
    });
}

#[test]
fn who_is_let_see_many_times_is_hidden_from_once() {
    let friend = Contact { from: Subscription::Granted, ..contact() };
    let mut scene = Scene::signed_on(16, roster_of([friend]));
    let mut read = Vec::new();
    for word in 0..8 {
        read.extend(frame(16, Side::Client, &format!("c6/0 10=99 97=1 19=w{word} 47=0")));
        for blocks in [1, 2].repeat(50) {
            let block = format!("85/0 1=ann 7={BOB} 13={blocks}");
            read.extend(frame(16, Side::Client, &block));
        }
    }
    scene.gateway.bytes(Side::Client, &read).unwrap();
    assert_eq!(scene.edited().len(), 8 * 100);
    let told = scene.gateway.events.iter().filter_map(|event| match event {
        Event::Presence(presence) => Some((presence.is_online(), presence.text.text())),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    let online = |word| (true, word);
    let expected =
        [online("w0"), online("w1"), online("w2"), online("w3"), (false, ""), online("w7")];
    assert_eq!(told, expected);
}

#[test]
fn a_full_desk_is_said_to_whoever_writes() {
    let mut scene = Scene::before_the_list(16, listed());
    scene.client("54/0 0=ann 1=ann 278=z=secret");
    scene.accept();
    scene.forget();
    let nick = "n".repeat(30_000);
    let body = format!("<ab><ct yi='{BOB}' nn='{nick}'/></ab>");
    let (mut book, length) = (Gateway::new(&Ymsg, &scene.shared, None), body.len());
    let edit = format!(
        "POST /yab/us HTTP/1.1\r\nCookie: T=z=secret\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let mut answer = || {
        book.bytes(Side::Client, edit.as_bytes()).unwrap();
        String::from_utf8(book.take(Side::Client)).unwrap()[9..12].to_owned()
    };
    assert_eq!([answer(), answer(), answer()], ["200", "200", "503"]);
    scene.gateway.hear();
    assert_eq!((scene.edited().len(), answer()), (2, "200".to_owned()), "and there is room again");
}

#[test]
fn those_who_see_the_person_while_invisible_weigh_what_their_names_do() {
    let mut scene = Scene::signed_on(16, listed());
    scene.client("c5/0 13=2");
    let before = scene.gateway.weight();
    let show = |scene: &mut Scene, what: u8| {
        for n in 0..100 {
            let who = format!("{}{n}@far-oscar.xt", "x".repeat(40));
            let whom = format!("302=319 300=319 7={who} 301=319 303=319");
            scene.client(&format!("ba/0 1=ann 31={what} 13=1 {whom}"));
        }
        scene.gateway.weight() - before
    };
    assert!(show(&mut scene, 1) > 100 * 2 * 40);
    assert!(show(&mut scene, 2) < 200, "nobody is left");
}
