//! Tests of storage: the jobs and their order.

use crosstalk_core::{Event, Roster, RosterEdit};
use crosstalk_router::{Effect, Input};

use crate::driven::{Driven, LAPTOP, address, friend, roster};

/// Jobs asked of storage, in a word each.
fn jobs(effects: &[Effect<u32>]) -> Vec<&'static str> {
    let job = |e: &Effect<u32>| match e {
        Effect::Load => Some("load"),
        Effect::SignOn => Some("sign on"),
        Effect::Watch { .. } => Some("watch"),
        Effect::Save(_) => Some("save"),
        Effect::SignOff { .. } => Some("sign off"),
        _ => None,
    };
    effects.iter().filter_map(job).collect()
}

fn lists(alice: &mut Driven, name: &str) -> Vec<Effect<u32>> {
    let (address, spelling) = (address(name), format!("{name}.xt"));
    let edit = RosterEdit::List { address, spelling, alias: None, groups: Vec::new() };
    alice.does(Input::Event(LAPTOP, Event::Roster(edit)))
}

#[test]
fn the_list_is_known_before_others_hear_that_the_person_is_here() {
    let mut alice = Driven::new();
    assert_eq!(jobs(&alice.opens(LAPTOP, "laptop")), ["load"]);
    assert_eq!(jobs(&alice.does(Input::Loaded(roster([friend("bob@yahoo")])))), ["sign on"]);
    assert_eq!(jobs(&alice.does(Input::Published)), ["watch"]);
    // It may have changed elsewhere before the person was known to be here.
    assert_eq!(jobs(&alice.does(Input::Watched(Vec::new()))), ["load"]);
    assert_eq!(jobs(&alice.does(Input::Loaded(Roster::default()))), [""; 0]);
    assert_eq!(jobs(&alice.does(Input::Closed(LAPTOP))), ["sign off"]);
    assert!(!alice.account.is_over());
    alice.does(Input::Published);
    assert!(alice.account.is_over());
}

#[test]
fn who_comes_back_at_once_arrives_anew() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    alice.does(Input::Loaded(Roster::default()));
    assert_eq!(jobs(&alice.does(Input::Closed(LAPTOP))), ["sign off"]);
    assert_eq!(jobs(&alice.opens(LAPTOP, "laptop")), [""; 0], "one after the other");
    assert_eq!(jobs(&alice.does(Input::Published)), ["load"]);
    assert_eq!(jobs(&alice.does(Input::Loaded(Roster::default()))), ["sign on"]);
    assert_eq!(jobs(&alice.does(Input::Published)), ["watch"]);
}

#[test]
fn only_what_has_changed_is_saved() {
    let mut alice = Driven::with((0..500).map(|n| friend(&format!("f{n}@yahoo"))));
    alice.does(Input::Loaded(Roster::default()));
    let effects = lists(&mut alice, "bob@yahoo");
    let saved: Vec<_> = effects
        .iter()
        .filter_map(|e| match e {
            Effect::Save(roster) => Some(roster.contacts().count()),
            _ => None,
        })
        .collect();
    assert_eq!(saved, [1]);
}

#[test]
fn a_few_savings_wait_for_the_disk_and_then_many_changes_are_one() {
    let mut alice = Driven::with([]);
    alice.does(Input::Loaded(Roster::default()));
    for n in 0..4 {
        assert_eq!(jobs(&lists(&mut alice, &format!("f{n}@yahoo"))), ["save"]);
        alice.does(Input::Merged);
    }
    for n in 4..9 {
        assert_eq!(jobs(&lists(&mut alice, &format!("f{n}@yahoo"))), [""; 0]);
    }
    let effects = alice.does(Input::Saved);
    let is_all = |e: &Effect<u32>| matches!(e, Effect::Save(r) if r.contacts().count() == 5);
    assert!(effects.iter().any(is_all), "{effects:?}");
    // Who signs off meanwhile is not forgotten before all is saved.
    alice.does(Input::Merged);
    lists(&mut alice, "late@yahoo");
    alice.does(Input::Closed(LAPTOP));
    alice.does(Input::Published);
    assert!(!alice.account.is_over());
    assert_eq!(jobs(&alice.does(Input::Saved)), ["save"]);
    alice.does(Input::Merged);
    assert!(alice.account.is_over());
}
