use std::collections::BTreeMap;

use super::*;
use crate::membership::{Member, REPLICAS};
use crate::wire::frame::NEWEST;
use crosstalk_core::{Contact, Stamp};

const A: GatewayId = GatewayId::from_bytes([0; 32]);
const B: GatewayId = GatewayId::from_bytes([1; 32]);

/// A store in memory.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    rosters: BTreeMap<Key, (Address, Roster, u64)>,
    expired: BTreeMap<Key, u64>,
    is_full: bool,
}

impl Memory {
    fn expire(&mut self, key: &Key) {
        let (_, _, digest) = self.rosters.remove(key).unwrap();
        self.expired.insert(*key, digest);
    }
}

impl RosterStore for Memory {
    fn get(&self, key: &Key) -> Option<(Address, Roster)> {
        self.rosters.get(key).map(|(owner, roster, _)| (owner.clone(), roster.clone()))
    }

    fn put(&mut self, key: Key, owner: Address, roster: Roster, digest: u64) {
        self.rosters.insert(key, (owner, roster, digest));
    }

    fn room_for(&self, _: &Address, _: usize) -> Result<(), Full> {
        if self.is_full { Err(Full::Domain) } else { Ok(()) }
    }

    fn expired(&self, key: &Key) -> Option<u64> {
        self.expired.get(key).copied()
    }

    fn digests(&self) -> Vec<(Key, u64)> {
        self.rosters.iter().map(|(key, (_, _, digest))| (*key, *digest)).collect()
    }
}

fn rosters(own: GatewayId, networks: &[&str]) -> Rosters<Memory> {
    let networks: Vec<_> = networks.iter().map(|n| n.parse().unwrap()).collect();
    let member = |id| Member { id, addresses: Vec::new(), networks: networks.clone() };
    let members = Members::new(own, networks.clone(), &[member(A), member(B)], REPLICAS);
    Rosters::new(Arc::new(members), Memory::default())
}

fn alice() -> Address {
    "alice@aol".parse().unwrap()
}

fn with(names: &[&str]) -> Roster {
    let mut roster = Roster::default();
    for (millis, name) in names.iter().enumerate() {
        let contact = Contact::new(name.parse().unwrap(), (*name).to_owned());
        let stamp = Stamp { millis: millis as u64, writer: 1 };
        roster.put(Contact { listed: true, ..contact }, stamp);
    }
    roster
}

/// Carries frames between the two until none is left; returns how many there were.
fn exchange(a: &mut Rosters<Memory>, b: &mut Rosters<Memory>, mut to_b: Vec<Frame>) -> usize {
    let (mut to_a, mut count) = (Vec::new(), 0);
    while !(to_a.is_empty() && to_b.is_empty()) {
        count += to_a.len() + to_b.len();
        assert!(count < 1000, "the exchange ends");
        let for_b = std::mem::take(&mut to_b);
        to_a.extend(for_b.into_iter().flat_map(|f| b.received(A, f, false).unwrap().replies));
        let for_a = std::mem::take(&mut to_a);
        to_b.extend(for_a.into_iter().flat_map(|f| a.received(B, f, false).unwrap().replies));
    }
    count
}

#[test]
fn what_each_missed_is_exchanged_when_they_meet() {
    let (mut a, mut b) = (rosters(A, &["aol"]), rosters(B, &["aol"]));
    a.save(&alice(), &with(&["bob@yahoo"]));
    b.save(&alice(), &with(&["carol@msn"]));
    let digests = a.linked(&B, &[]);
    exchange(&mut a, &mut b, digests);
    assert_eq!(a.load(&alice()), b.load(&alice()));
    assert_eq!(a.load(&alice()).listed().count(), 2);
    let digests = a.linked(&B, &[]);
    assert_eq!(exchange(&mut a, &mut b, digests), 1, "nothing differs any more");
}

