//! Checks of what must hold, whatever happened.

use std::collections::BTreeSet;
use std::time::Duration;

use crosstalk_core::Address;

use super::super::GHOST;
use super::super::machine::{id, number};
use super::world::World;
use crate::membership::{Key, Members, REPLICAS};
use crate::rosters::RosterStore as _;
use crate::wire::message::Fate;

impl World {
    /// Nobody is seen at a gateway that is dead, or cut off, for longer than a lease and five
    /// seconds.
    pub(super) fn check_ghosts(&mut self) {
        let now = self.now();
        let ledger = self.ledger();
        for (at, seat) in ledger.seats.iter().enumerate() {
            for (who, places) in &seat.believed {
                for place in places.iter().map(number) {
                    let down = ledger.seats[place].down_since;
                    let dead = down.is_some_and(|since| now > since + GHOST);
                    assert!(!dead, "gateway {at} sees {who} at {place}, which is dead");
                    let parted = self.is_parted(at, place, GHOST);
                    assert!(!parted, "gateway {at} sees {who} at {place}, which it cannot reach");
                }
            }
        }
    }

    /// Every watcher knows where everybody is.
    pub(super) fn check_places(&mut self) {
        let count = self.ledger().seats.len();
        for n in 0..count {
            let ledger = self.ledger();
            let seat = &ledger.seats[n];
            for watched in &seat.watching {
                let believed = seat.believed.get(watched).cloned().unwrap_or_default();
                let is_at = |at: &usize| ledger.seats[*at].here.contains(watched);
                let truth: BTreeSet<_> = (0..count).filter(is_at).map(id).collect();
                assert_eq!(believed, truth, "what gateway {n} believes of {watched}");
                let watched = watched.clone();
                seat.host.as_ref().unwrap().act(move |host| async move {
                    let located = BTreeSet::from_iter(host.hub.locate(&watched).await);
                    assert_eq!(located, truth, "where gateway {n} finds {watched}");
                });
            }
        }
        self.pass(Duration::from_secs(3));
    }

    /// Checks that every contact that was added anywhere is at every home.
    pub(super) fn check_rosters(&mut self) {
        let ledger = self.ledger();
        for (owner, added) in &ledger.added {
            let surely = ledger.surely_added.get(owner).cloned().unwrap_or_default();
            let members = Members::new(id(0), Vec::new(), &ledger.members, REPLICAS);
            let homes = members.homes(&Key::of(owner));
            let lists = homes.iter().map(number).map(|home| {
                let (_, roster) = ledger.host(home).unwrap().store.get(&Key::of(owner))?;
                let listed: BTreeSet<_> = roster.listed().map(|c| c.address.clone()).collect();
                Some(listed)
            });
            let all: Vec<_> = lists.collect();
            let homes: Vec<_> = homes.iter().map(number).collect();
            let first = all[0].clone();
            assert!(
                all.iter().all(|list| *list == first),
                "the homes {homes:?} of {owner}: {all:?}"
            );
            let listed = first.unwrap_or_default();
            assert!(surely.is_subset(&listed), "{owner} has {listed:?} of {surely:?}");
            assert!(listed.is_subset(added), "{owner} never added all of {listed:?}");
        }
    }

    /// Everything that was taken for somebody who is there has arrived, or expired.
    pub(super) fn check_deliveries(&mut self) {
        let ledger = self.ledger();
        for (n, said) in ledger.said.iter().enumerate() {
            assert!(said.outcome.is_some() || said.orphaned, "message {n} has no outcome");
            // Who left is shown nothing, and hears of nothing that expired.
            let is_unheard = ledger.person(&said.to).leaves
                || ledger.expires && ledger.person(&said.from).leaves;
            if !is_unheard && matches!(said.outcome, Some(Ok(_))) {
                let is_known = !said.shown.is_empty() || !said.reported.is_empty();
                assert!(is_known, "message {n} to {} was lost", said.to);
            }
        }
    }

    /// Everything that was taken for somebody who never came back was reported, and nothing is
    /// kept any more.
    pub(super) fn check_reports(&mut self) {
        let ledger = self.ledger();
        for (n, said) in ledger.said.iter().enumerate() {
            if let Some(Ok(Fate::Kept { .. })) = said.outcome
                && !ledger.person(&said.from).leaves
            {
                let (shown, reported) = (!said.shown.is_empty(), !said.reported.is_empty());
                assert!(shown != reported, "message {n}: shown {shown}, reported {reported}");
            }
        }
        drop(ledger);
        assert_eq!(self.kept_for(), [], "nothing is kept any more");
    }

    pub(super) fn waits_for_something(&mut self) -> bool {
        let unsettled = self.ledger().said.iter().any(|s| s.outcome.is_none() && !s.orphaned);
        unsettled || !self.kept_for().is_empty()
    }

    /// For whom something is kept, of those who did not leave.
    fn kept_for(&mut self) -> Vec<Address> {
        let ledger = self.ledger();
        let hosts = ledger.seats.iter().filter_map(|seat| seat.host.as_ref());
        let posts = hosts.flat_map(|host| host.store.posts(host.wall.read()));
        let receivers = posts.map(|(_, post, _)| post.message.receiver().clone());
        receivers.filter(|to| !ledger.person(to).leaves).collect()
    }
}
