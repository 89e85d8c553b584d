//! The people of the simulation, what they say, and what they are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crosstalk_core::{Address, Body, Contact, Envelope, EnvelopeId, Failure};

use super::world::{Event, Way, World};
use crate::wire::message::{Fate, Message};

/// The least time between two moves of somebody: longer than a message can be under way to where
/// the person was before.
const DWELL: Duration = Duration::from_secs(15);

/// Longest time for a client to take a message.
const SLOWEST: Duration = Duration::from_secs(3);

/// Gateways at which somebody is signed on.
#[derive(Clone, Default)]
pub(super) struct Person {
    pub(super) at: BTreeSet<usize>,
    /// Two gateways that this person always uses, instead of moving about.
    pub(super) both: Option<[usize; 2]>,
    pub(super) moved: Duration,
    /// Signs off in the end and does not come back.
    pub(super) leaves: bool,
}

/// Message and its fate.
pub(super) struct Said {
    pub(super) from: Address,
    pub(super) to: Address,
    /// Gateway at which it was said; in which order follows from the id.
    pub(super) by: usize,
    pub(super) outcome: Option<Result<Fate, Failure>>,
    /// Its gateway crashed before it was known what would become of it.
    pub(super) orphaned: bool,
    /// Gateways at which it was shown.
    pub(super) shown: Vec<usize>,
    /// And at which it was reported as not delivered.
    pub(super) reported: Vec<usize>,
}

impl Said {
    /// It is shown at a gateway: once, but to both clients of who has two.
    pub(super) fn is_shown(&mut self, id: usize, at: usize, both: bool) {
        let once = both && !self.shown.contains(&at) || self.shown.is_empty();
        assert!(once, "message {id} to {} shown at {:?} comes again at {at}", self.to, self.shown);
        assert!(self.reported.is_empty(), "message {id} was reported as lost");
        let failed = matches!(self.outcome, Some(Err(why)) if why != Failure::Unconfirmed);
        assert!(!failed, "message {id} is shown after {:?}", self.outcome);
        self.shown.push(at);
    }

    /// Its sender hears what became of it.
    pub(super) fn is_settled(&mut self, outcome: Result<Fate, Failure>) {
        if outcome == Ok(Fate::Delivered) {
            assert!(!self.shown.is_empty(), "said to be delivered");
        }
        let failed = matches!(outcome, Err(why) if why != Failure::Unconfirmed);
        assert!(!failed || self.shown.is_empty(), "said not to be delivered: {outcome:?}");
        self.outcome = Some(outcome);
    }

    /// It is reported there.
    pub(super) fn is_reported(&mut self, id: usize, at: usize, both: bool) {
        let once = self.reported.is_empty() || both && !self.reported.contains(&at);
        assert!(once, "message {id} is reported at {:?} and again at {at}", self.reported);
        self.reported.push(at);
    }
}

pub(super) fn user(n: usize) -> Address {
    format!("user{n}@aol").parse().unwrap()
}

impl World {
    /// Somebody moves, comes or goes.
    pub(super) fn someone_moves(&mut self) {
        let n = self.dice.roll(self.people.len() as u64) as usize;
        let person = &self.people[n];
        if self.now < person.moved + DWELL {
            return;
        }
        if let Some(both) = person.both {
            for at in both {
                self.sign_on(n, at);
            }
            return;
        }
        let old = person.at.clone();
        if old.iter().any(|at| self.is_stopped(*at)) {
            return;
        }
        for at in old {
            self.sign_off(n, at);
        }
        if self.dice.chance(70) {
            let at = self.some_gateway();
            self.sign_on(n, at);
        }
        self.people[n].moved = self.now;
    }

    pub(super) fn sign_on(&mut self, n: usize, at: usize) {
        let (who, clock) = (user(n), self.clock(at));
        let Some(machine) = self.awake(at) else { return };
        machine.here.insert(who.clone());
        machine.node.publish(clock, |d| d.sign_on(&who));
        self.people[n].at.insert(at);
        self.settle(at);
    }

    pub(super) fn sign_off(&mut self, n: usize, at: usize) {
        let (who, clock) = (user(n), self.clock(at));
        self.people[n].at.remove(&at);
        let Some(machine) = self.machine(at) else { return };
        machine.here.remove(&who);
        machine.node.publish(clock, |d| d.sign_off(&who));
        self.settle(at);
    }

    pub(super) fn someone_watches(&mut self) {
        let (at, who) = (self.some_gateway(), self.someone());
        let (clock, watch) = (self.clock(at), self.dice.chance(80));
        let Some(machine) = self.awake(at) else { return };
        if watch {
            machine.watching.insert(who.clone());
            machine.node.watch(clock, &who);
        } else {
            machine.watching.remove(&who);
            machine.believed.remove(&who);
            machine.node.unwatch(clock, &who);
        }
        self.settle(at);
    }

    /// Somebody who is signed on somewhere says something to somebody else.
    pub(super) fn someone_speaks(&mut self) {
        let n = self.dice.roll(self.people.len() as u64) as usize;
        let (from, to) = (user(n), self.someone());
        let Some(at) = self.people[n].at.iter().next().copied().filter(|_| from != to) else {
            return;
        };
        for _ in 0..=self.dice.roll(3) {
            let may_keep = self.dice.chance(90);
            self.say(at, from.clone(), to.clone(), may_keep);
        }
    }

