//! What gateways say to each other on behalf of people, and what the overlay tells its owner.

use crosstalk_core::{Address, Envelope, EnvelopeId, Failure, NetworkId, Presence};
use serde::{Deserialize, Serialize};

use crate::hub::answer::Answer;
use crate::membership::GatewayId;

/// Said from one gateway's router to another's. Encoded it may take 256 KiB at most; a longer
/// one fails with [`Failure::Refused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// From one person to another.
    Envelope(Envelope),
    /// The presence of a person at the sending gateway.
    Presence {
        /// Whose.
        of: Address,
        /// What it is now.
        presence: Presence,
        /// For whom at the receiving gateway. For nobody, it says that the person now takes texts,
        /// of which the receiving gateway keeps some: they are tried again.
        to: Vec<Address>,
    },
    /// People at the sending gateway want to see somebody at the receiving one.
    Probe {
        /// Whom.
        of: Address,
        /// Who.
        by: Vec<Address>,
    },
    /// What a person said and was told to be kept was not delivered.
    Report {
        /// What.
        of: EnvelopeId,
        /// Who said it.
        from: Address,
        /// To whom.
        to: Address,
        /// Why not.
        why: Failure,
    },
}

impl Message {
    /// The networks of the people on whose behalf the sender speaks.
    pub(crate) fn speaks_for(&self) -> Vec<&NetworkId> {
        match self {
            Self::Envelope(envelope) => vec![envelope.from.network()],
            Self::Presence { of, .. } => vec![of.network()],
            Self::Probe { by, .. } => by.iter().map(Address::network).collect(),
            Self::Report { from, .. } => vec![from.network()],
        }
    }

    /// Whether it is said by `user`, to or about `user`.
    pub(crate) fn names(&self, user: &Address) -> bool {
        match self {
            Self::Envelope(Envelope { from, to, .. }) | Self::Report { from, to, .. } => {
                from == user || to == user
            }
            Self::Presence { of, to: others, .. } | Self::Probe { of, by: others } => {
                of == user || others.contains(user)
            }
        }
    }

    /// Whom it is for; of a presence, whom it is about.
    pub(crate) const fn receiver(&self) -> &Address {
        match self {
            Self::Envelope(envelope) => &envelope.to,
            Self::Presence { of, .. } | Self::Probe { of, .. } => of,
            Self::Report { from, .. } => from,
        }
    }
}

/// What the overlay tells the gateway that it belongs to.
///
/// Everything about this gateway's own users is told too, under its own id: who is alone on
/// the overlay sees the same events as who is not.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "messages are the rule, and move once")]
pub enum Inbound {
    /// A gateway says something, and waits for the answer.
    Message {
        /// Which gateway.
        from: GatewayId,
        /// What. The sender's right to speak for the people in it has been checked.
        message: Message,
        /// To be given once, when it is known what became of the message.
        answer: Answer,
    },
    /// A watched person signed on at a gateway.
    Arrived {
        /// Who.
        user: Address,
        /// Where.
        at: GatewayId,
    },
    /// A watched person signed off there.
    Left {
        /// Who.
        user: Address,
        /// Where.
        at: GatewayId,
    },
    /// A gateway is gone, and with it everybody who had [arrived](Inbound::Arrived) there.
    /// Who is still there when it comes back arrives again.
    Lost(GatewayId),
    /// The stored roster of a person signed on here was changed at another gateway;
    /// [`crate::Overlay::load`] has it.
    Roster(Address),
}

/// What became of a message that was [posted](crate::Overlay::post).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was written to a client of its receiver.
    Delivered,
    /// It is on this gateway's disk, until its receiver has it or it is reported back.
    Kept {
        /// Nothing else that was said in this conversation waits before it.
        first: bool,
    },
}

/// What becomes of a message.
pub(crate) type Outcome = Result<(), Failure>;
