//! Frames from peers, each given to the part that it is for.

use std::time::{Duration, Instant};

use crosstalk_core::{Blame, Fault};

use super::{MAX_CARDS, Node};
use crate::directory::subscriptions::Version;
use crate::membership::GatewayId;
use crate::node::violations::Violation;
use crate::wire::frame::{Frame, MAX_BATCH, MAX_HOPS};

impl<T, L> Node<T, L> {
    /// A frame came from `peer`. On `Err` its link is to be closed.
    pub(crate) fn received(
        &mut self,
        now: Instant,
        peer: GatewayId,
        frame: Frame,
    ) -> Result<(), Fault> {
        match frame {
            Frame::Lease { seq, ttl_ms } => {
                self.lease(now, peer, seq, Duration::from_millis(ttl_ms.into()));
            }
            Frame::Records(_) | Frame::Synced { .. } | Frame::HeardOut(_) => {
                return self.directory_frame(now, peer, frame);
            }
            Frame::Locate { ask, key } => {
                let at = self.directory.kept(&key);
                self.queue(peer, &Frame::Located { ask, at });
            }
            Frame::Located { ask, at } => self.located(now, peer, ask, at),
            Frame::Message { number, settled, message } => {
                return self.message(now, peer, (number, settled), message, Duration::ZERO);
            }
            // Gateways send to where somebody is: what was passed on could come round again.
            Frame::Said { hops, .. } if hops > MAX_HOPS => {
                return Err(peers("a message that was passed on"));
            }
            Frame::Said { number, settled, age_ms, message, .. } => {
                let age = Duration::from_millis(age_ms);
                return self.message(now, peer, (number, settled), message, age);
            }
            Frame::UnknownMessage { number } => self.unknown_message(now, peer, number),
            Frame::Answer { number, outcome } => {
                if let Some(ticket) = self.delivery.answered(&peer, number) {
                    self.conclude(now, peer, ticket, outcome);
                }
            }
            // Of rosters, mappings and members the hub takes care; what a newer peer says beside is skipped.
            Frame::Unknown
            | Frame::RosterGet { .. }
            | Frame::RosterGot { .. }
            | Frame::RosterPut { .. }
            | Frame::RosterDigests(_)
            | Frame::RosterWant(_)
            | Frame::MappingGet { .. }
            | Frame::MappingGot { .. }
            | Frame::MappingPut { .. }
            | Frame::MappingOffered { .. }
            | Frame::MappingDigests(_)
            | Frame::MappingWant(_)
            | Frame::MappingWatch { .. }
            | Frame::Membership(_) => {}
            Frame::Era(era) => {
                if self.membership_versions.told(peer, era) {
                    self.sync(now, peer);
                }
                self.ask_for_membership(now);
            }
            Frame::Cards(cards) if cards.len() > MAX_CARDS => {
                return Err(peers("a batch of too many cards"));
            }
            Frame::Cards(cards) => self.pass_on(now, peer, &cards),
            Frame::MembershipGet => {
                if let Some(document) = self.members.document() {
                    let frame = Frame::Membership(document.signed());
                    self.queue(peer, &frame);
                }
            }
        }
        Ok(())
    }

    fn lease(&mut self, now: Instant, peer: GatewayId, seq: u64, ttl: Duration) {
        if self.is_replayed(peer, |said| &mut said.lease, seq.saturating_add(1)) {
            self.violations.refuse(now, peer, Violation::Replay, "a lease that it said before");
        } else {
            self.leases.renewed(now, &peer, ttl);
        }
    }

    /// Takes records of a peer, or what it says of them.
    fn directory_frame(
        &mut self,
        now: Instant,
        peer: GatewayId,
        frame: Frame,
    ) -> Result<(), Fault> {
        match frame {
            Frame::Records(records) if records.len() > MAX_BATCH => {
                return Err(peers("a batch of too many records"));
            }
            // Under another list of members other gateways are home: both would be wrong.
            _ if !self.membership_versions.is_shared(&peer) => {}
            Frame::Records(records) => {
                for record in records {
                    let taken = self.directory.take(peer, record);
                    taken.map_err(|_| peers("more records than one gateway may have"))?;
                }
                self.spread_news(now);
            }
            Frame::Synced { version } => {
                self.directory.synced(peer, version);
                self.spread_news(now);
                self.spread_heard_out(now);
            }
            Frame::HeardOut(heard) if heard.len() > MAX_BATCH => {
                return Err(peers("a batch of too many gateways"));
            }
            Frame::HeardOut(heard) => {
                let heard = heard.into_iter();
                let heard: Vec<_> = heard
                    .map(|(gateway, epoch, version)| (gateway, Version { epoch, version }))
                    .collect();
                self.directory.told_heard_out(peer, &heard);
                self.spread_news(now);
            }
            _ => {}
        }
        Ok(())
    }
}

fn peers(what: &'static str) -> Fault {
    Fault::new(Blame::Peer, what)
}
