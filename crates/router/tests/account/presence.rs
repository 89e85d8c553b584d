//! Tests of presence: who sees the person, and whom the person sees.

use std::time::Duration;

use crosstalk_core::{
    Audience, Availability, Consent, Contact, Event, Presence, Roster, Stamp, Subscription,
};
use crosstalk_router::{Effect, Fate, Input, Message, Ticket};

use crate::driven::{
    Driven, HERE, LAPTOP, PHONE, THERE, address, friend, mail_to, posts, roster, text,
};
use crate::state_updates::shown;

/// Presence that gateways are told.
fn told(effects: &[Effect<u32>]) -> Vec<(Ticket, Availability, Vec<String>)> {
    let told = |e: &Effect<u32>| match e {
        Effect::Send { ticket, message: Message::Presence { presence, to, .. }, .. } => {
            Some((*ticket, presence.show, to.iter().map(ToString::to_string).collect()))
        }
        _ => None,
    };
    effects.iter().filter_map(told).collect()
}

fn probes(alice: &mut Driven, by: &[&str]) -> Vec<Effect<u32>> {
    let by = by.iter().map(|name| address(name)).collect();
    alice.does(Input::Probe { at: THERE, by })
}

#[test]
fn who_may_see_is_told_at_once_and_of_every_change_in_one_message() {
    let mut alice = Driven::with([friend("bob@yahoo"), friend("carol@yahoo")]);
    let effects = probes(&mut alice, &["bob@yahoo", "carol@yahoo", "eve@yahoo"]);
    let both = vec!["bob@yahoo".to_owned(), "carol@yahoo".to_owned()];
    let now = told(&effects);
    assert_eq!((now.len(), now[0].1, &now[0].2), (1, Availability::Available, &both));
    alice.does(Input::Sent(now[0].0, Ok(Fate::Delivered)));
    let now = told(&alice.shows(LAPTOP, Availability::Away));
    assert_eq!((now.len(), now[0].1, &now[0].2), (1, Availability::Away, &both));
    // Nobody there any more: it is told no longer.
    alice.does(Input::Sent(now[0].0, Err(crosstalk_core::Failure::Offline)));
    assert!(told(&alice.shows(LAPTOP, Availability::Busy)).is_empty());
}

#[test]
fn a_gateway_that_could_not_be_told_is_told_what_is_then() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let now = told(&probes(&mut alice, &["bob@yahoo"]));
    alice.does(Input::Sent(now[0].0, Err(crosstalk_core::Failure::Unreachable)));
    alice.does(Input::Takes(LAPTOP, true));
    let again = told(&alice.waits(Duration::from_secs(3)));
    assert_eq!((again.len(), again[0].1), (1, Availability::Available));
}

#[test]
fn the_last_session_takes_the_person_offline() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    probes(&mut alice, &["bob@yahoo"]);
    alice.opens(PHONE, "phone");
    alice.shows(PHONE, Availability::Busy);
    assert_eq!(told(&alice.does(Input::Closed(PHONE))).len(), 0, "the laptop is more available");
    let effects = alice.does(Input::Closed(LAPTOP));
    assert_eq!(told(&effects)[0].1, Availability::Offline);
    assert!(effects.iter().any(|e| matches!(e, Effect::SignOff { .. })));
}

#[test]
fn who_was_refused_hears_so_again_but_not_before_another_gateway_may_have_granted_it() {
    let refused = Contact { from: Subscription::None, ..friend("bob@yahoo") };
    let mut alice = Driven::with([refused.clone()]);
    assert!(probes(&mut alice, &["bob@yahoo"]).is_empty());
    assert!(posts(&alice.waits(Duration::from_secs(2))).is_empty());
    let said = posts(&alice.waits(Duration::from_secs(2)));
    assert_eq!(said[0].1, crosstalk_core::Body::Contact(Consent::Revoke));

    let mut alice = Driven::with([refused]);
    probes(&mut alice, &["bob@yahoo"]);
    let mut granted = crosstalk_core::Roster::default();
    granted.put(friend("bob@yahoo"), crosstalk_core::Stamp { millis: 2, writer: 9 });
    alice.does(Input::Loaded(granted));
    assert!(posts(&alice.waits(Duration::from_secs(4))).is_empty());
}

#[test]
fn a_contact_that_arrives_is_asked_for_what_consent_allows() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let effects = alice.does(Input::Arrived(address("bob@yahoo"), THERE));
    let probe = Message::Probe { of: address("bob@yahoo"), by: address("alice@aol") };
    assert!(
        matches!(&effects[..], [Effect::Send { message, .. }] if *message == probe),
        "{effects:?}"
    );
    assert!(alice.does(Input::Arrived(address("eve@yahoo"), THERE)).is_empty());
}

