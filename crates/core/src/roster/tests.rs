use super::*;
use crate::contact::{MAX_LABEL, Subscription};

fn contact(name: &str) -> Contact {
    let address: Address = name.parse().unwrap();
    Contact { listed: true, ..Contact::new(address, name.to_owned()) }
}

fn at(millis: u64) -> Stamp {
    Stamp { millis, writer: 1 }
}

/// Checks that the sums kept beside the entries are those of the entries.
fn is_summed_up(roster: &Roster) {
    let Roster { entries, sums } = roster;
    assert_eq!(Roster::of(entries.clone()).sums, *sums);
    let weights = roster.contacts().map(Contact::weight).sum::<usize>();
    assert_eq!((roster.weight(), roster.stamp()), (weights, sums.newest));
}

#[test]
fn sums_follow_every_change() {
    let mut roster = Roster::default();
    for n in 0..30 {
        roster.put(contact(&format!("u{}@aol", n % 7)), at(n));
        let alias = Some("a".repeat(n as usize));
        roster.put(Contact { alias, ..contact(&format!("v{n}@aol")) }, at(2 * n));
        if n % 3 == 0 {
            let mut gone = contact(&format!("v{n}@aol"));
            gone.listed = false;
            roster.put(gone, at(2 * n + 1));
        }
        is_summed_up(&roster);
    }
    let (low, high) = roster.halves().unwrap();
    let mut other = roster.clone();
    other.put(Contact { alias: Some("x".into()), ..contact("v1@aol") }, at(99));
    for part in [&low, &high, &other.beyond(&roster)] {
        is_summed_up(part);
    }
    assert!(roster.merge(other));
    is_summed_up(&roster);
    assert!(roster.drop_after(UnixMillis(50)));
    is_summed_up(&roster);
    roster.forget_removed();
    is_summed_up(&roster);
    roster.wipe(at(20));
    is_summed_up(&roster);
}

#[test]
fn merge_keeps_adds_and_removes_of_both_sides() {
    let mut left = Roster::default();
    left.put(contact("a@aol"), at(1));
    left.put(contact("b@aol"), at(2));
    let mut right = left.clone();
    let mut gone = contact("a@aol");
    gone.listed = false;
    left.put(gone, at(3));
    right.put(contact("c@aol"), at(3));
    let (l, r) = (left.clone(), right.clone());
    assert!(left.merge(r) && right.merge(l));
    assert_eq!(left, right);
    let names: Vec<_> = left.listed().map(|c| c.address.to_string()).collect();
    assert_eq!(names, ["b@aol", "c@aol"]);
    assert!(!left.merge(right), "merging again changes nothing");
}

#[test]
fn merge_keeps_what_was_changed_in_different_parts() {
    let mut left = Roster::default();
    left.put(contact("a@aol"), at(1));
    let mut right = left.clone();
    right.put(Contact { from: Subscription::Granted, ..contact("a@aol") }, at(5));
    left.put(Contact { alias: Some("Al".into()), ..contact("a@aol") }, at(7));
    left.put(
        Contact { to: Subscription::Granted, alias: Some("Al".into()), ..contact("a@aol") },
        at(9),
    );
    let (l, r) = (left.clone(), right.clone());
    assert!(left.merge(r) && right.merge(l));
    assert_eq!(left, right);
    let both = left.contact(&"a@aol".parse().unwrap()).unwrap();
    assert_eq!((&both.to, &both.from), (&Subscription::Granted, &Subscription::Granted));
    assert_eq!(both.alias.as_deref(), Some("Al"));
}

#[test]
fn a_request_overrules_only_the_answers_it_follows() {
    let asked = Contact { from: Subscription::Asked("hi".into()), ..contact("a@aol") };
    let granted = Contact { from: Subscription::Granted, ..contact("a@aol") };
    let address = &"a@aol".parse().unwrap();
    let mut here = Roster::default();
    here.put(asked.clone(), at(1));
    let mut stale = here.clone();
    here.put(granted, at(100));
    let again = Contact { from: Subscription::Asked("hello?".into()), ..asked.clone() };
    stale.put(again, at(200));
    assert!(stale.merge(here.clone()) && !here.merge(stale.clone()));
    assert_eq!(here.contact(address).unwrap().from, Subscription::Granted);
    here.put(contact("a@aol"), at(300));
    here.put(asked.clone(), at(400));
    assert!(stale.merge(here.clone()));
    assert_eq!(stale.contact(address), Some(&asked), "taken back, and asked for again");
    here.wipe(here.stamp());
    here.put(asked.clone(), at(500));
    assert!(stale.merge(here) && stale.contact(address) == Some(&asked), "after a wipe");
}

