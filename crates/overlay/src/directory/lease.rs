//! Leases: the gateways that live, as told by them. Pure: time is an argument.

use std::time::{Duration, Instant};

use crate::common::map::Map;
use crate::membership::GatewayId;

/// Time between two renewals of a gateway's lease, on every link.
pub(crate) const RENEW: Duration = Duration::from_secs(5);
/// Validity of a lease.
pub(crate) const TTL: Duration = Duration::from_secs(15);
/// Time for which a gateway counts as living after its link closed, so that a short break in the
/// network signs nobody off.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

/// Names one link in the life of this process.
pub(crate) type LinkId = u64;

/// State of a peer at the beginning of a new link to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// It was gone, or never there.
    New,
    /// It was there all the time.
    Resumed,
    /// It restarted: everything the old boot said is void.
    Rebooted,
}

/// The leases this gateway holds of others.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    peers: Map<GatewayId, Lease>,
}

#[derive(Debug)]
struct Lease {
    epoch: u64,
    link: Option<LinkId>,
    until: Instant,
}

impl Leases {
    /// A link to `peer`, now in its boot `epoch`, came up; it replaces an older one.
    pub(crate) fn linked(
        &mut self,
        now: Instant,
        peer: GatewayId,
        link: LinkId,
        epoch: u64,
    ) -> Begin {
        match self.peers.insert(peer, Lease { epoch, link: Some(link), until: now + TTL }) {
            None => Begin::New,
            Some(old) if old.epoch == epoch => Begin::Resumed,
            Some(_) => Begin::Rebooted,
        }
    }

    /// A link closed. Returns whether it was the peer's present one.
    pub(crate) fn unlinked(&mut self, now: Instant, peer: &GatewayId, link: LinkId) -> bool {
        match self.peers.get_mut(peer) {
            Some(lease) if lease.link == Some(link) => {
                lease.link = None;
                lease.until = lease.until.min(now + GRACE);
                true
            }
            _ => false,
        }
    }

    /// The peer renewed its lease for `ttl`, of which no more than [`TTL`] is granted.
    pub(crate) fn renewed(&mut self, now: Instant, peer: &GatewayId, ttl: Duration) {
        if let Some(lease) = self.peers.get_mut(peer) {
            lease.until = now + ttl.min(TTL);
        }
    }

    /// Ends the leases that ran out, and names their gateways.
    pub(crate) fn lapsed(&mut self, now: Instant) -> Vec<GatewayId> {
        self.peers.extract_if(|_, lease| lease.until <= now).map(|(peer, _)| peer).collect()
    }

    /// The peer is no member any more.
    pub(crate) fn forget(&mut self, peer: &GatewayId) {
        self.peers.remove(peer);
    }

    /// The boot of a living peer.
    pub(crate) fn epoch(&self, peer: &GatewayId) -> Option<u64> {
        self.peers.get(peer).map(|lease| lease.epoch)
    }

    /// End of a living peer's lease.
    pub(crate) fn until(&self, peer: &GatewayId) -> Option<Instant> {
        self.peers.get(peer).map(|lease| lease.until)
    }

    /// The peer's link, if it has one.
    pub(crate) fn link(&self, peer: &GatewayId) -> Option<LinkId> {
        self.peers.get(peer)?.link
    }

    /// The peers with a link.
    pub(crate) fn links(&self) -> impl Iterator<Item = GatewayId> {
        self.peers.iter().filter(|(_, lease)| lease.link.is_some()).map(|(peer, _)| *peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: GatewayId = GatewayId::from_bytes([1; 32]);

    #[test]
    fn a_silent_peer_is_lost_after_its_lease() {
        let (mut leases, start) = (Leases::default(), Instant::now());
        assert_eq!(leases.linked(start, PEER, 1, 10), Begin::New);
        leases.renewed(start + RENEW, &PEER, TTL);
        assert!(leases.lapsed(start + TTL).is_empty());
        assert_eq!(leases.lapsed(start + RENEW + TTL), [PEER]);
        assert_eq!(leases.epoch(&PEER), None);
    }

    #[test]
    fn a_closed_link_leaves_a_short_grace() {
        let (mut leases, start) = (Leases::default(), Instant::now());
        leases.linked(start, PEER, 1, 10);
        assert!(leases.unlinked(start, &PEER, 1));
        assert!(leases.lapsed(start + GRACE / 2).is_empty());
        assert_eq!(leases.linked(start + GRACE / 2, PEER, 2, 10), Begin::Resumed);
        assert!(!leases.unlinked(start + GRACE / 2, &PEER, 1), "the old link's end is no news");
        assert!(leases.lapsed(start + GRACE).is_empty());
    }

    #[test]
    fn a_new_epoch_is_a_reboot() {
        let (mut leases, start) = (Leases::default(), Instant::now());
        leases.linked(start, PEER, 1, 10);
        assert_eq!(leases.linked(start, PEER, 2, 11), Begin::Rebooted);
    }

    #[test]
    fn nobody_grants_itself_a_long_life() {
        let (mut leases, start) = (Leases::default(), Instant::now());
        leases.linked(start, PEER, 1, 10);
        leases.renewed(start, &PEER, Duration::MAX);
        assert_eq!(leases.lapsed(start + TTL), [PEER]);
    }
}
