//! The simulated gateways as people drive them.

use std::time::Duration;

use crosstalk_core::{Address, Roster};

use super::Dice;
use super::machine::{id, number};
use super::people::Simulation;
use super::record::Record;
use super::router::{Cx, Router};
use super::world::{Way, World};
use crate::membership::{Key, Members, REPLICAS};

impl Simulation for World {
    type Reply = Way;

    fn now(&self) -> Duration {
        self.now
    }

    fn gateways(&self) -> usize {
        self.seats.len()
    }

    fn is_awake(&self, at: usize) -> bool {
        self.seats[at].running.is_some() && !self.is_stopped(at)
    }

    fn draw<T>(&mut self, draw: impl FnOnce(&mut Dice, &mut Record) -> T) -> T {
        draw(&mut self.dice, &mut self.record)
    }

    fn act(&mut self, at: usize, act: impl FnOnce(&mut Router<Way>, &mut Cx<'_>) + 'static) {
        self.with_router(at, act);
    }

    fn look<T>(&self, at: usize, look: impl FnOnce(&Router<Way>) -> T) -> Option<T> {
        self.seats[at].running.as_ref().map(|machine| look(&machine.router))
    }

    fn stored(&self, at: usize, owner: &Address) -> Roster {
        self.seats[at]
            .running
            .as_ref()
            .map(|machine| machine.rosters.load(owner))
            .unwrap_or_default()
    }

    fn homes(&self, owner: &Address) -> Vec<usize> {
        let networks = self.members[0].networks.clone();
        let members = Members::new(id(0), networks, &self.members[1..], REPLICAS);
        members.homes(&Key::of(owner)).iter().map(number).collect()
    }

    fn is_parted(&self, a: usize, b: usize, longer_than: Duration) -> bool {
        let since = self.parted.get(&(a.min(b), a.max(b)));
        since.is_some_and(|since| self.now > *since + longer_than)
    }

    fn is_dead(&self, at: usize, longer_than: Duration) -> bool {
        self.seats[at].down_since.is_some_and(|since| self.now > since + longer_than)
    }
}
