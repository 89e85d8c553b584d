//! Messages that gateways send each other on behalf of people.

use crosstalk_core::{
    Address, Body, Consent, Details, Envelope, EnvelopeId, Failure, NetworkId, Presence, Question,
};

/// Bytes that a message takes in memory besides its text and names, roughly.
const OVERHEAD: usize = 256;

/// Message from one gateway's router to another's. Encoded it may take 256 KiB at most; a longer
/// one fails with [`Failure::Refused`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Envelope from one person to another.
    Envelope(Envelope),
    /// The presence of a person at the sending gateway.
    Presence {
        /// The person.
        of: Address,
        /// The presence now.
        presence: Presence,
        /// For whom at the receiving gateway. For nobody, it says that the person now takes texts,
        /// of which the receiving gateway keeps some: they are tried again.
        to: Vec<Address>,
    },
    /// People at the sending gateway want to see somebody at the receiving one.
    Probe {
        /// The person to be seen.
        of: Address,
        /// The people who want to see.
        by: Vec<Address>,
    },
    /// A message that its sender was told to be kept was not delivered.
    Report {
        /// Id of the message.
        of: EnvelopeId,
        /// Sender of the message, who gets the report.
        from: Address,
        /// Receiver.
        to: Address,
        /// Reason.
        why: Failure,
    },
    /// Somebody asks the gateway of a person about that person. It answers that it will say
    /// something to who asks, or why not: [`Failure::Refused`] where it knows no such service.
    Question {
        /// The person it is about.
        of: Address,
        /// The person who asks.
        by: Address,
        /// The question.
        question: Question,
    },
}

impl Message {
    /// Bytes that it takes in memory, roughly.
    pub(crate) fn weight(&self) -> usize {
        let name = |address: &Address| size_of::<Address>() + address.local().len();
        let parts = match self {
            Self::Envelope(Envelope { from, to, body, details, .. }) => {
                let text = match body {
                    Body::Text { text, .. } | Body::Contact(Consent::Request(text)) => {
                        text.weight()
                    }
                    _ => 0,
                };
                name(from) + name(to) + text + details.as_deref().map_or(0, Details::weight)
            }
            Self::Presence { of, presence, to } => {
                name(of) + presence.text.weight() + to.iter().map(name).sum::<usize>()
            }
            Self::Probe { of, by } => name(of) + by.iter().map(name).sum::<usize>(),
            Self::Report { from, to, .. } => name(from) + name(to),
            Self::Question { of, by, question } => name(of) + name(by) + question.weight(),
        };
        OVERHEAD + parts
    }

    /// The networks of the people on whose behalf the sender speaks.
    pub(crate) fn speaks_for(&self) -> Vec<&NetworkId> {
        match self {
            Self::Envelope(envelope) => vec![envelope.from.network()],
            Self::Presence { of, .. } => vec![of.network()],
            Self::Probe { by, .. } => by.iter().map(Address::network).collect(),
            Self::Report { from, .. } => vec![from.network()],
            Self::Question { by, .. } => vec![by.network()],
        }
    }

    /// Person that the message is for; of a presence, the one it is about.
    pub(crate) const fn receiver(&self) -> &Address {
        match self {
            Self::Envelope(envelope) => &envelope.to,
            Self::Presence { of, .. } | Self::Probe { of, .. } | Self::Question { of, .. } => of,
            Self::Report { from, .. } => from,
        }
    }
}

/// Fate of a message that was [posted](crate::Overlay::post).
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

/// Outcome of a message.
pub(crate) type Outcome = Result<(), Failure>;
