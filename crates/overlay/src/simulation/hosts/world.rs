//! The hand that drives the hosts: time, and what goes wrong.

use std::cell::RefMut;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use crosstalk_core::{Address, Roster};
use turmoil::Sim;

use super::super::check;
use super::super::machine::{id, number};
use super::super::people::Simulation;
use super::super::record::Record;
use super::super::router::{Cx, Router};
use super::dial::name;
use super::host;
use super::ledger::{Ledger, Shared};
use super::{Dice, Planted, Totals};
use crate::hub::answer::Answer;
use crate::membership::{Key, Members, REPLICAS};
use crate::rosters::RosterStore as _;

/// Time for which each host runs before the next does.
const STEP: Duration = Duration::from_millis(10);
const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// The longest that a gateway is down, and that two are parted.
const OUTAGE: Duration = Duration::from_secs(30);
/// The longest that what is sent between two is held up.
const STALL: Duration = Duration::from_secs(12);
/// Long enough for a disk to catch up.
const WRITTEN: Duration = Duration::from_secs(5);
/// Number of steps between two looks for ghosts.
const LOOK: u32 = 25;

pub(super) struct World {
    sim: Sim<'static>,
    shared: Shared,
    /// The pairs that something is wrong between.
    walls: BTreeMap<(usize, usize), Wall>,
    /// Time until which disks cannot be written, and what waits for them may not be written.
    full: BTreeMap<usize, Duration>,
    /// Times at which those that are down start again.
    starts: BTreeMap<usize, Duration>,
    /// Disks fail only among three: among more, what was sent without a note of it on disk can be
    /// shown twice.
    disks_fail: bool,
    next_chance: Option<Duration>,
    steps: u32,
}

struct Wall {
    since: Duration,
    until: Duration,
    /// Nothing gets through in either direction.
    is_whole: bool,
}

impl Drop for World {
    fn drop(&mut self) {
        // A host knows the ledger that knows the host.
        for seat in &mut self.shared.borrow_mut().seats {
            seat.host = None;
        }
    }
}

impl World {
    pub(super) fn new(seed: u64, count: usize, expires: bool, planted: Option<Planted>) -> Self {
        let shared: Shared = Rc::new(Ledger::new(seed, count, expires, planted).into());
        let mut sim = turmoil::Builder::new()
            .rng_seed(seed)
            .tick_duration(STEP)
            .min_message_latency(MILLI)
            .max_message_latency(40 * MILLI)
            .build();
        for n in 0..count {
            let shared = Rc::clone(&shared);
            sim.host(name(n), move || host::run(n, shared.clone()));
        }
        Self {
            sim,
            shared,
            walls: BTreeMap::new(),
            full: BTreeMap::new(),
            starts: BTreeMap::new(),
            disks_fail: count == 3,
            next_chance: None,
            steps: 0,
        }
    }

    /// Everything goes wrong for a while.
    pub(super) fn go_wrong(&mut self, time: Duration) {
        self.next_chance = Some(SECOND);
        self.pass(time);
        self.next_chance = None;
    }

