//! Events that the overlay gives to the gateway that it belongs to.

use crosstalk_core::Address;

use crate::hub::answer::Answer;
use crate::membership::GatewayId;
use crate::wire::message::Message;

/// An event for the gateway that an overlay belongs to.
///
/// Everything about this gateway's own users is told too, under its own id: who is alone on
/// the overlay sees the same events as who is not.
#[derive(Debug)]
pub enum Inbound {
    /// A gateway says something, and waits for the answer.
    Message {
        /// The gateway that sent it.
        from: GatewayId,
        /// The message. The sender's right to speak for the people in it has been checked.
        message: Message,
        /// Reply channel, used once when the outcome of the message is known.
        answer: Answer,
    },
    /// A watched person signed on at a gateway.
    Arrived {
        /// The person.
        user: Address,
        /// The gateway.
        at: GatewayId,
    },
    /// A watched person signed off there.
    Left {
        /// The person.
        user: Address,
        /// The gateway.
        at: GatewayId,
    },
    /// A gateway is gone, and with it everybody who had [arrived](Inbound::Arrived) there.
    /// Who is still there when it comes back arrives again.
    Lost(GatewayId),
    /// The stored roster of a person signed on here was changed at another gateway;
    /// [`crate::Overlay::load`] has it.
    Roster(Address),
}
