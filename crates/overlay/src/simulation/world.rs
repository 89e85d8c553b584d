//! Time, links and faults.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_router::Input;

use super::machine::{Machine, Seat, id};
use super::people::Simulation;
use super::record::Record;
use super::router::{Cx, Reply, Router, SlotId};
use super::{AGE, Dice, Planted, check};
use crate::delivery::Call;
use crate::directory::lease::LinkId;
use crate::membership::{GatewayId, Member};
use crate::node::ShownRecord;
use crate::outbox::Limits;

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
    /// Something that an account wanted is done.
    Told {
        at: usize,
        epoch: u64,
        slot: SlotId,
        input: Box<Input<Reply<Way>>>,
    },
    /// The homes of a list have had the time to answer.
    LoadTimeout {
        at: usize,
        epoch: u64,
        ask: u64,
    },
    /// Something is due at a router.
    Router {
        at: usize,
        epoch: u64,
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
            | Self::Told { at, .. }
            | Self::LoadTimeout { at, .. }
            | Self::Router { at, .. } => Some(*at),
            Self::Dial { .. } | Self::Start(_) | Self::Chance => None,
        }
    }
}

/// Reply channel of a router's answer.
#[derive(Clone, Copy, Debug)]
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
    pub(super) members: Vec<Member>,
    /// The links, by their two ends, the lower first, and since when there is none.
    pub(super) links: BTreeMap<(usize, usize), LinkId>,
    pub(super) parted: BTreeMap<(usize, usize), Duration>,
    /// Time until which nothing can get from one to the other.
    pub(super) walls: BTreeMap<(usize, usize), Duration>,
    /// Time at which the last frame arrives, by direction.
    pub(super) arrivals: BTreeMap<(usize, usize), Duration>,
    pub(super) last_link: LinkId,
    chaos: bool,
    pub(super) record: Record,
}

impl World {
    pub(super) fn new(seed: u64, count: usize, planted: Option<Planted>) -> Self {
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
            record: Record::new(count, planted),
            dice,
        };
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
        let mut world = Self::new(seed, count, None);
        world.chaos = false;
        world.record.is_calm = true;
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
        while self.now < end && self.waits_for_something() {
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

    /// Lets the router of a gateway do something, and does what follows.
    pub(super) fn with_router(
        &mut self,
        at: usize,
        act: impl FnOnce(&mut Router<Way>, &mut Cx<'_>),
    ) {
        self.route(at, act);
        self.settle(at);
    }

    /// Lets the router of a gateway do something.
    pub(super) fn route(&mut self, at: usize, act: impl FnOnce(&mut Router<Way>, &mut Cx<'_>)) {
        let seat = &mut self.seats[at];
        let clock = seat.clock(self.start, self.now);
        let Some(machine) = &mut seat.running else { return };
        let (dice, record) = (&mut self.dice, &mut self.record);
        act(&mut machine.router, &mut Cx { now: self.now, clock, dice, record });
    }

    /// Has the router told when something is due there.
    pub(super) fn arm(&mut self, at: usize) {
        let now = self.now;
        let clock = self.seats[at].clock(self.start, now);
        let Some(machine) = self.machine(at) else { return };
        if let Some(due) = machine.router.due(now, clock).map(|due| due.max(now))
            && machine.armed.is_none_or(|armed| due < armed)
        {
            machine.armed = Some(due);
            let epoch = machine.epoch;
            self.at(due, Event::Router { at, epoch });
        }
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
                check::ghosts(self, at);
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
            Event::Told { at, epoch, slot, input } if self.epoch(at) == epoch => {
                self.with_router(at, |router, cx| router.tell(cx, slot, *input));
            }
            Event::LoadTimeout { at, epoch, ask } if self.epoch(at) == epoch => {
                self.loaded(at, ask);
                self.settle(at);
            }
            Event::Router { at, epoch } if self.epoch(at) == epoch => {
                let now = self.now;
                let machine = self.machine(at).unwrap();
                machine.armed.take_if(|armed| *armed <= now);
                self.with_router(at, Router::tick);
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
            5..20 => self.someone_moves(),
            20..30 => self.someone_is_cut(),
            30..44 => self.someone_asks(),
            44..51 => self.someone_lists(),
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
        self.record.crashes(at);
        for peer in links.into_keys() {
            self.cut(at, peer);
        }
        let down = self.dice.within(MILLI, OUTAGE);
        self.later(down, Event::Start(at));
    }

    /// The process of a gateway is stopped for a while, and then goes on as if nothing was.
    pub(super) fn stop(&mut self, at: usize, time: Duration) {
        // Not again while it is: what reaches it would take effect in another order than it came.
        if !self.is_stopped(at) {
            self.seats[at].stopped = self.now + time;
        }
    }

    /// Adds something that happened now to what happened before. Every frame and every kind of
    /// effect is in it, and thereby whatever differs between two runs; writing out effects would
    /// take longer than everything else.
    pub(super) fn trace(&mut self, what: impl Hash) {
        self.record.trace(self.now, what);
    }
}
