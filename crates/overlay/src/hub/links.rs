//! The hub's side of links: who is linked, what comes and goes.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{Fault, HostPort};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Hub, LinkHandle, Tickets, lock};
use crate::common::clock;
use crate::hub::status::LinkStatus;
use crate::membership::signed_addresses::Card;
use crate::membership::{GatewayId, Members};
use crate::node::violations::{Counts, Violation};
use crate::wire::frame::Frame;

impl Hub {
    /// A link to `peer` in its boot `epoch` came up, on which frames are of `version`; one that
    /// was there before is closed.
    pub(crate) fn open(
        self: &Arc<Self>,
        peer: GatewayId,
        epoch: u64,
        version: u8,
    ) -> Arc<LinkHandle> {
        let handle = {
            let mut state = lock(&self.state);
            state.last_link += 1;
            let (link, closing) = (state.last_link, CancellationToken::new());
            let handle = Arc::new(LinkHandle { peer, link, version, wake: Notify::new(), closing });
            // One link a pair: the newest is of the peer's present boot, or of a path that works.
            if let Some(old) = state.links.insert(peer, handle.clone()) {
                old.closing.cancel();
            }
            state.since.insert(peer, clock::now());
            handle
        };
        // Before the comparison that follows from it.
        lock(&self.mappings.mappings).linked(&peer);
        self.with(|node, now| node.linked(now, peer, handle.link, epoch, version));
        handle
    }

    /// The link closed.
    pub(crate) fn close(self: &Arc<Self>, handle: &LinkHandle) {
        self.hold(|state, now| {
            // A link that was replaced closes later than its successor opened, and must not take
            // that with it.
            if state.links.get(&handle.peer).is_some_and(|now| now.link == handle.link) {
                state.links.remove(&handle.peer);
                state.since.insert(handle.peer, now);
            }
            state.node.unlinked(now, handle.peer, handle.link);
        });
    }

    /// Frames came over the link, in that order. Says whether the router keeps up with the peer.
    pub(crate) fn received(
        self: &Arc<Self>,
        handle: &LinkHandle,
        frames: impl Iterator<Item = Frame>,
    ) -> Result<bool, Fault> {
        let mut frames = frames.peekable();
        while let Some(frame) = frames.next() {
            // A link that was replaced must not speak for the boot that replaced it, and one of a
            // gateway that is no member any more for nobody.
            let present = |node: &Tickets| node.link_of(&handle.peer) == Some(handle.link);
            match frame {
                _ if !self.with(|node, _| present(node)) => return Ok(true),
                Frame::Membership(signed) => self.membership_frame(handle.peer, signed),
                frame if frame.is_of_rosters() => self.roster_frame(handle.peer, frame)?,
                frame if frame.is_of_mappings() => self.mapping_frame(handle.peer, frame)?,
                frame => self.with(|node, now| {
                    let mut next = Some(frame);
                    while let Some(frame) = next.filter(|_| present(node)) {
                        node.received(now, handle.peer, frame)?;
                        next = frames.next_if(Frame::is_of_node);
                    }
                    Ok(())
                })?,
            }
        }
        Ok(self.has_room_for(handle.peer))
    }

    /// Waits for frames to write, and takes up to `most` of them.
    pub(crate) async fn frames(&self, handle: &LinkHandle, most: usize, frames: &mut Vec<Bytes>) {
        loop {
            lock(&self.state).node.dequeue(&handle.peer, handle.link, most, frames);
            if !frames.is_empty() {
                return;
            }
            handle.wake.notified().await;
        }
    }

    /// The gateways to which a link is up.
    pub(crate) fn linked(&self) -> Vec<GatewayId> {
        lock(&self.state).links.keys().copied().collect()
    }

    /// The link to a peer, and since when it is as it is.
    pub(crate) fn link_status(
        &self,
        now: Instant,
        peer: &GatewayId,
    ) -> (Option<LinkStatus>, Duration) {
        let state = lock(&self.state);
        let link = state.links.get(peer).map(|handle| LinkStatus {
            version: handle.version,
            lease: state.node.lease_of(now, peer),
            membership: state.node.membership_of(peer),
        });
        let since = state.since.get(peer).copied().unwrap_or(self.started);
        (link, now.saturating_duration_since(since))
    }

    /// Other gateways belong from now on, or others have other rights.
    pub(crate) fn set_members(self: &Arc<Self>, members: Members) {
        let members = Arc::new(members);
        lock(&self.rosters).set_members(members.clone());
        lock(&self.mappings.mappings).set_members(members.clone());
        self.members.send_replace(members.clone());
        self.with(|node, now| node.set_members(now, members));
    }

    /// This gateway's own card.
    pub(crate) fn set_card(self: &Arc<Self>, card: &Card) {
        self.with(|node, _| node.set_card(card));
    }

    /// Addresses at which a gateway says that it can be dialled.
    pub(crate) fn addresses(&self, gateway: &GatewayId) -> Vec<HostPort> {
        lock(&self.state).node.addresses(gateway)
    }

    /// Whether a link to a gateway can ever come up.
    pub(crate) fn may_link(&self, gateway: &GatewayId) -> bool {
        lock(&self.state).node.may_link(gateway)
    }

    /// Counts and logs something of a peer's that was refused.
    pub(crate) fn refuse(self: &Arc<Self>, peer: GatewayId, what: Violation, why: impl Display) {
        self.with(|node, now| node.violations.refuse(now, peer, what, why));
    }

    /// Counts a connection of somebody who is no member.
    pub(crate) fn count_stranger(self: &Arc<Self>) {
        self.with(|node, _| node.violations.stranger());
    }

    /// The counters.
    pub(crate) fn counts(&self) -> Counts {
        lock(&self.state).node.violations.total()
    }

    /// Counts of what was refused from one peer.
    pub(crate) fn counts_of(&self, peer: &GatewayId) -> Counts {
        lock(&self.state).node.violations.of(peer)
    }
}
