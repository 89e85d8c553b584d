//! Checks of what the hubs of the hosts know and keep.

use std::collections::BTreeSet;
use std::time::Duration;

use crosstalk_core::Address;

use super::super::machine::id;
use super::super::people::Simulation as _;
use super::super::router::Router;
use super::world::World;

impl World {
    /// Every watcher knows where everybody is.
    pub(super) fn check_places(&mut self) {
        for n in 0..self.gateways() {
            let ledger = self.ledger();
            let host = ledger.host(n).unwrap();
            let watched: Vec<_> = host.router.borrow().watched().cloned().collect();
            for watched in watched {
                let is_at = |at: &usize| ledger.seats[*at].here.contains(&watched);
                let truth: BTreeSet<_> = (0..ledger.seats.len()).filter(is_at).map(id).collect();
                let looking = host.clone();
                host.spawn(async move {
                    let located = BTreeSet::from_iter(looking.hub.locate(&watched).await);
                    assert_eq!(located, truth, "where gateway {n} finds {watched}");
                });
            }
        }
        self.pass(Duration::from_secs(3));
    }

    /// Nothing is kept any more for anybody who is there.
    pub(super) fn check_nothing_kept(&self) {
        assert_eq!(self.kept_for(), [], "nothing is kept any more");
    }

    /// Whether something is kept for somebody who is there, or not settled, or not shown.
    pub(super) fn waits_for_something(&self) -> bool {
        !self.kept_for().is_empty()
            || (0..self.gateways()).any(|at| self.look(at, Router::is_quiet) == Some(false))
    }

    /// For whom something is kept, of those who did not leave.
    fn kept_for(&self) -> Vec<Address> {
        let ledger = self.ledger();
        let hosts = ledger.seats.iter().filter_map(|seat| seat.host.as_ref());
        let posts = hosts.flat_map(|host| host.store.posts(host.wall.read()));
        let receivers = posts.map(|(_, post, _)| post.message.receiver().clone());
        receivers.filter(|to| !ledger.record.person(to).leaves).collect()
    }
}