    pub(super) fn say(&mut self, at: usize, from: Address, to: Address, may_keep: bool) {
        let clock = self.clock(at);
        let said = self.said.len() as u128;
        let body = Body::Text { text: "hello".into(), auto: false };
        let sent_at = self.seats[at].wall(self.now);
        let (id, sender, receiver) = (EnvelopeId(said), from.clone(), to.clone());
        let envelope = Envelope { id, from: sender, to: receiver, sent_at, body, details: None };
        let Some(machine) = self.awake(at) else { return };
        let number = machine.node.post(clock, Message::Envelope(envelope), may_keep);
        let epoch = machine.epoch;
        self.totals.said += 1;
        self.numbers.insert((at, epoch, number), self.said.len());
        self.said.push(Said {
            from,
            to,
            by: at,
            outcome: None,
            orphaned: false,
            shown: Vec::new(),
            reported: Vec::new(),
        });
        self.settle(at);
        self.later(Duration::from_millis(5), Event::KeepMeanwhile { at, epoch, number });
    }

    /// Somebody adds a contact at a gateway, by its clock.
    pub(super) fn someone_adds(&mut self) {
        let (at, owner) = (self.some_gateway(), self.someone());
        let wall = self.seats[at].wall(self.now);
        let address: Address = format!("friend{}@aol", self.next_friend).parse().unwrap();
        self.next_friend += 1;
        let mut contact = Contact::new(address.clone(), address.to_string());
        contact.listed = true;
        let Some(machine) = self.awake(at) else { return };
        let mut roster = machine.rosters.load(&owner);
        let stamp = roster.stamp().next(wall, at as u64);
        roster.put(contact, stamp);
        for (home, frame) in machine.rosters.save(&owner, &roster) {
            machine.node.queue(home, &frame);
        }
        self.added.entry(owner).or_default().insert(address);
        self.settle(at);
    }

    /// A router hands a message to its user, who may be gone, busy or slow.
    pub(super) fn hand_over(&mut self, at: usize, message: Message, answer: Way) {
        let (now, epoch) = (self.now, self.epoch(at));
        let (fate, wait) = (self.dice.roll(100), self.dice.within(Duration::ZERO, SLOWEST));
        let Some(machine) = self.machine(at) else { return };
        if fate < 5 || !machine.here.contains(message.receiver()) {
            let why = if fate < 5 { Failure::Busy } else { Failure::Offline };
            return self.answer(at, answer, Err(why));
        }
        // A mailbox keeps what is in it in order.
        let last = machine.mailboxes.entry(message.receiver().clone()).or_default();
        *last = (*last).max(if fate < 20 { now + wait } else { now });
        let wait = last.saturating_sub(now);
        let message = Box::new(message);
        self.later(wait, Event::Show { at, epoch, message, answer });
    }

    /// It is written to the client, if that is still there.
    pub(super) fn show(&mut self, at: usize, message: &Message, answer: Way) {
        if !self.is_here(at, message.receiver()) {
            return self.answer(at, answer, Err(Failure::Offline));
        }
        match message {
            Message::Envelope(envelope) => self.is_shown(at, envelope.id.0 as usize),
            Message::Report { of, .. } => {
                let (id, both) = (of.0 as usize, self.uses_both(message.receiver()));
                self.said[id].is_reported(id, at, both);
                self.totals.reported += 1;
            }
            other => panic!("{other:?}"),
        }
        self.answer(at, answer, Ok(()));
    }

    fn is_shown(&mut self, at: usize, id: usize) {
        let both = self.uses_both(&self.said[id].to);
        let said = &mut self.said[id];
        said.is_shown(id, at, both);
        self.totals.shown += 1;
        let (from, to, by) = (said.from.clone(), said.to.clone(), said.by);
        let last = self.last_shown.entry((from, to, by, at)).or_default();
        assert!(*last <= id, "message {id} comes after {last}");
        *last = id;
    }

    pub(super) fn is_settled(&mut self, at: usize, number: u64, outcome: Result<Fate, Failure>) {
        let epoch = self.epoch(at);
        let Some(said) = self.numbers.get(&(at, epoch, number)).map(|n| &mut self.said[*n]) else {
            return;
        };
        assert_eq!(said.outcome, None, "one outcome");
        self.totals.accepted += usize::from(outcome.is_ok());
        self.totals.unsure += usize::from(outcome == Err(Failure::Unconfirmed));
        said.is_settled(outcome);
    }

    pub(super) fn person(&self, who: &Address) -> &Person {
        let number = who.local().strip_prefix("user").and_then(|n| n.parse::<usize>().ok());
        &self.people[number.unwrap()]
    }

    fn uses_both(&self, who: &Address) -> bool {
        self.person(who).both.is_some()
    }

    fn is_here(&self, at: usize, who: &Address) -> bool {
        self.seats[at].running.as_ref().is_some_and(|m| m.here.contains(who))
    }

    pub(super) fn some_gateway(&mut self) -> usize {
        self.dice.roll(self.seats.len() as u64) as usize
    }

    fn someone(&mut self) -> Address {
        user(self.dice.roll(self.people.len() as u64) as usize)
    }
}

/// Contacts that each owner added, at whatever gateway.
pub(super) type Added = BTreeMap<Address, BTreeSet<Address>>;
