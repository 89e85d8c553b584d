//! Gateways on a simulated network: links break half way, frames wait and are lost, gateways
//! crash and restart, all by a seed. When everything is well again, every watcher must believe
//! the truth, every home must have the whole of a roster, and every message must have had one
//! outcome and at most one reading.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{Address, Body, Contact, Envelope, EnvelopeId, Failure, Stamp, UnixMillis};

use crate::GatewayId;
use crate::frame::{Frame, NEWEST};
use crate::lease::LinkId;
use crate::members::{Key, Member, Members, REPLICAS};
use crate::message::{Message, Outcome};
use crate::node::{Effect, Node};
use crate::rosters::Rosters;
use crate::rosters::tests::Memory;

/// Enough for leases to lapse, deadlines to pass and everything to be told.
const LONG: Duration = Duration::from_secs(40);
const STEP: Duration = Duration::from_millis(250);
const USERS: usize = 4;

/// A small generator (xorshift64*), so that a seed is a run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }
}

/// A gateway with a router that believes what it is told.
struct Machine {
    node: Node<u128, ()>,
    rosters: Rosters<Memory>,
    epoch: u64,
    here: BTreeSet<Address>,
    watching: BTreeSet<Address>,
    believed: BTreeMap<Address, BTreeSet<GatewayId>>,
    /// The ids of envelopes read, in order, by sending gateway.
    read: BTreeMap<GatewayId, Vec<u128>>,
}

/// One direction of a link: its name at the sender, and what is on the way.
struct Way {
    link: LinkId,
    frames: VecDeque<Bytes>,
}

struct World {
    dice: Dice,
    now: Instant,
    machines: Vec<Option<Machine>>,
    epochs: Vec<u64>,
    /// What is on the disks of gateways that are down.
    disks: Vec<Memory>,
    /// The contacts that were ever added, by owner.
    added: BTreeMap<Address, BTreeSet<Address>>,
    members: Vec<Member>,
    ways: BTreeMap<(usize, usize), Way>,
    last_link: LinkId,
    sent: u128,
    outcomes: BTreeMap<u128, Outcome>,
    /// Messages whose sender crashed: nobody waits for their outcome.
    orphans: BTreeSet<u128>,
    waiting: BTreeMap<u128, usize>,
    read: BTreeMap<u128, u32>,
}

fn id(n: usize) -> GatewayId {
    GatewayId::from_bytes([n as u8; 32])
}

fn user(n: usize) -> Address {
    format!("user{n}@aol").parse().unwrap()
}

fn envelope(n: u128) -> Message {
    Message::Envelope(Envelope {
        id: EnvelopeId(n),
        from: user(0),
        to: user(1),
        sent_at: UnixMillis(0),
        body: Body::Attention,
    })
}

impl Machine {
    fn received(&mut self, now: Instant, from: GatewayId, frame: Frame) {
        match frame {
            Frame::RosterGet { .. }
            | Frame::RosterGot { .. }
            | Frame::RosterPut { .. }
            | Frame::RosterDigests(_)
            | Frame::RosterWant(_) => {
                for reply in self.rosters.received(from, frame, false).unwrap().replies {
                    self.node.queue(from, &reply);
                }
            }
            _ => self.node.received(now, from, frame).unwrap(),
        }
    }
}

impl World {
    fn new(seed: u64, count: usize) -> Self {
        let aol = vec!["aol".parse().unwrap()];
        let member = |n| Member { id: id(n), addresses: Vec::new(), networks: aol.clone() };
        let mut world = Self {
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            now: Instant::now(),
            machines: (0..count).map(|_| None).collect(),
            epochs: vec![0; count],
            disks: vec![Memory::default(); count],
            added: BTreeMap::new(),
            members: (0..count).map(member).collect(),
            ways: BTreeMap::new(),
            last_link: 0,
            sent: 0,
            outcomes: BTreeMap::new(),
            orphans: BTreeSet::new(),
            waiting: BTreeMap::new(),
            read: BTreeMap::new(),
        };
        (0..count).for_each(|n| world.start(n));
        world
    }

    fn count(&self) -> usize {
        self.machines.len()
    }

    fn start(&mut self, n: usize) {
        self.epochs[n] += 1;
        let networks = self.members[n].networks.clone();
        let members = Arc::new(Members::new(id(n), networks, &self.members, REPLICAS));
        let disk = std::mem::take(&mut self.disks[n]);
        self.machines[n] = Some(Machine {
            node: Node::new(members.clone(), self.epochs[n]),
            rosters: Rosters::new(members, disk),
            epoch: self.epochs[n],
            here: BTreeSet::new(),
            watching: BTreeSet::new(),
            believed: BTreeMap::new(),
            read: BTreeMap::new(),
        });
    }