    /// Whatever is broken is mended.
    pub(super) fn heal(&mut self) {
        let now = self.now();
        self.walls.values_mut().for_each(|wall| wall.until = now);
        self.starts.values_mut().for_each(|start| *start = now);
        self.full.values_mut().for_each(|end| *end = now);
    }

    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now() + time;
        while self.now() < end {
            self.mend();
            while let Some(at) = self.next_chance.filter(|at| *at <= self.now()) {
                self.by_chance();
                self.next_chance = Some(at + self.within(MILLI, SECOND / 10));
            }
            self.sim.step().unwrap();
            self.steps += 1;
            if self.steps.is_multiple_of(LOOK) {
                (0..self.gateways()).for_each(|at| check::ghosts(self, at));
            }
        }
    }

    /// Goes on until nothing is kept for anybody who is there, or until that has taken too long.
    pub(super) fn settle_all(&mut self, longest: Duration) {
        let end = self.now() + longest;
        while self.now() < end && self.waits_for_something() {
            self.pass(SECOND);
        }
    }

    fn by_chance(&mut self) {
        let (a, b) = (self.some_gateway(), self.some_gateway());
        match self.roll(100) {
            0 => self.crash(a),
            1..4 => self.part(a, b),
            4 => self.part_all(a),
            5 if self.disks_fail => self.fill_disk(a),
            5..20 => self.someone_moves(),
            20..30 => self.someone_is_cut(),
            30..45 => self.someone_asks(),
            45..52 => self.someone_lists(),
            _ => self.someone_speaks(),
        }
    }

    /// A gateway dies, and others are told by its system or hear nothing of it.
    fn crash(&mut self, at: usize) {
        // What a gateway did without its disk it forgets when it dies.
        if self.starts.contains_key(&at) || self.full.contains_key(&at) {
            return;
        }
        let (silent, down) = (self.chance(50), self.within(MILLI, OUTAGE));
        let count = self.ledger().seats.len();
        let walls = &self.walls;
        let open = |other: &usize| *other != at && !walls.contains_key(&pair(at, *other));
        let others: Vec<_> = (0..count).filter(open).filter(|_| silent).collect();
        for other in &others {
            self.sim.partition(name(at), name(*other));
        }
        self.sim.crash(name(at));
        for other in &others {
            self.sim.release(name(at), name(*other));
        }
        let now = self.now();
        self.starts.insert(at, now + down);
        let mut ledger = self.ledger();
        ledger.record.crashes(at);
        ledger.seats[at].down_since = Some(now);
        ledger.seats[at].reset(None);
    }

    /// For a while nothing gets from one to the other, or nothing gets through at all, or all of
    /// it comes late.
    fn part(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let kind = self.roll(4);
        self.sim.release(name(a), name(b));
        match kind {
            0 => self.sim.hold(name(a), name(b)),
            1 => self.sim.partition_oneway(name(a), name(b)),
            _ => self.sim.partition(name(a), name(b)),
        }
        let longest = if kind == 0 { STALL } else { OUTAGE };
        let (since, wait) = (self.now(), self.within(MILLI, longest));
        let wall = Wall { since, until: since + wait, is_whole: kind != 1 };
        self.walls.insert(pair(a, b), wall);
    }

    /// A gateway is cut off from some or all others.
    fn part_all(&mut self, a: usize) {
        let share = 30 + self.roll(71);
        let count = self.ledger().seats.len();
        for other in 0..count {
            if self.chance(share) {
                self.part(a, other);
            }
        }
    }

    /// For a while nothing can be written to a disk.
    fn fill_disk(&mut self, at: usize) {
        if self.ledger().seats[at].host.is_some() {
            self.ledger().seats[at].disk.set_full(true);
            let end = self.now() + self.within(MILLI, STALL);
            self.full.insert(at, end);
        }
    }

    /// Ends what has lasted long enough.
    fn mend(&mut self) {
        let now = self.now();
        self.full.retain(|at, end| {
            if *end <= now {
                self.shared.borrow_mut().seats[*at].disk.set_full(false);
            }
            *end + WRITTEN > now
        });
        let sim = &mut self.sim;
        self.walls.retain(|(a, b), wall| {
            let goes_on = wall.until > now;
            if !goes_on {
                sim.release(name(*a), name(*b));
            }
            goes_on
        });
        self.starts.retain(|at, start| {
            let goes_on = *start > now;
            if !goes_on {
                sim.bounce(name(*at));
            }
            goes_on
        });
    }

    pub(super) fn ledger(&self) -> RefMut<'_, Ledger> {
        self.shared.borrow_mut()
    }

    pub(super) fn totals(&self) -> Totals {
        self.ledger().record.totals
    }

    pub(super) fn roll(&self, below: u64) -> u64 {
        self.ledger().dice.roll(below)
    }

    pub(super) fn chance(&self, percent: u64) -> bool {
        self.ledger().dice.chance(percent)
    }

    pub(super) fn within(&self, shortest: Duration, longest: Duration) -> Duration {
        self.ledger().dice.within(shortest, longest)
    }
}

impl Simulation for World {
    type Reply = Answer;

    fn now(&self) -> Duration {
        self.sim.elapsed()
    }

    fn gateways(&self) -> usize {
        self.ledger().seats.len()
    }

    fn is_awake(&self, at: usize) -> bool {
        self.ledger().seats[at].host.is_some()
    }

    fn draw<T>(&mut self, draw: impl FnOnce(&mut Dice, &mut Record) -> T) -> T {
        let ledger = &mut *self.ledger();
        draw(&mut ledger.dice, &mut ledger.record)
    }

    fn act(&mut self, at: usize, act: impl FnOnce(&mut Router<Answer>, &mut Cx<'_>) + 'static) {
        if let Some(host) = self.ledger().host(at) {
            host.act(act);
        }
    }

    fn look<T>(&self, at: usize, look: impl FnOnce(&Router<Answer>) -> T) -> Option<T> {
        let host = self.ledger().host(at)?;
        let seen = look(&host.router.borrow());
        Some(seen)
    }

    fn stored(&self, at: usize, owner: &Address) -> Roster {
        let host = self.ledger().host(at);
        let stored = host.and_then(|host| host.store.get(&Key::of(owner)));
        stored.map(|(_, roster)| roster).unwrap_or_default()
    }

    fn homes(&self, owner: &Address) -> Vec<usize> {
        let members = Members::new(id(0), Vec::new(), &self.ledger().members, REPLICAS);
        members.homes(&Key::of(owner)).iter().map(number).collect()
    }

    fn is_parted(&self, a: usize, b: usize, longer_than: Duration) -> bool {
        let wall = self.walls.get(&pair(a, b));
        wall.is_some_and(|wall| wall.is_whole && self.now() > wall.since + longer_than)
    }

    fn is_dead(&self, at: usize, longer_than: Duration) -> bool {
        let down = self.ledger().seats[at].down_since;
        down.is_some_and(|since| self.now() > since + longer_than)
    }
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}
