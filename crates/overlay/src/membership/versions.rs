//! Versions of the membership that the peers have. Pure.
//!
//! Homes follow from the member list, so what two directories say to each other means the same
//! only while both have the same list. A gateway says its version, its *era*, first on a link
//! and at each change; the two exchange everything when they find themselves in one era.

use std::time::{Duration, Instant};

use crate::common::map::Map;
use crate::membership::GatewayId;

/// Longest wait for the document before another peer is asked for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The versions of the membership that linked peers have, and that this gateway has.
#[derive(Debug, Default)]
pub(crate) struct MembershipVersions {
    own: u64,
    peers: Map<GatewayId, u64>,
    asked: Option<Instant>,
    turn: usize,
}

impl MembershipVersions {
    /// A gateway in its era `own`; 0 fits to all.
    pub(crate) fn new(own: u64) -> Self {
        Self { own, ..Self::default() }
    }

    /// This gateway's era changed.
    pub(crate) const fn begin(&mut self, own: u64) {
        self.own = own;
        self.asked = None;
    }

    /// A link to `peer` came up. Where the peer will not say its era, `silent`, any fits.
    pub(crate) fn linked(&mut self, peer: GatewayId, silent: bool) {
        self.peers.remove(&peer);
        if silent {
            self.peers.insert(peer, 0);
        }
    }

    /// The link to `peer` closed.
    pub(crate) fn unlinked(&mut self, peer: &GatewayId) {
        self.peers.remove(peer);
    }

    /// `peer` says its era. Returns whether the two are in one era now, and were not before.
    pub(crate) fn told(&mut self, peer: GatewayId, era: u64) -> bool {
        let before = self.is_shared(&peer);
        self.peers.insert(peer, era);
        !before && self.is_shared(&peer)
    }

    /// Whether `peer` is known to be in this gateway's era.
    pub(crate) fn is_shared(&self, peer: &GatewayId) -> bool {
        self.own == 0 || self.peers.get(peer).is_some_and(|era| *era == 0 || *era == self.own)
    }

    /// The era that `peer` said; 0 where it said none.
    pub(crate) fn of(&self, peer: &GatewayId) -> u64 {
        self.peers.get(peer).copied().unwrap_or_default()
    }

    /// A peer to ask for a newer document, when one is due to be asked.
    pub(crate) fn ask(&mut self, now: Instant) -> Option<GatewayId> {
        let waiting = self.asked.is_some_and(|at| now.saturating_duration_since(at) < PATIENCE);
        if self.own == 0 || waiting {
            return None;
        }
        // Another one each time, so that none that does not answer is asked for ever.
        let newer: Vec<_> =
            self.peers.iter().filter(|(_, era)| **era > self.own).map(|(peer, _)| *peer).collect();
        let peer = *newer.get(self.turn % newer.len().max(1))?;
        self.turn = self.turn.wrapping_add(1);
        self.asked = Some(now);
        Some(peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: GatewayId = GatewayId::from_bytes([1; 32]);
    const B: GatewayId = GatewayId::from_bytes([2; 32]);

    #[test]
    fn two_are_in_one_era_when_both_said_so() {
        let mut membership_versions = MembershipVersions::new(2);
        membership_versions.linked(A, false);
        assert!(!membership_versions.is_shared(&A));
        assert!(
            !membership_versions.told(A, 1)
                && membership_versions.told(A, 2)
                && !membership_versions.told(A, 2)
        );
        membership_versions.begin(3);
        assert!(!membership_versions.is_shared(&A) && membership_versions.told(A, 3));
        membership_versions.linked(A, false);
        assert!(!membership_versions.is_shared(&A), "a new link begins anew");
    }

    #[test]
    fn a_fixed_list_fits_to_all() {
        let mut membership_versions = MembershipVersions::new(0);
        assert!(membership_versions.is_shared(&A));
        assert!(membership_versions.ask(Instant::now()).is_none());
        membership_versions.begin(5);
        membership_versions.linked(A, true);
        assert!(membership_versions.is_shared(&A));
    }

    #[test]
    fn one_peer_is_asked_at_a_time() {
        let (mut membership_versions, now) = (MembershipVersions::new(1), Instant::now());
        assert_eq!(membership_versions.ask(now), None, "nobody has a newer one");
        membership_versions.told(A, 2);
        membership_versions.told(B, 2);
        let first = membership_versions.ask(now).unwrap();
        assert_eq!(membership_versions.ask(now), None);
        assert_ne!(membership_versions.ask(now + PATIENCE), Some(first), "another one");
    }
}
