//! Messages between people at this gateway, without any network.

use std::sync::Arc;

use crosstalk_core::Failure;
use crosstalk_overlay as overlay;
use crosstalk_router::{Fate, Input, Message, Ticket};

use super::RouterState;
use super::accounts::{Answer, Slot};

/// Number of messages that are given before others on the same worker have their turn.
const TURN: usize = 32;

impl RouterState {
    /// Gives what an account says to people here, in its order. It takes the locks of others, and
    /// so none of its own account meanwhile.
    pub(super) async fn deliver_locally(self: Arc<Self>, slot: Arc<Slot>) {
        let mut given = 0_usize;
        while let Some((ticket, message)) = next_local(&slot) {
            self.give(&slot, ticket, message);
            given += 1;
            if given.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
        }
        self.accounts.leave(&slot);
    }

    fn give(self: &Arc<Self>, slot: &Arc<Slot>, ticket: Ticket, message: Message) {
        let result = match message {
            Message::Envelope(envelope) => {
                let answer = Answer::Local(slot.clone(), ticket);
                return self.receive(self.here, overlay::Message::Envelope(envelope), answer);
            }
            Message::Presence { of, presence, to } => self.show(self.here, &of, &presence, &to),
            Message::Probe { of, by } => self.probe(self.here, &of, vec![by]),
            Message::Question { of, by, question } => {
                let answer = Answer::Local(slot.clone(), ticket);
                let message = overlay::Message::Question { of, by, question };
                return self.receive(self.here, message, answer);
            }
        };
        let result: Result<Fate, Failure> = result.map(|()| Fate::Delivered);
        self.apply(slot, Input::Sent(ticket, result));
    }
}

/// Takes the next message to people here.
fn next_local(slot: &Slot) -> Option<(Ticket, Message)> {
    let mut inner = slot.lock();
    let next = inner.local.pop_front();
    if next.is_none() {
        inner.delivers_locally = false;
        inner.local.shrink_to_fit();
    }
    next
}
