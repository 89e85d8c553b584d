//! The links of the simulated gateways: they come up, delay frames, double them and break.

use std::time::Duration;

use bytes::Bytes;

use super::machine::id;
use super::world::{Event, MILLI, OUTAGE, SECOND, World};
use crate::directory::lease::LinkId;
use crate::wire::frame::{Frame, NEWEST};

impl World {
    /// Nothing gets from one to the other for a while.
    pub(super) fn part(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let until = self.now + self.dice.within(MILLI, OUTAGE);
        self.walls.insert((a.min(b), a.max(b)), until);
        self.cut(a, b);
        self.dial(a, b);
    }

    /// A gateway is cut off from some or all others.
    pub(super) fn part_all(&mut self, a: usize) {
        let share = 30 + self.dice.roll(71);
        for other in 0..self.seats.len() {
            if self.dice.chance(share) {
                self.part(a, other);
            }
        }
    }

    /// The link of two breaks; what is on the way is lost, and each notices in its own time.
    pub(super) fn cut(&mut self, a: usize, b: usize) {
        let pair = (a.min(b), a.max(b));
        let Some(link) = self.links.remove(&pair) else { return };
        self.record.totals.breaks += 1;
        self.parted.insert(pair, self.now);
        for (at, peer) in [(a, b), (b, a)] {
            let wait = self.dice.within(MILLI, SECOND / 2);
            self.later(wait, Event::Cut { at, peer, link });
        }
        self.dial(a, b);
    }

    pub(super) fn notice(&mut self, at: usize, peer: usize, link: LinkId) {
        let clock = self.clock(at);
        let Some(machine) = self.machine(at) else { return };
        if machine.links.get(&peer) == Some(&link) {
            machine.links.remove(&peer);
            machine.node.unlinked(clock, id(peer), link);
            self.settle(at);
        }
    }

    pub(super) fn dial(&mut self, one: usize, other: usize) {
        let wait = self.dice.within(SECOND / 4, 2 * SECOND);
        self.later(wait, Event::Dial { one, other });
    }

    pub(super) fn link(&mut self, a: usize, b: usize) {
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

    pub(super) fn arrive(&mut self, from: usize, to: usize, link: LinkId, bytes: &Bytes) {
        if self.links.get(&(from.min(to), from.max(to))) != Some(&link) {
            return;
        }
        self.received(to, from, Frame::decode(NEWEST, bytes).unwrap());
        self.settle(to);
    }

    /// Puts what waits for a link on its way: in order, late, and sometimes twice.
    pub(super) fn send(&mut self, from: usize, to: usize) {
        let Some(machine) = &mut self.seats[from].running else { return };
        let Some(link) = machine.links.get(&to).copied() else { return };
        let mut frames = Vec::new();
        machine.node.dequeue(&id(to), link, usize::MAX, &mut frames);
        for bytes in frames {
            self.record.totals.frames += 1;
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
}
