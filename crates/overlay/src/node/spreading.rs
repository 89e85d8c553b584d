//! Frames to peers: their queues, and what is spread among all.

use std::time::Instant;

use bytes::Bytes;
use crosstalk_core::Blame;

use super::{Effect, Node};
use crate::common::map::Map;
use crate::common::queue::Pushed;
use crate::directory::News;
use crate::directory::lease::LinkId;
use crate::directory::subscriptions::{Move, Version};
use crate::membership::GatewayId;
use crate::wire::frame::{Frame, MAX_BATCH, NEWEST, Record};

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

    pub(super) fn spread_news(&mut self, now: Instant) {
        let mut records: Map<GatewayId, Vec<Record>> = Map::default();
        for news in self.directory.take_news() {
            match news {
                News::Tell(to, record) => records.entry(to).or_default().push(record),
                News::Move(Move::Arrived(user, at)) => {
                    self.arrived(now, user, at);
                }
                News::Move(Move::Left(user, at)) => {
                    if !self.is_private(&user) {
                        self.effects.push_back(Effect::Left(user, at));
                    }
                }
            }
        }
        for (peer, records) in records {
            self.queue_records(peer, records);
        }
        self.work_off(now);
    }

    /// Tells everybody whom this home has heard out since it told last.
    pub(super) fn spread_heard_out(&mut self, now: Instant) {
        let heard = self.directory.take_heard_out();
        let linked: Vec<_> = self.leases.links().collect();
        for peer in linked {
            self.queue_heard_out(peer, &heard);
        }
        self.spread_news(now);
    }

    pub(super) fn queue_heard_out(&mut self, peer: GatewayId, heard: &[(GatewayId, Version)]) {
        for some in heard.chunks(MAX_BATCH) {
            let some = some.iter().map(|(gateway, at)| (*gateway, at.epoch, at.version));
            self.queue(peer, &Frame::HeardOut(some.collect()));
        }
    }

    pub(super) fn queue_records(&mut self, peer: GatewayId, mut records: Vec<Record>) {
        while !records.is_empty() {
            let rest = records.split_off(records.len().min(MAX_BATCH));
            self.queue(peer, &Frame::Records(records));
            records = rest;
        }
    }
}
