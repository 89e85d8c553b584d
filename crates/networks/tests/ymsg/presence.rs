//! Presence in both directions.

use std::time::Duration;

use crosstalk_core::{Availability, Contact, Presence, Roster, Subscription, UnixMillis};

use crate::common::watched::Watched;
use crate::scene::{BOB, Scene, contact, listed, roster_of};

const NOW: u64 = 1_800_000_000_000;

fn away(text: &str) -> Presence {
    Presence { show: Availability::Away, text: text.into(), ..Presence::default() }
}

#[test]
fn foreign_contacts_come_go_and_are_away_in_the_words_of_old_versions() {
    let mut scene = Scene::signed_on(10, listed());
    scene.presence(Presence::available());
    scene.presence(away("tea & cake"));
    scene.presence(Presence::available());
    scene.presence(Presence::offline());
    let of = |service: &str| format!("{service}/1 0=ann 7={BOB} 10=");
    let expected = [
        of("01") + "0 11=0 17=0 13=1",
        of("03") + "99 11=0 19=tea_&_cake 97=1 47=1 17=0 13=1",
        of("04") + "0 11=0 17=0 13=1",
        format!("02/1 7={BOB} 10=0 11=0 17=0 13=0"),
    ];
    assert_eq!(scene.client_got(), expected);
}

#[test]
fn before_version_15_presence_waits_for_the_servers_first_status() {
    let online = format!("01/1 0=ann 7={BOB} 10=0 11=0 17=0 13=1");
    for server_greets in [true, false] {
        let mut scene = Scene::before_the_list(12, listed());
        scene.server("55/0 87= 88= 89=ann 3=ann");
        scene.forget();
        scene.presence(away("tea"));
        scene.presence(Presence::available());
        assert!(scene.client_got().is_empty());
        if server_greets {
            scene.server("1/0 0=ann 1=ann 8=0");
            assert_eq!(scene.client_got(), ["01/0 0=ann 1=ann 8=0", &online]);
        } else {
            scene.gateway.wait(Duration::from_secs(5));
            assert_eq!(scene.client_got(), [&*online]);
        }
        scene.server("1/1 0=ann 7=eve 10=0");
        assert_eq!(scene.client_got(), ["01/1 0=ann 7=eve 10=0"]);
    }
}

#[test]
fn since_version_15_presence_is_one_kind_of_packet() {
    let mut scene = Scene::signed_on(16, listed());
    let idle_since = Some(UnixMillis(NOW - 300_000));
    scene.presence(Presence { idle_since, ..Presence::available() });
    scene.presence(Presence { show: Availability::Busy, ..Presence::default() });
    let of =
        |rest: &str| format!("f0/1 0=ann 302=315 300=315 7={BOB} {rest} 17=0 13=1 301=315 303=315");
    let expected = [of("10=999 11=0 137=300"), of("10=2 11=0 47=1")];
    assert_eq!(scene.client_got(), expected);
}

#[test]
fn who_is_not_in_the_list_is_shown_as_soon_as_it_is() {
    let mut scene = Scene::signed_on(10, Roster::default());
    scene.presence(Presence::available());
    assert!(scene.client_got().is_empty());
    scene.changed(contact());
    assert!(scene.client_got().last().unwrap().starts_with(&format!("01/1 0=ann 7={BOB} 10=0")));
}

#[test]
fn the_persons_own_states_are_seen() {
    let mut scene = Scene::signed_on(16, Roster::default());
    for (packet, show, text, idle) in [
        ("c6/0 10=0 19= 47=0", Availability::Available, "", false),
        ("c6/0 10=99 97=1 19=gone_fishing 47=1", Availability::Away, "gone fishing", false),
        ("c6/0 10=99 97=1 19=here 47=0", Availability::Available, "here", false),
        ("c6/0 10=999 19= 47=2", Availability::Available, "", true),
        ("c6/0 10=2 19= 47=1", Availability::Busy, "Busy", false),
        ("c6/0 10=8 19= 47=1", Availability::Away, "Out to lunch", false),
        ("03/0 10=99 19=old_words 47=1", Availability::Away, "old words", false),
        ("04/0 10=0", Availability::Available, "", false),
    ] {
        scene.client(packet);
        assert_eq!(scene.server_got(), [packet]);
        let seen = scene.seen().unwrap();
        let idle_since = idle.then_some(UnixMillis(NOW));
        assert_eq!(
            seen,
            Presence { show, text: text.into(), idle_since, online_since: None },
            "{packet}"
        );
    }
}

