//! Events on their way to the router, and those it has no room for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::settle::refuse;
use super::{Hub, State, lock};
use crate::hub::inbound::Inbound;
use crate::membership::GatewayId;
use crate::node::violations::Violation;

/// Events the router may lag behind.
const MAX_BACKLOG: usize = 4096;
/// Number of queued messages of one gateway from which on its link is read no further.
pub(crate) const SHARE: usize = 512;
/// Divisor for the share of one gateway in the bytes that may wait.
const OF_GATEWAY: usize = 8;
/// A gateway that keeps the router busy for so long sends more than its share.
const PATIENCE: Duration = Duration::from_secs(1);

/// Events that the router had no room for, in order.
pub(super) struct Backlog {
    events: VecDeque<Inbound>,
    /// Bytes of the messages among them.
    bytes: usize,
    /// Bytes from which on nothing more is taken.
    limit: usize,
    /// Queued messages of each gateway.
    shares: HashMap<GatewayId, Share>,
}

/// What is queued of one gateway.
#[derive(Default)]
struct Share {
    messages: usize,
    bytes: usize,
}

impl Backlog {
    /// An empty one that takes `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { events: VecDeque::new(), bytes: 0, limit, shares: HashMap::new() }
    }

    /// Takes `limit` bytes from now on. What is in it stays.
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether there is room for another event, which may go past the limit by its own size.
    pub(super) fn has_room(&self) -> bool {
        self.events.len() < MAX_BACKLOG && self.bytes < self.limit
    }

    /// Whether what `peer` said has room in its share.
    fn has_room_for(&self, peer: GatewayId) -> bool {
        self.shares
            .get(&peer)
            .is_none_or(|share| share.messages < SHARE && share.bytes < self.limit / OF_GATEWAY)
    }

    fn push(&mut self, event: Inbound) {
        if let Inbound::Message { from, message, .. } = &event {
            let (bytes, share) = (message.weight(), self.shares.entry(*from).or_default());
            share.messages += 1;
            share.bytes += bytes;
            self.bytes += bytes;
        }
        self.events.push_back(event);
    }

    fn pop(&mut self) -> Option<Inbound> {
        let event = self.events.pop_front()?;
        if let Inbound::Message { from, message, .. } = &event
            && let Some(share) = self.shares.get_mut(from)
        {
            let bytes = message.weight();
            share.messages -= 1;
            share.bytes -= bytes;
            self.bytes -= bytes;
            if share.messages == 0 {
                self.shares.remove(from);
            }
        }
        Some(event)
    }
}

impl Hub {
    /// Brings the backlog to the router until `stop`, or until nobody listens.
    pub(crate) async fn pump(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(self.lag.notified()).await.is_some() {
            loop {
                // A place at the router first, then the event: what is taken off the backlog cannot
                // be lost while it waits for one.
                let permit = stop.run_until_cancelled(self.inbound.reserve()).await;
                let Some(Ok(permit)) = permit else { return };
                // Not under the lock: an event that nobody takes answers as it is dropped.
                let event = lock(&self.state).backlog.pop();
                match event {
                    Some(event) => permit.send(event),
                    None => break,
                }
                self.room.notify_waiters();
            }
        }
    }

    /// Resolves when the router does not lag too far behind.
    pub(crate) async fn room(&self) {
        loop {
            // Registered before the look, lest room that comes in between is missed.
            let room = self.room.notified();
            if lock(&self.state).backlog.has_room() {
                return;
            }
            room.await;
        }
    }

    /// Resolves when the router does not lag too far behind with what `peer` says.
    pub(crate) async fn room_for(self: &Arc<Self>, peer: GatewayId) {
        let has_room = async {
            loop {
                let room = self.room.notified();
                if self.has_room_for(peer) {
                    return;
                }
                room.await;
            }
        };
        tokio::pin!(has_room);
        if timeout(PATIENCE, &mut has_room).await.is_err() {
            self.refuse(peer, Violation::Flood, "it sends faster than people can be told");
            has_room.await;
        }
    }

    /// Whether the router does not lag too far behind with what `peer` says.
    pub(crate) fn has_room_for(&self, peer: GatewayId) -> bool {
        lock(&self.state).backlog.has_room_for(peer)
    }

    pub(super) fn hand_over(self: &Arc<Self>, event: Inbound) {
        let mut state = lock(&self.state);
        self.push(&mut state, event);
    }

    /// Gives an event to the router, behind those that wait.
    pub(super) fn push(&self, state: &mut State, event: Inbound) {
        // Never past a backlog: the router sees events in the order in which they happened.
        let event = if state.backlog.events.is_empty() {
            match self.inbound.try_send(event) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Closed(event)) => return refuse(state, event),
                Err(mpsc::error::TrySendError::Full(event)) => event,
            }
        } else {
            event
        };
        state.backlog.push(event);
        self.lag.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::answer::Answer;
    use crate::wire::message::Message;
    use crosstalk_core::{Body, Envelope, EnvelopeId, UnixMillis};

    fn says(from: GatewayId, text: &str) -> Inbound {
        let message = Message::Envelope(Envelope {
            id: EnvelopeId(1),
            from: "eve@aol".parse().unwrap(),
            to: "bob@yahoo".parse().unwrap(),
            sent_at: UnixMillis(0),
            body: Body::Text { text: text.into(), auto: false },
            details: None,
        });
        Inbound::Message { from, message, answer: Answer(None) }
    }

    #[test]
    fn few_that_are_long_take_no_more_room_than_many_that_are_short() {
        let (eve, ann) = (GatewayId::from_bytes([1; 32]), GatewayId::from_bytes([2; 32]));
        let long = "x".repeat(10_000);
        let mut backlog = Backlog::new(160_000);
        for _ in 0..2 {
            assert!(backlog.has_room_for(eve));
            backlog.push(says(eve, &long));
        }
        assert!(!backlog.has_room_for(eve), "an eighth is of one gateway");
        assert!(backlog.has_room_for(ann) && backlog.has_room());
        while backlog.has_room() {
            backlog.push(says(ann, &long));
        }
        assert!((160_000..171_000).contains(&backlog.bytes), "{}", backlog.bytes);
        while backlog.pop().is_some() {}
        assert!(backlog.bytes == 0 && backlog.shares.is_empty() && backlog.has_room_for(eve));
    }

    #[test]
    fn another_limit_drops_nothing() {
        let eve = GatewayId::from_bytes([1; 32]);
        let mut backlog = Backlog::new(160_000);
        backlog.push(says(eve, "hi"));
        backlog.set_limit(1);
        assert!(!backlog.has_room() && !backlog.has_room_for(eve));
        assert!(backlog.pop().is_some() && backlog.has_room());
    }
}
