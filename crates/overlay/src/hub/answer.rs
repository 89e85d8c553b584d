//! The way back to the gateway that sent a message.

use std::fmt;
use std::sync::Weak;

use crosstalk_core::Failure;
use tokio::sync::oneshot;

use crate::delivery::{Call, NO_WAY};
use crate::hub::Hub;
use crate::membership::GatewayId;
use crate::node::ShownRecord;
use crate::wire::message::Outcome;

/// Reply channel for the answer to a message. Dropped without one, the message counts as
/// [`Failure::Unreachable`].
pub struct Answer(pub(crate) Option<Way>);

pub(crate) enum Way {
    /// In this process.
    Here(oneshot::Sender<Outcome>),
    /// Of the outbox of this process.
    Own { hub: Weak<Hub>, number: u64, shown: ShownRecord },
    /// Over a link.
    There { hub: Weak<Hub>, from: GatewayId, call: Call, shown: ShownRecord },
}

impl Answer {
    /// Says what became of the message.
    pub fn give(mut self, outcome: Result<(), Failure>) {
        self.send(outcome);
    }

    fn send(&mut self, outcome: Outcome) {
        match self.0.take() {
            None => {}
            Some(Way::Here(ticket)) => drop(ticket.send(outcome)),
            Some(Way::Own { hub, number, shown }) => {
                if let Some(hub) = hub.upgrade() {
                    hub.answer_own(number, shown, outcome);
                }
            }
            Some(Way::There { hub, from, call, shown }) => {
                if let Some(hub) = hub.upgrade() {
                    hub.answer(from, call, shown, outcome);
                }
            }
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.send(Err(NO_WAY));
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}