#[test]
fn who_signs_on_is_there_at_once() {
    let mut scene = Scene::before_the_list(10, Roster::default());
    scene.accept();
    assert_eq!(scene.seen(), Some(Presence::available()));
}

#[test]
fn invisible_never_leaks() {
    let unseen = |scene: &Scene| scene.seen().is_none_or(|seen| !seen.is_online());
    let mut scene = Scene::before_the_list(16, Roster::default());
    scene.client("54/c 0=ann 1=ann");
    scene.accept();
    assert!(unseen(&scene), "signed on invisible");
    scene.client("c6/0 10=0 19= 47=0");
    scene.client("c6/0 10=999 19= 47=2");
    assert!(unseen(&scene), "a status under the cloak");
    scene.client("c5/0 13=1");
    assert!(scene.seen().unwrap().is_online());
    scene.client("c5/0 13=2");
    assert!(unseen(&scene));
    let mut scene = Scene::signed_on(9, Roster::default());
    scene.client("03/0 10=12 47=0");
    assert!(unseen(&scene), "the way of version 9");
    scene.client("04/0 10=0");
    assert!(scene.seen().unwrap().is_online());
}

#[test]
fn each_sees_what_the_person_lets_them_see() {
    let granted = |contact: Contact| Contact { from: Subscription::Granted, ..contact };
    let people = || {
        let eve = Contact::new("eve@far-oscar".parse().unwrap(), "eve@far-oscar.xt".into());
        roster_of([granted(contact()), granted(eve)])
    };
    let (both, bob, eve, nobody) = (
        &["bob@far-oscar", "eve@far-oscar"][..],
        &["bob@far-oscar"][..],
        &["eve@far-oscar"][..],
        &[][..],
    );
    let shown = |service: &str, to: &str, what: &str| {
        format!("{service}/0 1=ann 31={what} 302=319 300=319 7={to}@far-oscar.xt 301=319 303=319")
    };
    let mut scene = Scene::signed_on(16, people());
    let mut watched = Watched::online(&people());
    for (packet, sees) in [
        (shown("b9", "bob", "1 13=2"), eve),
        (shown("b9", "bob", "2 13=2"), both),
        (format!("85/0 1=ann 7={BOB} 13=1"), eve),
        (format!("85/0 1=ann 7={BOB} 13=2"), both),
        // Invisible, but not to one of them.
        ("c5/0 13=2".into(), nobody),
        (shown("ba", "eve", "1 13=1"), eve),
        (shown("ba", "bob", "1 13=1"), both),
        ("c6/0 10=99 97=1 19=here 47=0".into(), both),
        (shown("ba", "eve", "2 13=1"), bob),
        (shown("ba", "bob", "2 13=1"), nobody),
        (shown("ba", "bob", "1 13=1"), bob),
        ("c5/0 13=1".into(), both),
        ("c5/0 13=2".into(), nobody),
    ] {
        scene.client(&packet);
        watched.hear(&scene.gateway.events);
        scene.gateway.events.clear();
        assert_eq!(watched.by(), sees, "{packet}");
        let foreign = scene.server_got().into_iter().find(|packet| packet.contains("far-oscar"));
        assert_eq!(foreign, None);
    }
}

#[test]
fn to_hide_from_somebody_for_good_tells_nobody_else_anything() {
    let friend = Contact { from: Subscription::Granted, ..contact() };
    let mut scene = Scene::signed_on(16, roster_of([friend]));
    scene.gateway.events.clear();
    for what in [1, 2] {
        let whom = format!("302=319 300=319 7={BOB} 301=319 303=319");
        scene.client(&format!("b9/0 1=ann 31={what} 13=2 {whom}"));
        assert_eq!(scene.said().len(), 1, "it is consent");
        assert_eq!(scene.seen(), None);
    }
}