    fn crash(&mut self, n: usize) {
        if let Some(machine) = self.machines[n].take() {
            self.disks[n] = machine.rosters.into_shelf();
        }
        for other in 0..self.count() {
            self.cut(other, n);
        }
        self.ways.retain(|(from, _), _| *from != n);
        self.orphans.extend(self.waiting.extract_if(.., |_, at| *at == n).map(|(id, _)| id));
    }

    /// `a` notices that its link to `b` is gone; what `b` sent on it is lost.
    fn cut(&mut self, a: usize, b: usize) {
        self.ways.remove(&(b, a));
        let Some(way) = self.ways.remove(&(a, b)) else { return };
        if let Some(machine) = &mut self.machines[a] {
            machine.node.unlinked(self.now, id(b), way.link);
        }
    }

    fn link(&mut self, a: usize, b: usize) {
        if a == b || self.machines[a].is_none() || self.machines[b].is_none() {
            return;
        }
        self.last_link += 1;
        for (own, peer) in [(a, b), (b, a)] {
            let way = Way { link: self.last_link, frames: VecDeque::new() };
            self.ways.insert((own, peer), way);
            let epoch = self.epochs[peer];
            if let Some(machine) = &mut self.machines[own] {
                machine.node.linked(self.now, id(peer), self.last_link, epoch, NEWEST);
                for frame in machine.rosters.linked(&id(peer)) {
                    machine.node.queue(id(peer), &frame);
                }
            }
            self.drain(own);
        }
    }

    /// One thing happens.
    fn step(&mut self) {
        let (a, b) = (self.dice.roll(self.count()), self.dice.roll(self.count()));
        let who = user(self.dice.roll(USERS));
        match self.dice.roll(100) {
            0..2 => self.crash(a),
            2..8 if self.machines[a].is_none() => self.start(a),
            8..14 => self.cut(a, b),
            14..26 => self.link(a, b),
            26..34 => self.with(a, |m| {
                m.here.insert(who.clone());
                m.node.publish(|d| d.sign_on(&who));
            }),
            34..40 => self.with(a, |m| {
                m.here.remove(&who);
                m.node.publish(|d| d.sign_off(&who));
            }),
            40..48 => self.with(a, |m| {
                m.watching.insert(who.clone());
                m.node.publish(|d| d.watch(&who));
            }),
            48..50 => self.with(a, |m| {
                m.watching.remove(&who);
                m.believed.remove(&who);
                m.node.publish(|d| d.unwatch(&who));
            }),
            50..58 => self.send(a, b),
            58..60 => self.add_contact(a, &who),
            60..66 => {
                let steps = self.dice.roll(20);
                self.pass(STEP * steps as u32);
            }
            _ => self.carry(a, b),
        }
    }

    fn send(&mut self, from: usize, to: usize) {
        if from == to || self.machines[from].is_none() {
            return;
        }
        self.sent += 1;
        let (sent, now) = (self.sent, self.now);
        self.waiting.insert(sent, from);
        self.with(from, |m| m.node.send(now, id(to), envelope(sent), sent));
    }

    /// `owner`, signed on at gateway `n`, adds somebody new.
    fn add_contact(&mut self, n: usize, owner: &Address) {
        self.sent += 1;
        let millis = self.sent as u64;
        let address: Address = format!("friend{millis}@aol").parse().unwrap();
        let mut contact = Contact::new(address.clone(), address.to_string());
        contact.listed = true;
        if self.machines[n].is_some() {
            self.added.entry(owner.clone()).or_default().insert(address);
        }
        self.outcomes.insert(self.sent, Err(Failure::Offline));
        self.with(n, |m| {
            let mut roster = m.rosters.load(owner);
            roster.put(contact, Stamp { millis, writer: n as u64 });
            for (home, frame) in m.rosters.save(owner, &roster) {
                m.node.queue(home, &frame);
            }
        });
    }

    fn with(&mut self, n: usize, act: impl FnOnce(&mut Machine)) {
        if let Some(machine) = &mut self.machines[n] {
            act(machine);
        }
        self.drain(n);
    }

    /// Some frames arrive.
    fn carry(&mut self, a: usize, b: usize) {
        for _ in 0..self.dice.roll(8) {
            let Some(way) = self.ways.get_mut(&(a, b)) else { return };
            let Some(bytes) = way.frames.pop_front() else { return };
            let now = self.now;
            self.with(b, |m| m.received(now, id(a), Frame::decode(NEWEST, &bytes).unwrap()));
        }
    }

