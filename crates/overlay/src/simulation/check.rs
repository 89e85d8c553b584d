//! Checks of what must hold, whatever happened.

use std::collections::BTreeSet;

use crosstalk_core::Address;

use super::GHOST;
use super::machine::{id, number};
use super::world::World;
use crate::membership::Key;
use crate::wire::message::Fate;

/// Sender, receiver and their gateways: the scope in which order is kept.
pub(super) type Conversation = (Address, Address, usize, usize);

impl World {
    /// Nobody is seen at a gateway that is dead, or cut off, for longer than a lease and five
    /// seconds.
    pub(super) fn check_ghosts(&self, at: usize) {
        let Some(machine) = &self.seats[at].running else { return };
        for (who, places) in &machine.believed {
            for place in places.iter().map(number) {
                let down = self.seats[place].down_since;
                let dead = down.is_some_and(|since| self.now > since + GHOST);
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
            for watched in &machine.watching {
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

    /// Checks that every contact that was added anywhere is at every home.
    pub(super) fn check_rosters(&self) {
        for (owner, added) in &self.added {
            for home in self.homes(&Key::of(owner)) {
                let machine = self.seats[home].running.as_ref().unwrap();
                let roster = machine.rosters.load(owner);
                let listed: BTreeSet<_> = roster.listed().map(|c| c.address.clone()).collect();
                assert_eq!(&listed, added, "the list of {owner} at gateway {home}");
            }
        }
    }

    /// Everything that was taken for somebody who is there has arrived.
    pub(super) fn check_deliveries(&self) {
        for (n, said) in self.said.iter().enumerate() {
            assert!(said.outcome.is_some() || said.orphaned, "message {n} has no outcome");
            if !self.is_lost_on(&said.to) && matches!(said.outcome, Some(Ok(_))) {
                assert!(!said.shown.is_empty(), "message {n} to {} was lost", said.to);
            }
        }
    }

    /// Everything that was taken for somebody who never came back was reported, and nothing is
    /// kept any more.
    pub(super) fn check_reports(&self) {
        for (n, said) in self.said.iter().enumerate() {
            if let Some(Ok(Fate::Kept { .. })) = said.outcome
                && !self.is_lost_on(&said.from)
            {
                let (shown, reported) = (!said.shown.is_empty(), !said.reported.is_empty());
                assert!(shown != reported, "message {n}: shown {shown}, reported {reported}");
            }
        }
        for (n, seat) in self.seats.iter().enumerate() {
            let machine = seat.running.as_ref().unwrap();
            let kept = machine.posts.values().map(|(post, _)| post.message.receiver());
            let kept: Vec<_> = kept.filter(|to| !self.is_lost_on(to)).collect();
            assert!(kept.is_empty(), "gateway {n} still keeps something for {kept:?}");
        }
    }

    pub(super) fn keeps_something(&self) -> bool {
        let running = self.seats.iter().filter_map(|seat| seat.running.as_ref());
        let mut kept = running.flat_map(|machine| machine.posts.values());
        kept.any(|(post, _)| !self.is_lost_on(post.message.receiver()))
            || self.said.iter().any(|said| said.outcome.is_none() && !said.orphaned)
    }

    fn is_lost_on(&self, who: &Address) -> bool {
        self.person(who).leaves
    }
}
