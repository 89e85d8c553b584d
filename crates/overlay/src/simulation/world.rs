//! Time, links and faults.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::machine::{Machine, Seat, id, number};
use super::people::{Added, Person, Said};
use super::{AGE, Dice, Totals};
use crate::delivery::Call;
use crate::directory::lease::LinkId;
use crate::membership::{GatewayId, Key, Member, Members, REPLICAS};
use crate::node::ShownRecord;
use crate::outbox::Limits;
use crate::wire::message::Message;

const TICK: Duration = Duration::from_millis(250);
pub(super) const MILLI: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
/// The longest that a gateway is down, and that two are parted.
pub(super) const OUTAGE: Duration = Duration::from_secs(20);

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

/// Reply channel of a router's answer.
#[derive(Clone, Copy)]
pub(super) enum Way {
    There(GatewayId, Call, ShownRecord),
    Own(u64, ShownRecord),
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
    pub(super) links: BTreeMap<(usize, usize), LinkId>,
    pub(super) parted: BTreeMap<(usize, usize), Duration>,
    /// Time until which nothing can get from one to the other.
    pub(super) walls: BTreeMap<(usize, usize), Duration>,
    /// Time at which the last frame arrives, by direction.
    pub(super) arrivals: BTreeMap<(usize, usize), Duration>,
    pub(super) last_link: LinkId,
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

    pub(super) fn at(&mut self, at: Duration, event: Event) {
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
    pub(super) fn trace(&mut self, what: impl Hash) {
        let mut hash = DefaultHasher::new();
        (self.totals.trace, self.now, what).hash(&mut hash);
        self.totals.trace = hash.finish();
    }
}
