//! Events on their way to the router, and those it has no room for.

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
pub(super) const MAX_BACKLOG: usize = 4096;
/// Number of queued messages of one gateway from which on its link is read no further.
pub(crate) const SHARE: usize = 512;
/// A gateway that keeps the router busy for so long sends more than its share.
const PATIENCE: Duration = Duration::from_secs(1);

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
                let event = lock(&self.state).take_event();
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
            if lock(&self.state).backlog.len() < MAX_BACKLOG {
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
        lock(&self.state).shares.get(&peer).is_none_or(|n| *n < SHARE)
    }

    pub(super) fn hand_over(self: &Arc<Self>, event: Inbound) {
        let mut state = lock(&self.state);
        self.push(&mut state, event);
    }

    /// Gives an event to the router, behind those that wait.
    pub(super) fn push(&self, state: &mut State, event: Inbound) {
        // Never past a backlog: the router sees events in the order in which they happened.
        let event = if state.backlog.is_empty() {
            match self.inbound.try_send(event) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Closed(event)) => return refuse(state, event),
                Err(mpsc::error::TrySendError::Full(event)) => event,
            }
        } else {
            event
        };
        if let Inbound::Message { from, .. } = &event {
            *state.shares.entry(*from).or_default() += 1;
        }
        state.backlog.push_back(event);
        self.lag.notify_one();
    }
}

impl State {
    pub(super) fn take_event(&mut self) -> Option<Inbound> {
        let event = self.backlog.pop_front()?;
        if let Inbound::Message { from, .. } = &event
            && let Some(share) = self.shares.get_mut(from)
        {
            *share -= 1;
            if *share == 0 {
                self.shares.remove(from);
            }
        }
        Some(event)
    }
}