    fn carry_all(&mut self) {
        while self.ways.values().any(|way| !way.frames.is_empty()) {
            for a in 0..self.count() {
                for b in 0..self.count() {
                    self.carry(a, b);
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += STEP;
            let now = self.now;
            for n in 0..self.count() {
                self.with(n, |m| m.node.tick(now));
            }
        }
    }

    /// Does what the node of `n` wants done.
    fn drain(&mut self, n: usize) {
        let Some(machine) = &mut self.machines[n] else { return };
        let mut cut = Vec::new();
        while let Some(effect) = machine.node.next_effect() {
            match effect {
                Effect::Deliver { from, call, message: Message::Envelope(envelope) } => {
                    machine.read.entry(from).or_default().push(envelope.id.0);
                    *self.read.entry(envelope.id.0).or_default() += 1;
                    machine.node.answer(from, call, Ok(()));
                }
                Effect::Outcome(sent, outcome) => {
                    self.waiting.remove(&sent);
                    assert_eq!(self.outcomes.insert(sent, outcome), None, "one outcome");
                }
                Effect::Arrived(user, at) => {
                    let new = machine.believed.entry(user).or_default().insert(at);
                    assert!(new, "nobody arrives twice");
                }
                Effect::Left(user, at) => {
                    let was = machine.believed.entry(user).or_default().remove(&at);
                    assert!(was, "nobody leaves who was not there");
                }
                Effect::Lost(gateway) => {
                    for at in machine.believed.values_mut() {
                        at.remove(&gateway);
                    }
                    let peer = gateway.as_bytes()[0] as usize;
                    if machine.node.link_of(&gateway).is_none() {
                        cut.push(peer);
                    }
                }
                _ => {}
            }
        }
        for peer in 0..self.machines.len() {
            let Some(way) = self.ways.get_mut(&(n, peer)) else { continue };
            let mut frames = Vec::new();
            if let Some(machine) = &mut self.machines[n] {
                machine.node.dequeue(&id(peer), way.link, usize::MAX, &mut frames);
            }
            way.frames.extend(frames);
        }
        for peer in cut {
            self.cut(n, peer);
        }
    }

    /// Everything is well for a while.
    fn heal(&mut self) {
        for n in 0..self.count() {
            if self.machines[n].is_none() {
                self.start(n);
            }
        }
        for a in 0..self.count() {
            for b in 0..a {
                if !self.ways.contains_key(&(a, b)) || !self.ways.contains_key(&(b, a)) {
                    self.link(a, b);
                }
            }
        }
        let end = self.now + LONG;
        while self.now < end {
            self.carry_all();
            self.pass(STEP);
        }
        self.carry_all();
    }

    fn check(&self) {
        for (n, machine) in self.machines.iter().enumerate() {
            let machine = machine.as_ref().unwrap();
            assert_eq!(machine.epoch, self.epochs[n]);
            for watched in &machine.watching {
                let truth: BTreeSet<_> = (0..self.count())
                    .filter(|at| self.machines[*at].as_ref().unwrap().here.contains(watched))
                    .map(id)
                    .collect();
                let believed = machine.believed.get(watched).cloned().unwrap_or_default();
                assert_eq!(believed, truth, "what gateway {n} believes of {watched}");
                let located = BTreeSet::from_iter(machine.node.locate_here(watched));
                assert_eq!(located, truth, "where gateway {n} finds {watched}");
            }
            for read in machine.read.values() {
                assert!(read.is_sorted(), "read in the order they were sent");
            }
        }
        let members = Members::new(id(0), Vec::new(), &self.members[1..], REPLICAS);
        for (owner, added) in &self.added {
            for home in members.homes(&Key::of(owner)) {
                let machine = self.machines[home.as_bytes()[0] as usize].as_ref().unwrap();
                let roster = machine.rosters.load(owner);
                let listed: BTreeSet<_> = roster.listed().map(|c| c.address.clone()).collect();
                assert_eq!(&listed, added, "what {owner} added anywhere is at every home");
            }
        }
        assert!(self.waiting.is_empty(), "every message has an outcome");
        for sent in 1..=self.sent {
            let read = self.read.get(&sent).copied().unwrap_or_default();
            assert!(read <= 1, "message {sent} was read {read} times");
            match self.outcomes.get(&sent) {
                Some(Ok(())) => assert_eq!(read, 1, "message {sent} was said to be delivered"),
                Some(Err(_)) => {}
                None => assert!(self.orphans.contains(&sent), "message {sent} has no outcome"),
            }
        }
    }
}

/// `CROSSTALK_SEEDS` asks for more runs than a quick test makes.
fn run(count: usize, steps: usize) {
    let seeds = std::env::var("CROSSTALK_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    for seed in 0..seeds.unwrap_or(30) {
        // A failing run names its seed.
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed, count);
            for _ in 0..3 {
                (0..steps).for_each(|_| world.step());
                world.heal();
                world.check();
            }
        });
        assert!(run.is_ok(), "seed {seed} with {count} gateways");
    }
}

#[test]
fn two_gateways_believe_the_truth_when_all_is_well() {
    run(2, 200);
}

#[test]
fn three_gateways_believe_the_truth_when_all_is_well() {
    run(3, 300);
}

#[test]
fn seven_gateways_believe_the_truth_when_all_is_well() {
    run(7, 400);
}
