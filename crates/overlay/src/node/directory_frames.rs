//! Frames to peers about who is where: records, in batches, and whom a home has heard out.

use std::time::Instant;

use super::{Effect, Node};
use crate::common::map::Map;
use crate::directory::News;
use crate::directory::subscriptions::{Move, Version};
use crate::membership::GatewayId;
use crate::wire::frame::{Frame, MAX_BATCH, Record};

impl<T, L> Node<T, L> {
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