#[test]
fn who_is_signed_on_with_nothing_stored_gets_what_a_home_hears_later() {
    let networks = vec!["aol".parse().unwrap()];
    let member = |id| Member { id, addresses: Vec::new(), networks: networks.clone() };
    let of = |own| Arc::new(Members::new(own, networks.clone(), &[member(A), member(B)], 1));
    let mut people = (0..100).map(|n| format!("user{n}@aol").parse::<Address>().unwrap());
    let owner = people.find(|owner| of(A).homes(&Key::of(owner)) == [B]).unwrap();
    let mut a = Rosters::new(of(A), Memory::default());
    let mut b = Rosters::new(of(B), Memory::default());
    let here = [owner.clone()];
    let meet = |a: &mut Rosters<Memory>, b: &mut Rosters<Memory>| {
        let asked = a.linked(&B, &here);
        let replies = asked.into_iter().flat_map(|f| b.received(A, f, false).unwrap().replies);
        let replies: Vec<_> = replies.collect();
        let count = replies.len();
        for reply in replies {
            assert_eq!(a.received(B, reply, true).unwrap().replies, []);
        }
        count
    };
    assert_eq!(meet(&mut a, &mut b), 0, "the home has heard of none either");
    assert_eq!(b.store.digests(), [], "nothing is stored of an empty list");
    b.merge(&owner, with(&["bob@yahoo"]));
    assert_eq!(a.linked(&B, &[]), [], "nothing is stored here to compare");
    assert_eq!(meet(&mut a, &mut b), 1);
    assert_eq!(a.load(&owner), with(&["bob@yahoo"]));
    assert_eq!(meet(&mut a, &mut b), 0, "nothing differs any more");
}

