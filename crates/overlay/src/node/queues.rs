//! Queues of frames to peers.

use bytes::Bytes;
use crosstalk_core::Blame;

use super::{Effect, Node};
use crate::common::queue::Pushed;
use crate::directory::lease::LinkId;
use crate::membership::GatewayId;
use crate::wire::frame::{Frame, NEWEST};

impl<T, L> Node<T, L> {
    /// Puts a frame into the queue of `peer`. Returns false where it is too long to be sent;
    /// without a link, and where the peer's version lacks it, it is dropped.
    pub(crate) fn queue(&mut self, peer: GatewayId, frame: &Frame) -> bool {
        let version = self.versions.get(&peer).copied().unwrap_or(NEWEST);
        let Some(frame) = frame.for_version(version) else { return true };
        let Some(bytes) = frame.encode(version) else { return false };
        // Dropped without a link: what must arrive is repeated when one comes up.
        let Some(link) = self.leases.link(&peer) else { return true };
        match self.queues.entry(peer).or_default().push(bytes) {
            Pushed::First => self.effects.push_back(Effect::Wake(peer)),
            Pushed::Behind => {}
            Pushed::Full => {
                tracing::warn!(%peer, "{}: it reads too slowly, closing the link", Blame::Peer);
                self.effects.push_back(Effect::Close(peer, link));
            }
        }
        true
    }

    /// Moves up to `most` frames for a link to `frames`.
    pub(crate) fn dequeue(
        &mut self,
        peer: &GatewayId,
        link: LinkId,
        most: usize,
        frames: &mut Vec<Bytes>,
    ) {
        if self.leases.link(peer) != Some(link) {
            return;
        }
        if let Some(queue) = self.queues.get_mut(peer) {
            queue.take(most, frames);
        }
    }
}
