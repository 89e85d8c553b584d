//! Presence, both ways, and questions about foreign people.

use std::collections::BTreeSet;

use bytes::Bytes;
use crosstalk_core::{
    Audience, Availability, Contact, Event, Presence, Roster, Subscription, UnixMillis,
};
use crosstalk_networks::oscar::wire::user::status_text;
use crosstalk_networks::oscar::wire::{Class, Item, Reader, Snac, UserInfo, Writer, find, message};

use crate::common::watched::Watched;
use crate::scene::*;

fn online() -> Scene {
    Scene::online(LIBPURPLE, friends(), roster([bob(&["Friends"])]))
}

fn info(snac: &Snac) -> UserInfo<'_> {
    UserInfo::read(&mut Reader::new(&snac.body)).unwrap()
}

#[test]
fn an_arrival_and_a_departure_are_what_clients_accept() {
    let mut scene = online();
    scene.presence(Presence::available());
    let arrival = Writer::new().short(BOB).u16(0).u16(4).tlv(1, [0, 0x10]).tlv(6, [0; 4]);
    let arrival = arrival.tlv(0x1e, [0; 4]).tlv(0x1d, [0, 2, 4, 0]).bytes();
    assert_eq!(scene.client_got(), [Snac::new(3, 0x0b, PUSHED, arrival)]);
    scene.presence(Presence::offline());
    let departure = Writer::new().short(BOB).u16(0).u16(1).tlv(1, [0, 0]).bytes();
    assert_eq!(scene.client_got(), [Snac::new(3, 0x0c, PUSHED, departure)]);
}

#[test]
fn away_text_idle_and_sign_on_time_are_shown() {
    let mut scene = online();
    let now = scene.gateway.now.wall.0;
    scene.presence(Presence {
        show: Availability::Away,
        text: "gone fishing".into(),
        idle_since: Some(UnixMillis(now - 600_000)),
        online_since: Some(UnixMillis(now - 7_200_000)),
    });
    let got = scene.client_got();
    let bob = info(&got[0]);
    assert_eq!(bob.tlv(1), Some(&[0, 0x30][..]));
    assert_eq!(bob.tlv(4), Some(&[0, 10][..]));
    assert_eq!(bob.tlv(3), Some(&(1_800_000_000u32 - 7200).to_be_bytes()[..]));
    assert_eq!(bob.tlv(0x1d), Some(&status_text("gone fishing")[..]));
}

#[test]
fn presence_waits_for_the_list_and_strangers_have_none() {
    let mut scene = Scene::accepted(LIBPURPLE, roster([bob(&[])]));
    scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
    scene.presence(Presence::available());
    scene.server(Snac::new(0x13, 6, 8, list(friends())));
    assert_eq!(kinds(&scene.client_got()), [(0x13, 6)]);
    scene.client(Snac::new(1, 2, 9, Bytes::new()));
    assert_eq!(kinds(&scene.client_got()), [(3, 0x0b)]);
    scene.presence_of("eve@far-oscar", Presence::available());
    assert!(scene.client_got().is_empty());
}

#[test]
fn a_partners_arrival_renews_its_wish_for_typing_notices() {
    let mut scene = online();
    scene.deliver("bob@far-oscar", crosstalk_core::Body::Text { text: "hi".into(), auto: false });
    scene.forget();
    scene.presence(Presence::available());
    let got = scene.client_got();
    assert_eq!(kinds(&got), [(3, 0x0b), (4, 7)]);
    assert!(got[1].body.ends_with(&[0, 0x0b, 0, 0]));
}