#[test]
fn a_write_carries_only_what_changed() {
    let (mut a, mut b) = (rosters(A, &["aol"]), rosters(B, &["aol"]));
    let many: Vec<_> = (0..1000).map(|n| format!("user{n}@yahoo")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let mut frames = a.save(&alice(), &with(&many));
    exchange(&mut a, &mut b, frames.drain(..).map(|(_, frame)| frame).collect());
    let mut more = a.load(&alice());
    let contact = Contact::new("new@yahoo".parse().unwrap(), "new".into());
    more.put(Contact { listed: true, ..contact }, Stamp { millis: 5000, writer: 1 });
    let frames: Vec<_> = a.save(&alice(), &more).into_iter().map(|(_, frame)| frame).collect();
    let bytes: usize = frames.iter().map(|frame| frame.encode(NEWEST).unwrap().len()).sum();
    assert!(bytes < 200);
    assert_eq!(exchange(&mut a, &mut b, frames), 1);
    assert_eq!(b.load(&alice()), more);
    assert!(a.save(&alice(), &more).is_empty(), "writing it again is no change");
}

#[test]
fn a_missed_write_is_noticed_at_the_next_one() {
    let (mut a, mut b) = (rosters(A, &["aol"]), rosters(B, &["aol"]));
    a.save(&alice(), &with(&["bob@yahoo"]));
    let more = with(&["bob@yahoo", "carol@msn"]);
    let frames = a.save(&alice(), &more).into_iter().map(|(_, frame)| frame).collect();
    exchange(&mut a, &mut b, frames);
    assert_eq!(b.load(&alice()), more);
}

#[test]
fn a_question_is_answered_by_all_homes_or_given_up() {
    let (mut a, mut b) = (rosters(A, &["aol"]), rosters(B, &["aol"]));
    b.save(&alice(), &with(&["bob@yahoo"]));
    assert_eq!(a.ask(&alice(), |_| false), None, "nobody can be reached");
    let (ask, homes) = a.ask(&alice(), |_| true).unwrap();
    assert_eq!(homes, [B]);
    let get = Frame::RosterGet { ask, owner: alice() };
    let replies = b.received(A, get, false).unwrap().replies;
    let answered: Vec<_> =
        replies.into_iter().filter_map(|f| a.received(B, f, false).unwrap().answered).collect();
    assert_eq!(answered, [ask]);
    assert_eq!(a.load(&alice()), with(&["bob@yahoo"]));
}

#[test]
fn a_batch_without_bound_is_the_peers_fault() {
    let mut a = rosters(A, &["aol"]);
    let key = Key::of(&alice());
    for frame in [
        Frame::RosterWant(vec![key; MAX_BATCH + 1]),
        Frame::RosterDigests(vec![(key, 0); MAX_BATCH + 1]),
    ] {
        assert_eq!(a.received(B, frame, false).unwrap_err().blame, Blame::Peer);
    }
}

#[test]
fn one_roster_wanted_a_thousand_times_does_not_fill_the_memory() {
    let mut a = rosters(A, &["aol"]);
    let names: Vec<_> = (0..300).map(|n| format!("{n}{}@jabber", "x".repeat(1500))).collect();
    a.save(&alice(), &with(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    let want = Frame::RosterWant(vec![Key::of(&alice()); MAX_BATCH]);
    let replies = a.received(B, want, false).unwrap().replies;
    let bytes: usize = replies.iter().map(|r| r.encode(NEWEST).unwrap().len()).sum();
    assert!((MAX_WANTED / 2..2 * MAX_WANTED).contains(&bytes), "{bytes}");
}

#[test]
fn what_a_roster_is_said_to_take_is_no_more_than_it_does() {
    for count in [0, 1, 5, 100] {
        let names: Vec<_> = (0..count).map(|n| format!("u{n}@aol")).collect();
        let roster = with(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let (said, takes) = (roster.stored_bytes(), size(&roster));
        assert!(said <= takes && takes <= 3 * said + 100, "{count}: {said} {takes}");
    }
}

#[test]
fn what_expired_at_one_home_is_not_taken_again_from_another() {
    let (mut a, mut b) = (rosters(A, &["aol"]), rosters(B, &["aol"]));
    let frames = a.save(&alice(), &with(&["bob@yahoo"]));
    exchange(&mut a, &mut b, frames.into_iter().map(|(_, frame)| frame).collect());
    b.store.expire(&Key::of(&alice()));
    let digests = a.linked(&B, &[]);
    assert_eq!(exchange(&mut a, &mut b, digests), 1, "it is offered, and not wanted");
    assert!(b.load(&alice()).is_empty());
    // She signed on again and changed it.
    let more = with(&["bob@yahoo", "carol@msn"]);
    let frames = a.save(&alice(), &more);
    exchange(&mut a, &mut b, frames.into_iter().map(|(_, frame)| frame).collect());
    let digests = a.linked(&B, &[]);
    exchange(&mut a, &mut b, digests);
    assert_eq!(b.load(&alice()), more);
}

#[test]
fn what_a_domain_has_no_room_for_is_not_asked_for_again_and_again() {
    let (mut a, mut b) = (rosters(A, &["aol"]), rosters(B, &["aol"]));
    let frames = a.save(&alice(), &with(&["bob@yahoo"]));
    b.store.is_full = true;
    exchange(&mut a, &mut b, frames.into_iter().map(|(_, frame)| frame).collect());
    assert!(b.load(&alice()).is_empty());
    let digests = a.linked(&B, &[]);
    assert_eq!(exchange(&mut a, &mut b, digests), 1, "it is offered, and not wanted");
    b.store.is_full = false;
    b.forget_refused();
    let digests = a.linked(&B, &[]);
    exchange(&mut a, &mut b, digests);
    assert_eq!(b.load(&alice()), with(&["bob@yahoo"]));
}

#[test]
fn a_home_without_room_tells_what_it_has_to_one_who_has_nothing() {
    let (mut a, mut b) = (rosters(A, &["aol"]), rosters(B, &["aol"]));
    b.save(&alice(), &with(&["bob@yahoo"]));
    b.store.is_full = true;
    let asked = a.linked(&B, &[alice()]);
    exchange(&mut a, &mut b, asked);
    assert_eq!(a.load(&alice()), with(&["bob@yahoo"]));
}
