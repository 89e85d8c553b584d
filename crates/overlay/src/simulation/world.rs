//! Time, links and faults.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::machine::{Machine, Seat, Write, id, number};
use super::people::{Added, Person, Said};
use super::{AGE, Dice, Totals};
use crate::delivery::Call;
use crate::directory::lease::LinkId;
use crate::membership::{GatewayId, Key, Member, Members, REPLICAS};
use crate::node::Effect;
use crate::outbox::Limits;
use crate::wire::frame::{Frame, NEWEST};
use crate::wire::message::{Message, Outcome};

const TICK: Duration = Duration::from_millis(250);
const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// The longest that a gateway is down, and that two are parted.
const OUTAGE: Duration = Duration::from_secs(20);

/// Something that happens later.
pub(super) enum Event {
    Tick {
        at: usize,
        epoch: u64,
    },
    Frame {
        from: usize,
        to: usize,
        link: LinkId,
        bytes: Bytes,
    },
    /// One end of a link notices that it is gone.
    Cut {
        at: usize,
        peer: usize,
        link: LinkId,
    },
    /// Two gateways try to link.
    Dial {
        one: usize,
        other: usize,
    },
    Start(usize),
    Commit {
        at: usize,
        epoch: u64,
    },
    KeepMeanwhile {
        at: usize,
        epoch: u64,
        number: u64,
    },
    Show {
        at: usize,
        epoch: u64,
        message: Box<Message>,
        answer: Way,
    },
    /// Something goes wrong, or somebody does something.
    Chance,
}

impl Event {
    /// The gateway to which it happens; none where one that is stopped does not hinder it.
    const fn at(&self) -> Option<usize> {
        match self {
            Self::Tick { at, .. }
            | Self::Frame { to: at, .. }
            | Self::Cut { at, .. }
            | Self::Commit { at, .. }
            | Self::KeepMeanwhile { at, .. }
            | Self::Show { at, .. } => Some(*at),
            Self::Dial { .. } | Self::Start(_) | Self::Chance => None,
        }
    }
}

/// Where the answer of a router goes.
pub(super) enum Way {
    There(GatewayId, Call),
    Own(u64, Box<Message>),
}

pub(super) struct World {
    pub(super) dice: Dice,
    start: Instant,
    pub(super) now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    scheduled: u64,
    pub(super) seats: Vec<Seat>,
    members: Vec<Member>,
    /// The links, by their two ends, the lower first, and since when there is none.
    links: BTreeMap<(usize, usize), LinkId>,
    pub(super) parted: BTreeMap<(usize, usize), Duration>,
    /// Until when nothing can get from one to the other.
    walls: BTreeMap<(usize, usize), Duration>,
    /// When the last frame arrives, by direction.
    arrivals: BTreeMap<(usize, usize), Duration>,
    last_link: LinkId,
    chaos: bool,
    pub(super) people: Vec<Person>,
    pub(super) said: Vec<Said>,
    pub(super) numbers: BTreeMap<(usize, u64, u64), usize>,
    pub(super) last_shown: BTreeMap<super::check::Conversation, usize>,
    pub(super) added: Added,
    pub(super) next_friend: usize,
    pub(super) totals: Totals,
}

impl World {
    pub(super) fn new(seed: u64, count: usize) -> Self {
        let mut dice = Dice::new(seed);
        let aol = vec!["aol".parse().unwrap()];
        let member = |n| Member { id: id(n), addresses: Vec::new(), networks: aol.clone() };
        let wrong = Duration::from_mins(10);
        let seats = (0..count).map(|_| {
            let rate = 990_000 + dice.roll(20_000) as u32;
            Seat::new(dice.within(Duration::ZERO, wrong), rate)
        });
        let mut world = Self {
            seats: seats.collect(),
            start: Instant::now(),
            now: Duration::ZERO,
            events: BTreeMap::new(),
            scheduled: 0,
            members: (0..count).map(member).collect(),
            links: BTreeMap::new(),
            parted: BTreeMap::new(),
            walls: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            last_link: 0,
            chaos: true,
            people: vec![Person::default(); 4 + count / 3],
            said: Vec::new(),
            numbers: BTreeMap::new(),
            last_shown: BTreeMap::new(),
            added: Added::new(),
            next_friend: 0,
            totals: Totals::default(),
            dice,
        };
        world.people[0].both = Some([0, 1]);
        world.people[1].leaves = true;
        (0..count).for_each(|n| world.start_gateway(n));
        world.later(MILLI, Event::Chance);
        world
    }

    /// Everything goes wrong for a while.
    pub(super) fn go_wrong(&mut self, time: Duration) {
        self.pass(time);
        self.chaos = false;
    }