#[test]
fn those_at_a_lost_gateway_are_offline() {
    let mut alice = Driven::with([friend("bob@yahoo"), friend("carol@yahoo")]);
    for (name, at) in [("bob@yahoo", THERE), ("carol@yahoo", HERE)] {
        let (of, presence) = (address(name), Presence::available());
        alice.does(Input::Presence { of, at, presence });
    }
    assert_eq!(mail_to(LAPTOP, alice.does(Input::Lost(THERE))).len(), 1, "Bob");
}

#[test]
fn gateways_whose_texts_nobody_took_hear_when_somebody_does() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    alice.does(Input::Takes(LAPTOP, false));
    alice.hears("bob@yahoo", text("hi"), 1);
    let now = told(&alice.does(Input::Takes(LAPTOP, true)));
    assert_eq!((now.len(), now[0].2.len()), (1, 0), "for nobody: it may try again");
    assert!(told(&alice.does(Input::Takes(LAPTOP, true))).is_empty());
}

#[test]
fn a_contact_that_arrives_is_asked_again_unless_it_is_being_asked() {
    let mut alice = Driven::with([]);
    let request = crosstalk_core::Body::Contact(Consent::Request("It is me".into()));
    let (ticket, _) = posts(&alice.says(LAPTOP, "bob@yahoo", request.clone())).remove(0);
    assert!(posts(&alice.does(Input::Arrived(address("bob@yahoo"), THERE))).is_empty());
    alice.does(Input::Sent(ticket, Ok(Fate::Delivered)));
    let said = posts(&alice.does(Input::Arrived(address("bob@yahoo"), THERE)));
    assert!(said.into_iter().map(|(_, body)| body).eq([request]));
}

/// Presence that each of some people sees, after what was told in this order.
fn seen(effects: &[Effect<u32>]) -> Vec<(String, Availability)> {
    let mut seen = std::collections::BTreeMap::new();
    for (_, show, to) in told(effects) {
        seen.extend(to.into_iter().map(|watcher| (watcher, show)));
    }
    seen.into_iter().collect()
}

fn only(names: &[&str]) -> Event {
    Event::Audience(Audience::only(names.iter().map(|name| address(name)).collect()))
}

#[test]
fn a_session_is_seen_by_its_audience_alone() {
    use Availability::{Available, Away, ExtendedAway, Offline};
    let people = ["bob@yahoo", "carol@yahoo"];
    let mut alice = Driven::with(people.map(friend));
    probes(&mut alice, &people);
    let at = |bob, carol| vec![("bob@yahoo".to_owned(), bob), ("carol@yahoo".to_owned(), carol)];
    let says = |alice: &mut Driven, event| seen(&alice.does(Input::Event(LAPTOP, event)));

    assert_eq!(says(&mut alice, only(&["bob@yahoo"])), [("carol@yahoo".to_owned(), Offline)]);
    assert_eq!(seen(&alice.shows(LAPTOP, Away)), [("bob@yahoo".to_owned(), Away)]);
    // Another session shows itself to all: each sees what there is for them.
    alice.opens(PHONE, "phone");
    assert_eq!(seen(&alice.shows(PHONE, ExtendedAway)), [("carol@yahoo".to_owned(), ExtendedAway)]);
    assert_eq!(seen(&alice.shows(LAPTOP, Available)), [("bob@yahoo".to_owned(), Available)]);
    assert_eq!(seen(&probes(&mut alice, &people)), at(Available, ExtendedAway));
    assert_eq!(seen(&alice.does(Input::Closed(PHONE))), [("carol@yahoo".to_owned(), Offline)]);
    // At once, both ways.
    let mut turned = says(&mut alice, only(&["carol@yahoo", "eve@yahoo"]));
    assert_eq!(turned, at(Offline, Available));
    turned = says(&mut alice, Event::Audience(Audience::everybody()));
    assert_eq!(turned, [("bob@yahoo".to_owned(), Available)]);
    assert!(says(&mut alice, Event::Audience(Audience::everybody())).is_empty());
}

#[test]
fn who_is_let_in_only_later_sees_what_the_audience_says_then() {
    let mut alice = Driven::with([
        friend("bob@yahoo"),
        Contact { from: Subscription::None, ..friend("carol@yahoo") },
    ]);
    probes(&mut alice, &["bob@yahoo", "carol@yahoo"]);
    alice.does(Input::Event(LAPTOP, only(&["bob@yahoo"])));
    let granted = alice.says(LAPTOP, "carol@yahoo", crosstalk_core::Body::Contact(Consent::Grant));
    assert_eq!(seen(&granted), [("carol@yahoo".to_owned(), Availability::Offline)]);
    let shown = alice.does(Input::Event(LAPTOP, only(&["bob@yahoo", "carol@yahoo"])));
    assert_eq!(seen(&shown), [("carol@yahoo".to_owned(), Availability::Available)]);
}

