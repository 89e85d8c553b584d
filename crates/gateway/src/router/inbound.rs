//! What the overlay says.

use std::sync::{Arc, Weak};

use crosstalk_overlay::Inbound;
use tokio::sync::mpsc;

use super::Hub;
use super::begun::Begun;
use super::work::Chore;

/// Acts on everything the overlay says, until the overlay or the router is gone.
pub(super) async fn listen(hub: Weak<Hub>, mut inbound: mpsc::Receiver<Inbound>) {
    while let Some(inbound) = inbound.recv().await {
        let Some(hub) = hub.upgrade() else { return };
        hub.hear(inbound);
    }
}

impl Hub {
    fn hear(self: &Arc<Self>, inbound: Inbound) {
        match inbound {
            Inbound::Message { from, message, answer } => match self.receive(from, message) {
                Begun::Ended(result) => answer.give(result),
                Begun::UnderWay(attempt) => {
                    self.runtime.spawn(async move { answer.give(attempt.await) });
                }
            },
            Inbound::Arrived { user, at } => {
                for watcher in self.people.watchers(&user) {
                    self.with(&watcher, |p| p.arrived(self, &user, at));
                }
            }
            Inbound::Left { user, at } => {
                for watcher in self.people.watchers(&user) {
                    self.with(&watcher, |p| p.left(self, &user, at));
                }
            }
            Inbound::Lost(gateway) => {
                tracing::warn!(%gateway, "gateway lost: its users are offline");
                for person in self.people.everybody() {
                    self.with(&person, |p| p.lost(self, gateway));
                }
            }
            Inbound::Roster(user) => {
                if let Some(person) = self.people.get(&user) {
                    self.with(&person, |p| p.todo.chores.insert(Chore::Load));
                }
            }
        }
    }
}