    /// Gateways that are linked, and nothing goes wrong.
    pub(super) fn at_peace(seed: u64, count: usize) -> Self {
        let mut world = Self::new(seed, count);
        world.chaos = false;
        world.pass(10 * SECOND);
        world
    }

    /// Whatever is broken is mended.
    pub(super) fn heal(&mut self) {
        let last = self.seats.iter().map(|seat| seat.stopped).max().unwrap_or_default();
        self.pass(last.saturating_sub(self.now));
        self.walls.clear();
        (0..self.seats.len()).for_each(|n| self.start_gateway(n));
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(entry) = self.events.first_entry()
            && entry.key().0 <= end
        {
            self.now = entry.key().0;
            let event = entry.remove();
            self.happens(event);
        }
        self.now = end;
    }

    /// Goes on until nothing is kept for anybody who is there, or until that has taken too long.
    pub(super) fn settle_all(&mut self, longest: Duration) {
        let end = self.now + longest;
        while self.now < end && self.keeps_something() {
            self.pass(SECOND);
        }
    }

    pub(super) fn later(&mut self, wait: Duration, event: Event) {
        self.at(self.now + wait, event);
    }

    fn at(&mut self, at: Duration, event: Event) {
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), event);
    }

    pub(super) fn clock(&self, at: usize) -> Instant {
        self.seats[at].instant(self.start, self.now)
    }

    pub(super) fn machine(&mut self, at: usize) -> Option<&mut Machine> {
        self.seats[at].running.as_mut()
    }

    pub(super) fn is_stopped(&self, at: usize) -> bool {
        self.seats[at].stopped > self.now
    }

    /// A gateway that does what people want of it now.
    pub(super) fn awake(&mut self, at: usize) -> Option<&mut Machine> {
        if self.is_stopped(at) { None } else { self.machine(at) }
    }

    pub(super) fn epoch(&self, at: usize) -> u64 {
        self.seats[at].running.as_ref().map_or(0, |m| m.epoch)
    }

    fn happens(&mut self, event: Event) {
        if let Some(until) = event.at().map(|at| self.seats[at].stopped)
            && until > self.now
        {
            return self.at(until, event);
        }
        match event {
            Event::Tick { at, epoch } if self.epoch(at) == epoch => {
                let clock = self.clock(at);
                self.machine(at).unwrap().node.tick(clock);
                self.settle(at);
                self.check_ghosts(at);
                self.later(TICK, Event::Tick { at, epoch });
            }
            Event::Frame { from, to, link, bytes } => self.arrive(from, to, link, &bytes),
            Event::Cut { at, peer, link } => self.notice(at, peer, link),
            Event::Dial { one, other } => self.link(one, other),
            Event::Start(at) => self.start_gateway(at),
            Event::Commit { at, epoch } if self.epoch(at) == epoch => {
                let clock = self.clock(at);
                self.machine(at).unwrap().commit(clock);
                self.settle(at);
            }
            Event::KeepMeanwhile { at, epoch, number } if self.epoch(at) == epoch => {
                let clock = self.clock(at);
                self.machine(at).unwrap().node.keep_meanwhile(clock, number);
                self.settle(at);
            }
            Event::Show { at, epoch, message, answer } if self.epoch(at) == epoch => {
                self.show(at, &message, answer);
            }
            Event::Chance if self.chaos => {
                self.by_chance();
                let wait = self.dice.within(MILLI, SECOND / 10);
                self.later(wait, Event::Chance);
            }
            // Of a boot that is over.
            _ => {}
        }
    }

    fn by_chance(&mut self) {
        let (a, b) = (self.some_gateway(), self.some_gateway());
        match self.dice.roll(100) {
            0 => self.crash(a),
            1..4 => self.part(a, b),
            4 => self.part_all(a),
            5..30 => self.someone_moves(),
            30..45 => self.someone_watches(),
            45..51 => self.someone_adds(),
            51 => {
                let time = self.dice.within(MILLI, OUTAGE);
                self.stop(a, time);
            }
            _ => self.someone_speaks(),
        }
    }

    fn start_gateway(&mut self, at: usize) {
        if self.seats[at].running.is_some() {
            return;
        }
        let clock = self.clock(at);
        let limits = Limits { age: AGE, ..Limits::default() };
        self.seats[at].start(at, &self.members, clock, self.now, limits);
        let epoch = self.epoch(at);
        self.settle(at);
        self.later(TICK, Event::Tick { at, epoch });
        for other in (0..self.seats.len()).filter(|other| *other != at) {
            self.dial(at, other);
        }
    }

    fn crash(&mut self, at: usize) {
        let Some(links) = self.seats[at].crash(self.now) else { return };
        self.totals.crashes += 1;
        for said in &mut self.said {
            said.orphaned |= said.by == at && said.outcome.is_none();
        }
        for person in &mut self.people {
            person.at.remove(&at);
        }
        for peer in links.into_keys() {
            self.cut(at, peer);
        }
        let down = self.dice.within(MILLI, OUTAGE);
        self.later(down, Event::Start(at));
    }

    /// The process of a gateway is stopped for a while, and then goes on as if nothing was.
    pub(super) fn stop(&mut self, at: usize, time: Duration) {
        self.seats[at].stopped = self.now + time;
    }

    /// Nothing gets from one to the other for a while.
    fn part(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let until = self.now + self.dice.within(MILLI, OUTAGE);
        self.walls.insert((a.min(b), a.max(b)), until);
        self.cut(a, b);
        self.dial(a, b);
    }

    /// A gateway is cut off from some or all others.
    fn part_all(&mut self, a: usize) {
        let share = 30 + self.dice.roll(71);
        for other in 0..self.seats.len() {
            if self.dice.chance(share) {
                self.part(a, other);
            }
        }
    }

    /// The link of two breaks; what is on the way is lost, and each notices in its own time.
    fn cut(&mut self, a: usize, b: usize) {
        let pair = (a.min(b), a.max(b));
        let Some(link) = self.links.remove(&pair) else { return };
        self.totals.breaks += 1;
        self.parted.insert(pair, self.now);
        for (at, peer) in [(a, b), (b, a)] {
            let wait = self.dice.within(MILLI, SECOND / 2);
            self.later(wait, Event::Cut { at, peer, link });
        }
        self.dial(a, b);
    }

    fn notice(&mut self, at: usize, peer: usize, link: LinkId) {
        let clock = self.clock(at);
        let Some(machine) = self.machine(at) else { return };
        if machine.links.get(&peer) == Some(&link) {
            machine.links.remove(&peer);
            machine.node.unlinked(clock, id(peer), link);
            self.settle(at);
        }
    }

    fn dial(&mut self, one: usize, other: usize) {
        let wait = self.dice.within(SECOND / 4, 2 * SECOND);
        self.later(wait, Event::Dial { one, other });
    }

    fn link(&mut self, a: usize, b: usize) {
        let pair = (a.min(b), a.max(b));
        let up = |n: usize| self.seats[n].running.is_some();
        if !up(a) || !up(b) || self.links.contains_key(&pair) {
            return;
        }
        let is_walled = self.walls.get(&pair).is_some_and(|until| *until > self.now);
        if is_walled || self.is_stopped(a) || self.is_stopped(b) {
            return self.dial(a, b);
        }
        self.last_link += 1;
        let link = self.last_link;
        self.links.insert(pair, link);
        self.parted.remove(&pair);
        for (at, peer) in [(a, b), (b, a)] {
            let (clock, epoch) = (self.clock(at), self.epoch(peer));
            let machine = self.machine(at).unwrap();
            machine.links.insert(peer, link);
            machine.node.linked(clock, id(peer), link, epoch, NEWEST);
            self.settle(at);
        }
    }

    fn arrive(&mut self, from: usize, to: usize, link: LinkId, bytes: &Bytes) {
        if self.links.get(&(from.min(to), from.max(to))) != Some(&link) {
            return;
        }
        let clock = self.clock(to);
        let Some(machine) = self.machine(to) else { return };
        machine.received(clock, id(from), Frame::decode(NEWEST, bytes).unwrap());
        self.settle(to);
    }

    /// Puts what waits for a link on its way: in order, late, and sometimes twice.
    fn send(&mut self, from: usize, to: usize) {
        let Some(machine) = &mut self.seats[from].running else { return };
        let Some(link) = machine.links.get(&to).copied() else { return };
        let mut frames = Vec::new();
        machine.node.dequeue(&id(to), link, usize::MAX, &mut frames);
        for bytes in frames {
            self.totals.frames += 1;
            self.trace((from, to, &bytes));
            let delay = self.dice.within(MILLI / 5, 40 * MILLI);
            let last = self.arrivals.entry((from, to)).or_default();
            *last = (self.now + delay).max(*last + Duration::from_nanos(1));
            let at = *last;
            if self.dice.chance(2) {
                let bytes = bytes.clone();
                self.at(at, Event::Frame { from, to, link, bytes });
            }
            self.at(at, Event::Frame { from, to, link, bytes });
        }
    }

    pub(super) fn answer(&mut self, at: usize, answer: Way, outcome: Outcome) {
        let clock = self.clock(at);
        let Some(machine) = self.machine(at) else { return };
        match answer {
            Way::There(from, call) => machine.node.answer(clock, from, call, outcome),
            Way::Own(number, message) => {
                machine.node.answer_own(clock, number, &message, outcome);
            }
        }
        self.settle(at);
    }

    /// Does what the node of a gateway wants done.
    pub(super) fn settle(&mut self, at: usize) {
        while let Some(effect) = self.machine(at).and_then(|m| m.node.next_effect()) {
            self.act(at, effect);
        }
    }

    fn act(&mut self, at: usize, effect: Effect<(), ()>) {
        let now = self.now;
        self.trace((at, std::mem::discriminant(&effect)));
        let Some(machine) = self.seats[at].running.as_mut() else { return };
        match effect {
            Effect::Deliver { from, call, message, .. } => {
                self.hand_over(at, message, Way::There(from, call));
            }
            Effect::DeliverOwn(number, message) => {
                let answer = Way::Own(number, Box::new(message.clone()));
                self.hand_over(at, message, answer);
            }
            Effect::Record { print, message } => {
                machine.shown.push((print, now));
                let clock = self.clock(at);
                if let Some(machine) = self.machine(at) {
                    machine.node.recorded(clock, message);
                }
            }
            Effect::Keep { number, revision, post, age } => {
                let said = now.saturating_sub(age);
                let post = Box::new(post);
                machine.unwritten.push(Write::Keep { number, revision, post, said });
                self.write(at);
            }
            Effect::Forget(number) => {
                machine.unwritten.push(Write::Forget(number));
                self.write(at);
            }
            Effect::Settled(number, outcome) => self.is_settled(at, number, outcome),
            Effect::Arrived(user, place) => {
                let new = machine.believed.entry(user).or_default().insert(place);
                assert!(new, "nobody arrives twice");
            }
            Effect::Left(user, place) => {
                let was = machine.believed.entry(user).or_default().remove(&place);
                assert!(was, "nobody leaves who was not there");
            }
            Effect::Lost(gateway) => {
                for places in machine.believed.values_mut() {
                    places.remove(&gateway);
                }
                if machine.node.link_of(&gateway).is_none() {
                    self.cut(at, number(&gateway));
                }
            }
            Effect::Wake(peer) => self.send(at, number(&peer)),
            Effect::Close(peer, _) => self.cut(at, number(&peer)),
            Effect::Compare(peer) => {
                for frame in machine.rosters.linked(&peer) {
                    machine.node.queue(peer, &frame);
                }
            }
            _ => {}
        }
    }

    /// The disk is to write something; it takes its time, and sometimes a long time.
    fn write(&mut self, at: usize) {
        let Some(machine) = self.seats[at].running.as_mut() else { return };
        if !std::mem::replace(&mut machine.writing, true) {
            let (slow, epoch) = (self.dice.chance(2), self.epoch(at));
            let longest = if slow { 8 * SECOND } else { 20 * MILLI };
            let wait = self.dice.within(MILLI, longest);
            self.later(wait, Event::Commit { at, epoch });
        }
    }

    /// Everybody who does not leave for good signs on.
    pub(super) fn bring_back(&mut self) {
        for n in 0..self.people.len() {
            let person = self.people[n].clone();
            match person.both {
                _ if person.leaves => {
                    for at in person.at {
                        self.sign_off(n, at);
                    }
                }
                Some(both) => {
                    for at in both {
                        self.sign_on(n, at);
                    }
                }
                None if person.at.is_empty() => {
                    let at = self.some_gateway();
                    self.sign_on(n, at);
                }
                None => {}
            }
        }
    }

    pub(super) fn homes(&self, key: &Key) -> Vec<usize> {
        let members =
            Members::new(id(0), self.members[0].networks.clone(), &self.members[1..], REPLICAS);
        members.homes(key).iter().map(number).collect()
    }

    pub(super) fn is_parted(&self, a: usize, b: usize, longer_than: Duration) -> bool {
        let since = self.parted.get(&(a.min(b), a.max(b)));
        since.is_some_and(|since| self.now > *since + longer_than)
    }

    /// Adds something that happened now to what happened before. Every frame and every kind of
    /// effect is in it, and thereby whatever differs between two runs; writing out effects would
    /// take longer than everything else.
    fn trace(&mut self, what: impl Hash) {
        let mut hash = DefaultHasher::new();
        (self.totals.trace, self.now, what).hash(&mut hash);
        self.totals.trace = hash.finish();
    }
}