#[test]
fn clients_acknowledge_only_to_those_who_see_them() {
    let mut alice = Driven::with([friend("bob@yahoo"), friend("carol@yahoo")]);
    alice.does(Input::Event(LAPTOP, only(&["bob@yahoo"])));
    let receipt =
        || crosstalk_core::Body::Receipt { of: crosstalk_core::EnvelopeId(7), displayed: false };
    let leaves = |effects: Vec<Effect<u32>>| {
        effects.iter().any(|effect| matches!(effect, Effect::Locate { .. }))
    };
    assert!(leaves(alice.says(LAPTOP, "bob@yahoo", receipt())));
    assert!(!leaves(alice.says(LAPTOP, "carol@yahoo", receipt())));
}

/// The people that the driver is asked to find.
fn sought(effects: &[Effect<u32>]) -> Vec<(Ticket, String)> {
    let sought = |e: &Effect<u32>| match e {
        Effect::Locate { ticket, user } => Some((*ticket, user.to_string())),
        _ => None,
    };
    effects.iter().filter_map(sought).collect()
}

#[test]
fn a_contact_that_goes_offline_is_looked_for_once_since_it_may_be_back_unnoticed() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let shows = |presence| Input::Presence { of: address("bob@yahoo"), at: THERE, presence };
    alice.does(shows(Presence::available()));
    alice.does(shows(Presence::offline()));
    alice.does(shows(Presence::available()));
    alice.does(shows(Presence::offline()));
    let found = sought(&alice.waits(Duration::from_secs(3)));
    assert_eq!((found.len(), found[0].1.as_str()), (1, "bob@yahoo"));
    let probe = alice.does(Input::Located(found[0].0, vec![THERE]));
    let [Effect::Send { ticket, message: Message::Probe { .. }, .. }] = probe[..] else {
        panic!("{probe:?}")
    };
    // He is not, or not yet: he is said to be there, and looked for again.
    alice.does(Input::Sent(ticket, Err(crosstalk_core::Failure::Offline)));
    let found = sought(&alice.waits(Duration::from_secs(3)));
    alice.does(Input::Located(found[0].0, Vec::new()));
    assert!(sought(&alice.waits(Duration::from_mins(1))).is_empty());
}

/// Time passes in which Bob is said to be at a gateway that does not know of him. Returns how often
/// he is looked for.
fn looks_in_vain(alice: &mut Driven, probe: Vec<Effect<u32>>, time: Duration) -> usize {
    let (end, mut effects, mut count) = (alice.now.instant + time, probe, 0);
    loop {
        for effect in std::mem::take(&mut effects) {
            effects.extend(match effect {
                Effect::Send { ticket, .. } => {
                    alice.does(Input::Sent(ticket, Err(crosstalk_core::Failure::Offline)))
                }
                Effect::Locate { ticket, .. } => {
                    count += 1;
                    alice.does(Input::Located(ticket, vec![THERE]))
                }
                _ => Vec::new(),
            });
        }
        if effects.is_empty() {
            let next = alice.account.deadline().filter(|at| *at <= end);
            let Some(next) = next else { break };
            effects = alice.waits(next - alice.now.instant);
        }
    }
    alice.now.instant = end;
    count
}

#[test]
fn a_contact_who_is_not_where_he_is_said_to_be_is_looked_for_ever_more_seldom() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let arrives = || Input::Arrived(address("bob@yahoo"), THERE);
    let probe = alice.does(arrives());
    assert_eq!(looks_in_vain(&mut alice, probe, Duration::from_secs(7)), 2);
    assert_eq!(looks_in_vain(&mut alice, Vec::new(), Duration::from_secs(593)), 11);
    // News of him begins it anew.
    let probe = alice.does(arrives());
    assert_eq!(looks_in_vain(&mut alice, probe, Duration::from_secs(7)), 2);
    let shows = |presence| Input::Presence { of: address("bob@yahoo"), at: HERE, presence };
    alice.does(shows(Presence::available()));
    looks_in_vain(&mut alice, Vec::new(), Duration::from_mins(10));
    let left = alice.does(shows(Presence::offline()));
    assert_eq!(looks_in_vain(&mut alice, left, Duration::from_secs(5)), 2);
}