#[test]
fn questions_about_a_foreign_person_are_answered() {
    let mut scene = online();
    let ask = |scene: &mut Scene| {
        scene.client(Snac::new(2, 0x15, 0x30, Writer::new().u32(3).short(BOB).bytes()));
        scene.client_news().remove(0)
    };
    assert_eq!(ask(&mut scene), Snac::new(2, 1, 0x30, &[0, 4][..]), "not logged in");
    scene.presence(Presence {
        show: Availability::Away,
        text: "ушёл".into(),
        ..Presence::default()
    });
    scene.forget();
    let answer = ask(&mut scene);
    assert_eq!((answer.kind(), answer.request), ((2, 6), 0x30));
    let mut reader = Reader::new(&answer.body);
    assert_eq!(UserInfo::read(&mut reader).unwrap().name, BOB.as_bytes());
    let [profile, away] = [(1, 2), (3, 4)].map(|(mime, text)| {
        let [mime, text] = [mime, text].map(|kind| find(reader.rest(), kind).unwrap());
        message::decode_mime(mime, text)
    });
    assert!(profile.contains("bob@far-oscar") && away.contains("ушёл"));
    scene.client(Snac::new(2, 5, 0x31, Writer::new().u16(1).short(BOB).bytes()));
    assert_eq!(scene.client_news()[0].kind(), (2, 6));
    assert!(scene.server_got().is_empty());
}

fn told(scene: &mut Scene) -> Vec<Presence> {
    let presence = |event| if let Event::Presence(p) = event { Some(p) } else { None };
    scene.events().into_iter().filter_map(presence).collect()
}

