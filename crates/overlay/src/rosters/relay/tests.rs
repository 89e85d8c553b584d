use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crosstalk_core::{Address, Contact, Roster, Stamp};

use crate::membership::{GatewayId, Key, Member, Members, REPLICAS};
use crate::rosters::tests::Memory;
use crate::rosters::{PART, Rosters, digest, size};
use crate::wire::frame::{Frame, NEWEST};

const A: GatewayId = GatewayId::from_bytes([0; 32]);
const B: GatewayId = GatewayId::from_bytes([1; 32]);
const C: GatewayId = GatewayId::from_bytes([2; 32]);
/// No home, with the people who are signed on.
const PLACE: GatewayId = GatewayId::from_bytes([3; 32]);

fn owner(n: usize) -> Address {
    format!("user{n}@aol").parse().unwrap()
}

/// A list of so many contacts.
fn list(contacts: usize) -> Roster {
    let mut list = Roster::default();
    for n in 0..contacts {
        let contact = Contact::new(format!("friend{n}@yahoo").parse().unwrap(), "f".repeat(100));
        list.put(Contact { listed: true, ..contact }, Stamp { millis: 1, writer: 1 });
    }
    list
}

/// The homes of all lists, each linked with the others, and what each has sent to each.
struct Homes {
    all: BTreeMap<GatewayId, Rosters<Memory>>,
    sent: BTreeMap<(GatewayId, GatewayId), Vec<Frame>>,
}

impl Homes {
    fn new() -> Self {
        let networks = vec!["aol".parse().unwrap()];
        let member = |id| Member { id, addresses: Vec::new(), networks: networks.clone() };
        let others = [A, B, C].map(member);
        let of = |own| {
            let members = Members::new(own, networks.clone(), &others, REPLICAS);
            (own, Rosters::new(Arc::new(members), Memory::default()))
        };
        Self { all: [A, B, C].map(of).into(), sent: BTreeMap::new() }
    }

    fn of(&mut self, id: GatewayId) -> &mut Rosters<Memory> {
        self.all.get_mut(&id).unwrap()
    }

    /// Carries frames, and those that follow, until none is left.
    fn carry(&mut self, from: GatewayId, to: GatewayId, frames: Vec<Frame>) {
        let mut left: VecDeque<_> = frames.into_iter().map(|frame| (from, to, frame)).collect();
        while let Some((from, to, frame)) = left.pop_front() {
            self.sent.entry((from, to)).or_default().push(frame.clone());
            let Some(home) = self.all.get_mut(&to) else { continue };
            let follows = home.received(from, frame, false).unwrap();
            left.extend(follows.replies.into_iter().map(|frame| (to, from, frame)));
            if let Some(change) = follows.changed {
                let concerned = [A, B, C, PLACE].into_iter().filter(|id| ![from, to].contains(id));
                let told = home.pass_on(&change, concerned);
                left.extend(told.into_iter().map(|(other, frame)| (to, other, frame)));
            }
        }
    }

    /// Compares the lists of `one` with `other`.
    fn compare(&mut self, one: GatewayId, other: GatewayId) {
        let digests = self.of(one).linked(&other, &[]);
        self.carry(one, other, digests);
    }

    fn bytes(&self, from: GatewayId, to: GatewayId) -> usize {
        let sent = self.sent.get(&(from, to)).into_iter().flatten();
        sent.map(|frame| frame.encode(NEWEST).unwrap().len()).sum()
    }
}

#[test]
fn a_home_that_catches_up_tells_the_others_digests_and_not_lists() {
    let mut homes = Homes::new();
    for n in 0..100 {
        homes.of(B).merge(&owner(n), list(20));
        homes.of(C).merge(&owner(n), list(20));
    }
    homes.compare(B, A);
    for n in 0..100 {
        assert_eq!(homes.of(A).load(&owner(n)), list(20));
    }
    assert!(homes.bytes(B, A) > 200_000, "it got them all");
    let told = homes.bytes(A, C);
    assert!((100 * 40..100 * 50).contains(&told), "{told} bytes");
    assert_eq!(homes.bytes(C, A), 0, "it has the same");
    // Where their owners are they are needed at once.
    assert!(homes.bytes(A, PLACE) > 200_000);
}

#[test]
fn a_home_without_the_list_asks_for_what_another_one_was_told() {
    let mut homes = Homes::new();
    homes.of(B).merge(&owner(0), list(20));
    homes.compare(B, A);
    assert_eq!(homes.of(C).load(&owner(0)), list(20));
    let Frame::RosterWant(wanted) = &homes.sent[&(C, A)][0] else { panic!("it did not ask") };
    assert_eq!(*wanted, [Key::of(&owner(0))]);
}

#[test]
fn a_home_that_is_ahead_by_a_small_change_is_not_told_to_ask_for_the_whole() {
    let mut homes = Homes::new();
    for (id, contacts) in [(A, 20), (B, 21), (C, 22)] {
        homes.of(id).merge(&owner(0), list(contacts));
    }
    let part = list(21).beyond(&list(20));
    let whole = Some(digest(&list(21)));
    homes.carry(B, A, vec![Frame::RosterPut { owner: owner(0), part, whole, turn: 0 }]);
    assert_eq!(homes.sent[&(A, C)].len(), 1);
    assert!(homes.bytes(A, C) < 250, "one contact");
    assert_eq!(homes.bytes(C, A), 0);
}

#[test]
fn what_a_gateway_that_is_no_home_says_is_passed_on_as_it_is() {
    let mut homes = Homes::new();
    let networks = vec!["aol".parse().unwrap()];
    let place = Member { id: PLACE, addresses: Vec::new(), networks: networks.clone() };
    let others = [A, B, C].map(|id| Member { id, ..place.clone() });
    let others: Vec<_> = others.into_iter().chain([place]).collect();
    let members = |own| Arc::new(Members::new(own, networks.clone(), &others, REPLICAS));
    // One of which the homes are the other three.
    let is_right = |n: &usize| !members(A).homes(&Key::of(&owner(*n))).contains(&PLACE);
    let who = owner((0..100).find(is_right).unwrap());
    for id in [A, B, C] {
        homes.of(id).set_members(members(id));
    }
    let whole = Some(digest(&list(1)));
    let put = Frame::RosterPut { owner: who.clone(), part: list(1), whole, turn: 0 };
    homes.carry(PLACE, A, vec![put]);
    for id in [A, B, C] {
        assert_eq!(homes.of(id).load(&who), list(1));
    }
    assert_eq!(homes.sent.get(&(C, A)), None, "there is nothing to ask for");
}

#[test]
fn of_a_list_in_parts_the_others_hear_when_the_last_one_is_there() {
    let whole = list(4000);
    assert!(size(&whole) > 2 * PART);
    // The last part is no news where half of the list was known.
    let (known, _) = whole.halves().unwrap();
    for before in [Roster::default(), known] {
        let mut homes = Homes::new();
        homes.of(A).merge(&owner(0), before.clone());
        homes.of(B).merge(&owner(0), whole.clone());
        homes.of(C).merge(&owner(0), whole.clone());
        homes.compare(B, A);
        assert_eq!(homes.of(A).load(&owner(0)), whole);
        assert!(homes.sent[&(B, A)].len() > 4);
        assert_eq!(homes.sent[&(A, C)].len(), 1);
        assert_eq!(homes.bytes(C, A), 0, "it has the same");
    }
}
