//! Rosters that somebody else writes into.
#![allow(clippy::unwrap_used)]

use crosstalk_core::{Contact, MAX_LIST, Roster, Stamp, Subscription, UnixMillis};

fn at(millis: u64) -> Stamp {
    Stamp { millis, writer: 1 }
}

/// A stranger of a long name.
fn stranger(n: u64) -> Contact {
    let address = format!("{n}{}@evil.test@jabber", "x".repeat(2000));
    Contact::new(address.parse().unwrap(), address)
}

#[test]
fn strangers_who_ask_and_take_it_back_leave_room_in_a_list() {
    let mut roster = Roster::default();
    for n in 0..1000 {
        let asks = Contact { from: Subscription::Asked("hi".into()), ..stranger(n) };
        assert!(roster.put(asks, at(2 * n)) && roster.put(stranger(n), at(2 * n + 1)));
    }
    let known = Contact { listed: true, ..stranger(1000) };
    assert!(roster.put(known.clone(), at(5000)));
    assert_eq!(roster.weight(), known.weight());
    let remembered = (0..1000).filter(|n| roster.remembers(&stranger(*n).address)).count();
    assert!(remembered * known.weight() <= MAX_LIST, "{remembered}");
}

#[test]
fn a_list_grows_to_its_bound_and_shrinks_again() {
    let mut roster = Roster::default();
    let listed =
        |n, alias: &str| Contact { listed: true, alias: Some(alias.to_owned()), ..stranger(n) };
    let room = (0..1000).take_while(|n| roster.put(listed(*n, ""), at(1))).count();
    assert!((100..1000).contains(&room) && roster.weight() <= MAX_LIST);
    assert!(!roster.put(listed(0, &"x".repeat(10_000)), at(2)));
    assert!(roster.put(Contact { alias: None, ..listed(0, "") }, at(3)));
    assert!(roster.put(stranger(0), at(4)) && roster.put(listed(1000, ""), at(5)));
}

#[test]
fn after_the_last_of_times_nothing_panics() {
    assert_eq!(at(u64::MAX).next(UnixMillis(5), 2).millis, u64::MAX);
    let mut roster = Roster::default();
    for (n, millis) in [(1, u64::MAX), (2, 7)] {
        roster.put(Contact { listed: true, ..stranger(n) }, at(millis));
    }
    assert!(roster.drop_after(UnixMillis(7)) && !roster.drop_after(UnixMillis(7)));
    assert_eq!((roster.stamp(), roster.listed().count()), (at(7), 1));
}