#[test]
fn halves_and_differences_merge_to_the_whole() {
    let mut whole = Roster::default();
    for i in 0..5 {
        whole.put(contact(&format!("u{i}@aol")), at(i));
    }
    let (mut low, high) = whole.halves().unwrap();
    assert_eq!(whole.beyond(&low), high);
    low.merge(high);
    assert_eq!(low, whole);
    assert!(whole.beyond(&low).is_empty() && Roster::default().halves().is_none());
}

#[test]
fn a_full_roster_refuses_but_forgets_removed_ones_first() {
    let mut roster = Roster::default();
    for i in 0..MAX_CONTACTS {
        assert!(roster.put(contact(&format!("u{i}@aol")), at(i as u64)));
    }
    assert!(!roster.put(contact("late@aol"), at(9999)));
    let mut gone = contact("u0@aol");
    gone.listed = false;
    assert!(roster.put(gone, at(10_000)));
    assert!(roster.remembers(&"u0@aol".parse().unwrap()));
    assert!(roster.put(contact("late@aol"), at(10_001)));
}

#[test]
fn what_was_wiped_comes_back_from_no_copy() {
    let mut here = Roster::default();
    for (name, millis) in [("a@aol", 1), ("b@aol", 5)] {
        here.put(contact(name), at(millis));
    }
    let (copy, mut late) = (here.clone(), here.clone());
    late.put(contact("c@aol"), at(9));
    here.wipe(here.stamp());
    assert_eq!((here.contacts().count(), here.stamp()), (0, at(5)));
    assert!(!here.merge(copy), "an old copy changes nothing");
    let mut there = late.clone();
    assert!(here.merge(late) && there.merge(here.clone()));
    assert_eq!(here, there);
    let names: Vec<_> = here.listed().map(|c| c.address.to_string()).collect();
    assert_eq!(names, ["c@aol"], "what was written later stays");
    let mut empty = Roster::default();
    assert!(empty.merge(here.clone()) && !empty.merge(here));
}

#[test]
fn settings_are_no_contact_and_merge_wipe_and_travel_as_one() {
    let mut here = Roster::default();
    here.put(contact("bob@yahoo"), at(1));
    assert!(here.put_settings(vec!["location=on".into(), "a b".into()], at(2)));
    assert_eq!(here.settings(), ["location=on", "a b"]);
    is_summed_up(&here);
    assert_eq!(here.contacts().count(), 1, "nobody sees them");
    let mut there = here.clone();
    there.put_settings(vec!["location=off".into()], at(9));
    here.put_settings(vec!["music=x".into()], at(5));
    here.merge(there.clone());
    assert_eq!(here.settings(), ["location=off"], "the later ones");
    let copy = Roster::of_entries(there.entries().map(|(c, s)| (c.clone(), *s)));
    assert_eq!(copy, there);
    let part = there.part([&Roster::place_of_settings()]);
    assert_eq!((part.settings(), part.contacts().count()), (there.settings(), 0));
    assert!(!here.put_settings(vec![String::new(); MAX_SETTINGS + 1], at(10)));
    here.wipe(at(20));
    assert!(here.settings().is_empty());
}

#[test]
fn a_setting_that_would_not_be_kept_as_it_is_is_refused() {
    let mut roster = Roster::default();
    let long = "x".repeat(MAX_LABEL);
    assert!(roster.put_settings(vec![long.clone()], at(1)));
    for line in [format!("{long}="), "a\nb".into(), "a\u{ffff}b".into()] {
        assert!(!roster.put_settings(vec!["location=on".into(), line], at(2)));
        assert_eq!(roster.settings(), std::slice::from_ref(&long));
    }
}

#[test]
fn settings_are_not_forgotten_to_make_room() {
    let mut roster = Roster::default();
    roster.put_settings(vec!["location=on".into()], at(1));
    for n in 0..3 * MAX_CONTACTS as u64 {
        let mut gone = contact(&format!("v{n}@aol"));
        assert!(roster.put(gone.clone(), at(2 * n + 2)));
        gone.listed = false;
        roster.put(gone, at(2 * n + 3));
    }
    assert_eq!(roster.settings(), ["location=on"]);
    is_summed_up(&roster);
}
