//! Checks of what the simulated gateways' nodes know and keep.

use std::collections::BTreeSet;

use super::GHOST;
use super::machine::{id, number};
use super::people::Simulation as _;
use super::router::Router;
use super::world::World;

impl World {
    /// Nobody is believed to be at a gateway that is dead, or cut off, for longer than a lease and
    /// five seconds.
    pub(super) fn check_ghosts(&self, at: usize) {
        let Some(machine) = &self.seats[at].running else { return };
        for (who, places) in &machine.believed {
            for place in places.iter().map(number) {
                let dead = self.is_dead(place, GHOST);
                assert!(!dead, "gateway {at} sees {who} at {place}, which is dead");
                let parted = self.is_parted(at, place, GHOST);
                assert!(!parted, "gateway {at} sees {who} at {place}, which it cannot reach");
            }
        }
    }

    /// Every watcher knows where everybody is.
    pub(super) fn check_places(&self) {
        for (n, seat) in self.seats.iter().enumerate() {
            let machine = seat.running.as_ref().unwrap();
            for watched in machine.router.watched() {
                let is_at = |at: &usize| {
                    self.seats[*at].running.as_ref().is_some_and(|m| m.here.contains(watched))
                };
                let truth: BTreeSet<_> = (0..self.seats.len()).filter(is_at).map(id).collect();
                let believed = machine.believed.get(watched).cloned().unwrap_or_default();
                assert_eq!(believed, truth, "what gateway {n} believes of {watched}");
                let located = BTreeSet::from_iter(machine.node.locate_here(watched));
                assert_eq!(located, truth, "where gateway {n} finds {watched}");
            }
        }
    }

    /// Nothing is kept any more for anybody who is there.
    pub(super) fn check_nothing_kept(&self) {
        for (n, seat) in self.seats.iter().enumerate() {
            let machine = seat.running.as_ref().unwrap();
            let kept = machine.kept_for(|to| self.record.person(to).leaves);
            assert!(kept.is_empty(), "gateway {n} still keeps something for {kept:?}");
        }
    }

    /// Whether something is kept for somebody who is there, or not settled, or not shown.
    pub(super) fn waits_for_something(&self) -> bool {
        let leaves = |to: &_| self.record.person(to).leaves;
        let mut running = self.seats.iter().filter_map(|seat| seat.running.as_ref());
        running.any(|m| !m.kept_for(leaves).is_empty() || !m.posted.is_empty())
            || (0..self.seats.len()).any(|at| self.look(at, Router::is_quiet) == Some(false))
    }
}