#[test]
fn a_contact_that_goes_offline_at_one_of_two_gateways_is_looked_for_as_well() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let bob = |at, show| {
        let presence = Presence { show, ..Presence::default() };
        Input::Presence { of: address("bob@yahoo"), at, presence }
    };
    alice.does(bob(HERE, Availability::Available));
    alice.does(bob(THERE, Availability::Away));
    // He looks the same, and may be back there unnoticed.
    let heard = alice.does(bob(THERE, Availability::Offline));
    assert_eq!(mail_to(LAPTOP, heard).len(), 0);
    let found = sought(&alice.waits(Duration::from_secs(3)));
    assert_eq!((found.len(), found[0].1.as_str()), (1, "bob@yahoo"));
    // What he was not is no news.
    alice.does(bob(THERE, Availability::Offline));
    assert!(sought(&alice.waits(Duration::from_mins(1))).is_empty());
}

#[test]
fn a_contact_who_may_be_seen_again_before_the_watch_has_ended_is_looked_for() {
    let is_watch = |e: &Effect<u32>| matches!(e, Effect::Watch { .. });
    let mut alice = Driven::new();
    let asked = Subscription::Asked("hello".into());
    alice.signs_on(roster([Contact { to: asked, ..friend("bob@yahoo") }]));
    let to = |to, millis| {
        let mut roster = Roster::default();
        roster.put(Contact { to, ..friend("bob@yahoo") }, Stamp { millis, writer: 9 });
        Input::Loaded(roster)
    };
    // The list changes elsewhere while it is loaded, and is loaded again before anything else.
    alice.does(Input::RosterChanged);
    alice.does(Input::RosterChanged);
    let ended = alice.does(to(Subscription::None, 2));
    assert!(ended.iter().any(|e| matches!(e, Effect::Load)) && !ended.iter().any(is_watch));
    let granted = alice.does(to(Subscription::Granted, 3));
    assert_eq!(sought(&granted)[0].1, "bob@yahoo");
    assert!(!granted.iter().any(is_watch), "nothing arrives: {granted:?}");
}

#[test]
fn what_is_heard_of_a_contact_between_two_watches_ends_with_the_second() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    // The list is being loaded when the last client goes, and another one is there at once.
    alice.does(Input::RosterChanged);
    alice.does(Input::Closed(LAPTOP));
    alice.opens(PHONE, "phone");
    let (of, at) = (address("bob@yahoo"), THERE);
    let heard = alice.does(Input::Presence { of, at, presence: Presence::available() });
    assert_eq!(shown(mail_to(PHONE, heard)), [("bob@yahoo".to_owned(), Availability::Available)]);
    // The watch ends with the place, so that nobody says when Bob leaves.
    let left = alice.does(Input::Loaded(Roster::default()));
    assert!(left.iter().any(|e| matches!(e, Effect::SignOff { watched } if watched.len() == 1)));
    alice.does(Input::Published);
    alice.does(Input::Loaded(Roster::default()));
    let watches = alice.does(Input::Published);
    assert!(watches.iter().any(|e| matches!(e, Effect::Watch { more, .. } if more.len() == 1)));
    assert_eq!(shown(mail_to(PHONE, watches)), [("bob@yahoo".to_owned(), Availability::Offline)]);
}

#[test]
fn those_at_a_gateway_that_was_lost_are_told_again_where_it_did_not_lose_this_one() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let now = told(&probes(&mut alice, &["bob@yahoo"]));
    alice.does(Input::Sent(now[0].0, Ok(Fate::Delivered)));
    alice.does(Input::Lost(THERE));
    assert!(told(&alice.shows(LAPTOP, Availability::Away)).is_empty());
    let again = told(&alice.waits(Duration::from_secs(21)));
    assert_eq!((again.len(), again[0].1), (1, Availability::Away));
    alice.does(Input::Sent(again[0].0, Err(crosstalk_core::Failure::Unreachable)));
    let again = told(&alice.waits(Duration::from_secs(21)));
    alice.does(Input::Sent(again[0].0, Ok(Fate::Delivered)));
    assert_eq!(told(&alice.shows(LAPTOP, Availability::Busy))[0].1, Availability::Busy);
}

#[test]
fn who_comes_and_goes_often_is_told_again_once() {
    let mut alice = Driven::with(["bob@yahoo", "carol@yahoo"].map(friend));
    for _ in 0..100 {
        for name in ["carol@yahoo", "bob@yahoo"] {
            alice.does(Input::Arrived(address(name), THERE));
            alice.does(Input::Left(address(name), THERE));
        }
    }
    let again = told(&alice.waits(Duration::from_secs(21)));
    let both = vec!["bob@yahoo".to_owned(), "carol@yahoo".to_owned()];
    assert_eq!((again.len(), &again[0].2), (1, &both));
}