#[test]
fn the_persons_own_state_is_told_and_still_reaches_the_server() {
    let mut scene = online();
    let away = Writer::new()
        .tlv(3, r#"text/aolrtf; charset="us-ascii""#)
        .tlv(4, "<HTML><BODY>gone <B>fishing</B></BODY></HTML>");
    let steps = [
        (Snac::new(2, 4, 1, away.bytes()), Availability::Away, "gone fishing"),
        (Snac::new(2, 4, 2, Writer::new().tlv(4, []).bytes()), Availability::Available, ""),
        (
            Snac::new(1, 0x1e, 3, Writer::new().tlv(0x1d, status_text("tea")).bytes()),
            Availability::Available,
            "tea",
        ),
        (
            Snac::new(1, 0x1e, 4, Writer::new().tlv(6, [0, 0, 0, 0x13]).bytes()),
            Availability::Busy,
            "tea",
        ),
        (
            Snac::new(1, 0x1e, 5, Writer::new().tlv(6, [0x10, 2, 1, 0]).bytes()),
            Availability::Offline,
            "",
        ),
    ];
    for (snac, show, text) in steps {
        scene.client(snac.clone());
        assert_eq!(scene.server_got(), std::slice::from_ref(&snac));
        let told = told(&mut scene);
        assert_eq!((told[0].show, told[0].text.text()), (show, text), "{snac:?}");
    }
}

#[test]
fn places_in_an_away_text_are_filled_in() {
    let mut scene = online();
    let away = Writer::new().tlv(3, "text/aolrtf").tlv(4, "Hi %n, it is %t, <B>%d</B>, 100%");
    scene.client(Snac::new(2, 4, 1, away.bytes()));
    let told = told(&mut scene);
    let mut shown = told[0].clone();
    shown.fill_in(&"dora@jabber".parse().unwrap());
    assert_eq!(shown.text.text(), "Hi dora, it is 08:00 UTC, 2027-01-15, 100%");
}

#[test]
fn idle_time_is_told_as_the_moment_it_began() {
    let mut scene = online();
    let now = scene.gateway.now.wall.0;
    scene.client(Snac::new(1, 0x11, 1, 600u32.to_be_bytes().to_vec()));
    assert_eq!(told(&mut scene)[0].idle_since, Some(UnixMillis(now - 600_000)));
    scene.client(Snac::new(1, 0x11, 2, 0u32.to_be_bytes().to_vec()));
    assert_eq!(told(&mut scene)[0].idle_since, None);
}

/// Bob and Eve, who may see Alice; only Bob is in her list.
fn watchers() -> Roster {
    let granted = |contact| Contact { from: Subscription::Granted, ..contact };
    let eve = "eve@far-oscar".parse().unwrap();
    roster([granted(bob(&["Friends"])), granted(Contact::new(eve, "eve@far-oscar.xt".into()))])
}

const BOTH: &[&str] = &["bob@far-oscar", "eve@far-oscar"];
const ONLY_BOB: &[&str] = &["bob@far-oscar"];
const ONLY_EVE: &[&str] = &["eve@far-oscar"];

/// Fails where others see Alice than these, or the server read a foreign name.
fn assert_seen(scene: &mut Scene, watched: &mut Watched, sees: &[&str], when: &str) {
    watched.hear(&scene.events());
    assert_eq!(watched.by(), sees, "{when}");
    for snac in scene.server_got() {
        assert!(!snac.body.windows(9).any(|part| part == b"far-oscar"), "{when}: {snac:?}");
    }
}

/// An item of the stored list that says who sees Alice.
fn privacy(mode: u8) -> Item {
    let mode = Writer::new().tlv(0xca, [mode]).bytes();
    Item::new("", 0, 9, 4.into()).with(mode)
}

/// The server's answer to an edit of the stored list.
fn answer(request: u32, codes: &[u16]) -> Snac {
    let codes = codes.iter().fold(Writer::new(), |w, code| w.u16(*code)).bytes();
    Snac::new(0x13, 0x0e, request, codes)
}

#[test]
fn each_sees_what_the_mode_of_the_stored_list_lets_them_see() {
    const EVE: &str = "eve@far-oscar.xt";
    let named = |name: &'static str, item, class| Item::new(name, 0, item, class);
    let (insert, update, delete) = (8, 9, 10);
    for stored in [0, 4] {
        let mut own = friends();
        own.extend((stored > 0).then(|| privacy(stored)));
        let mut scene = Scene::online(LIBPURPLE, own, watchers());
        let mut watched = Watched::online(&watchers());
        let steps = [
            (insert, privacy(1), BOTH),
            (update, privacy(2), &[]),
            (update, privacy(3), &[]),
            (insert, named(EVE, 0x70, Class::Permit), ONLY_EVE),
            (insert, named(BOB, 0x71, Class::Permit), BOTH),
            (delete, named(EVE, 0x70, Class::Permit), ONLY_BOB),
            (update, privacy(5), ONLY_BOB),
            (update, privacy(4), BOTH),
            (insert, named(EVE, 0x72, Class::Deny), ONLY_BOB),
            (delete, named(EVE, 0x72, Class::Deny), BOTH),
            (update, privacy(2), &[]),
            (delete, privacy(2), BOTH),
        ];
        for (request, (kind, item, sees)) in (20..).zip(steps) {
            let when = format!("{kind}: {item:?}");
            scene.client(edit(kind, request, std::slice::from_ref(&item)));
            scene.server(answer(request, &[0]));
            assert_seen(&mut scene, &mut watched, sees, &when);
        }
    }
}

#[test]
fn a_mode_that_lets_more_people_see_the_person_counts_once_the_server_granted_it() {
    let mut own = friends();
    own.push(privacy(2));
    let mut scene = Scene::online(LIBPURPLE, own, watchers());
    let mut watched = Watched::online(&watchers());
    watched.hear(&[Event::Audience(Audience::only(BTreeSet::new()))]);
    let (insert, update, delete) = (8, 9, 10);
    let other = |mode| Item { id: Item::new("", 0, 10, 4.into()).id, ..privacy(mode) };
    let all = |kind, item: Item| (kind, vec![item]);
    let with_own = vec![buddy("DaveTB", 1, 0x51), privacy(1)];
    for (request, ((kind, items), codes, asked, then)) in (20..).zip([
        (all(update, privacy(1)), &[0x0a][..], &[][..], &[][..]),
        (all(update, privacy(1)), &[0], &[], BOTH),
        // Nobody knows whether the server hides her: here it does at once.
        (all(update, privacy(2)), &[0x0a], &[], BOTH),
        (all(update, privacy(2)), &[0], &[], &[]),
        // Each item has a code of its own, and some servers give one for all.
        ((update, with_own.clone()), &[0, 0x0a], &[], &[]),
        ((update, with_own.clone()), &[0x0a, 0], &[], BOTH),
        (all(update, privacy(5)), &[0], ONLY_BOB, ONLY_BOB),
        ((update, with_own), &[0], ONLY_BOB, BOTH),
        (all(update, privacy(2)), &[0], &[], &[]),
        // That of which it is not the mode.
        (all(delete, other(2)), &[0], &[], &[]),
        (all(delete, privacy(2)), &[0x0a], &[], &[]),
        (all(delete, privacy(2)), &[0], &[], BOTH),
        (all(insert, other(2)), &[0], &[], &[]),
        (all(delete, privacy(2)), &[0], &[], &[]),
        (all(delete, other(2)), &[0], &[], BOTH),
    ]) {
        let when = format!("{request}: {kind}, {codes:?}");
        scene.client(edit(kind, request, &items));
        assert_seen(&mut scene, &mut watched, asked, &format!("asked {when}"));
        scene.server(answer(request, codes));
        assert_seen(&mut scene, &mut watched, then, &when);
    }
    // One without a mode says nothing beside one with it, be it asked for or there already.
    let none = Item::new("", 0, 10, 4.into());
    for (request, (kind, item)) in
        (60..).zip([(insert, privacy(2)), (insert, none.clone()), (update, none.clone())])
    {
        scene.client(edit(kind, request, &[item]));
        scene.server(answer(request, &[0]));
        assert_seen(&mut scene, &mut watched, &[], &format!("{request}"));
    }
    scene.server(edit(update, PUSHED, &[none]));
    assert_seen(&mut scene, &mut watched, &[], "another session did");
    // Another session of hers deletes what holds no mode.
    scene.server(edit(update, PUSHED, &[privacy(2)]));
    scene.server(edit(delete, PUSHED, &[other(2)]));
    assert_seen(&mut scene, &mut watched, &[], "it holds still");
    scene.server(edit(delete, PUSHED, &[privacy(2)]));
    assert_seen(&mut scene, &mut watched, BOTH, "it is gone");
}

#[test]
fn a_mode_hides_the_person_before_the_list_is_there_and_through_other_sessions() {
    let mode = Writer::new().tlv(0xca, [2]).bytes();
    let mut own = friends();
    // Between others of its class that hold no mode.
    own.push(Item::new("", 0, 8, 4.into()));
    own.push(Item::new("", 0, 9, 4.into()).with(mode));
    own.push(Item::new("", 0, 10, 4.into()));
    for ready_first in [false, true] {
        let mut scene = Scene::accepted(LIBPURPLE, watchers());
        let mut watched = Watched::online(&watchers());
        watched.hear(&[Event::Presence(Presence::offline())]);
        scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
        if ready_first {
            scene.client(Snac::new(1, 2, 9, Bytes::new()));
            assert_seen(&mut scene, &mut watched, &[], "without a list");
        }
        scene.server(Snac::new(0x13, 6, 8, list(own.clone())));
        if !ready_first {
            scene.client(Snac::new(1, 2, 9, Bytes::new()));
        }
        assert_seen(&mut scene, &mut watched, &[], "with the list");
        let open = Writer::new().tlv(0xca, [1]).bytes();
        scene.server(edit(9, PUSHED, &[Item::new("", 0, 9, 4.into()).with(open)]));
        assert_seen(&mut scene, &mut watched, BOTH, "changed elsewhere");
    }
}

#[test]
fn each_sees_what_the_lists_of_an_old_client_let_them_see() {
    let names = |names: &[&str]| names.iter().fold(Writer::new(), |w, name| w.short(*name)).bytes();
    let (me, bob, eve) = ("AliceTB", "bob@far-oscar.xt", "eve@far-oscar.xt");
    let mut scene = Scene::accepted(OFFICIAL, watchers());
    scene.client(Snac::new(1, 2, 9, Bytes::new()));
    let mut watched = Watched::online(&watchers());
    for (request, (kind, listed, sees)) in (20..).zip([
        (5, &[me][..], &[][..]),
        (7, &[me], BOTH),
        (5, &["CarolTB"], &[]),
        (5, &["CarolTB", bob], ONLY_BOB),
        (0x0a, &[eve], BOTH),
        (0x0b, &[eve], ONLY_BOB),
        (6, &[bob], &[]),
        (7, &["CarolTB"], BOTH),
        (7, &[bob, "CarolTB"], ONLY_EVE),
        (8, &[bob], BOTH),
        (7, &[bob], ONLY_EVE),
        // Whom she denies she denies while she says who is permitted, too.
        (5, &["CarolTB"], &[]),
        (5, &[eve], ONLY_EVE),
        (5, &[bob], ONLY_EVE),
        (5, &[me], &[]),
        (7, &[me], BOTH),
    ]) {
        scene.client(Snac::new(9, kind, request, names(listed)));
        assert_seen(&mut scene, &mut watched, sees, &format!("{kind}: {listed:?}"));
    }
}
