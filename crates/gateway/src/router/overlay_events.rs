//! Events of the overlay.

use std::sync::{Arc, Weak};

use crosstalk_core::{Address, Failure, Presence};
use crosstalk_overlay::{GatewayId, Inbound, Message};
use crosstalk_router::{Count, Input};
use tokio::sync::mpsc;

use super::accounts::Answer;
use super::{RouterState, key_of};

/// Acts on everything the overlay says, until the overlay or the router is gone.
pub(super) async fn listen(router: Weak<RouterState>, mut inbound: mpsc::Receiver<Inbound>) {
    while let Some(inbound) = inbound.recv().await {
        let Some(state) = router.upgrade() else { return };
        state.hear(inbound);
    }
}

impl RouterState {
    fn hear(self: &Arc<Self>, inbound: Inbound) {
        match inbound {
            Inbound::Message { from, message, answer } => {
                self.receive(from, message, Answer::Overlay(answer));
            }
            Inbound::Arrived { user, at } => {
                for watcher in self.accounts.watchers(&user) {
                    self.apply(&watcher, Input::Arrived(user.clone(), key_of(at)));
                }
            }
            Inbound::Left { user, at } => {
                for watcher in self.accounts.watchers(&user) {
                    self.apply(&watcher, Input::Left(user.clone(), key_of(at)));
                }
            }
            Inbound::Lost(gateway) => {
                tracing::warn!(%gateway, "gateway lost: its users are offline");
                for slot in self.accounts.everybody() {
                    self.apply(&slot, Input::Lost(key_of(gateway)));
                }
            }
            Inbound::Roster(user) => {
                if let Some(slot) = self.accounts.get(&user) {
                    self.apply(&slot, Input::RosterChanged);
                }
            }
        }
    }

    /// Acts on what a gateway, which may be this one, says about people here.
    pub(super) fn receive(self: &Arc<Self>, from: GatewayId, message: Message, answer: Answer) {
        match message {
            Message::Envelope(envelope) => match self.accounts.get(&envelope.to) {
                Some(slot) => {
                    let from = key_of(from);
                    self.apply(&slot, Input::Envelope { from, envelope, answer });
                }
                None => self.answer(answer, Err(Failure::Offline)),
            },
            Message::Presence { of, presence, to } => {
                let result = self.show(from, &of, &presence, &to);
                self.answer(answer, result);
            }
            Message::Probe { of, by } => {
                let result = self.probe(from, &of, by);
                self.answer(answer, result);
            }
            Message::Question { of, by, question } => match self.accounts.get(&of) {
                Some(slot) => self.apply(&slot, Input::Question { by, question, answer }),
                None => self.answer(answer, Err(Failure::Offline)),
            },
            Message::Report { of, from: user, to, why } => {
                if let Some(slot) = self.accounts.get(&user) {
                    let from = key_of(from);
                    return self.apply(&slot, Input::Report { from, of, to, why, answer });
                }
                self.counters.count(Count::Undelivered);
                self.answer(answer, Err(Failure::Offline));
            }
        }
    }

    /// Shows people here a presence of somebody at `gateway`.
    pub(super) fn show(
        self: &Arc<Self>,
        gateway: GatewayId,
        of: &Address,
        presence: &Presence,
        to: &[Address],
    ) -> Result<(), Failure> {
        if to.is_empty() {
            self.overlay.hurry(of);
            return Ok(());
        }
        let mut anybody = Err(Failure::Offline);
        for watcher in to.iter().filter_map(|w| self.accounts.get(w)) {
            if watcher.lock().account.is_here() {
                anybody = Ok(());
                let (of, at, presence) = (of.clone(), key_of(gateway), presence.clone());
                self.apply(&watcher, Input::Presence { of, at, presence });
            }
        }
        anybody
    }

    /// People at `gateway` want to see somebody here.
    pub(super) fn probe(
        self: &Arc<Self>,
        gateway: GatewayId,
        of: &Address,
        by: Vec<Address>,
    ) -> Result<(), Failure> {
        let slot = self.accounts.get(of).ok_or(Failure::Offline)?;
        if !slot.lock().account.is_here() {
            return Err(Failure::Offline);
        }
        self.apply(&slot, Input::Probe { at: key_of(gateway), by });
        Ok(())
    }
}
