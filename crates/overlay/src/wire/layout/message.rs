//! The layouts of messages from router to router.

use crosstalk_core::{self as core, EnvelopeId, Failure as Why, UnixMillis};
use serde::{Deserialize, Serialize};

use super::Unreadable;
use super::body::{Body, Failure, Presence};
use super::text::{Address, addresses, read_addresses};
use crate::wire::message;

/// A message, without what stands in [fields](crate::wire::fields) behind it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Message<'a> {
    Envelope(#[serde(borrow)] Envelope<'a>),
    Presence {
        #[serde(borrow)]
        of: Address<'a>,
        #[serde(borrow)]
        presence: Presence<'a>,
        to: Vec<Address<'a>>,
    },
    Probe {
        #[serde(borrow)]
        of: Address<'a>,
        by: Vec<Address<'a>>,
    },
    Report {
        of: u128,
        #[serde(borrow)]
        from: Address<'a>,
        to: Address<'a>,
        why: Failure,
    },
    /// Since version 4, but not in each gateway that speaks it: one that does not know this answers
    /// that it does not take it.
    Question {
        #[serde(borrow)]
        of: Address<'a>,
        by: Address<'a>,
        service: &'a str,
        words: &'a str,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Envelope<'a> {
    id: u128,
    #[serde(borrow)]
    from: Address<'a>,
    to: Address<'a>,
    sent_at: u64,
    body: Body<'a>,
}

/// Fields before the message in a frame that brings one. An answer names the number, so it is read
/// also where the message cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) number: u64,
    pub(crate) settled: u64,
    pub(crate) hops: u8,
    pub(crate) age_ms: u64,
}

/// An outcome, as an answer has it.
pub(crate) type Outcome = Result<(), Failure>;

pub(super) fn outcome(outcome: Result<(), Why>) -> Outcome {
    outcome.map_err(Failure::from)
}

pub(super) fn read_outcome(outcome: Outcome) -> Result<(), Why> {
    outcome.map_err(Why::from)
}

impl<'a> From<&'a message::Message> for Message<'a> {
    fn from(message: &'a message::Message) -> Self {
        match message {
            message::Message::Envelope(envelope) => Self::Envelope(Envelope {
                id: envelope.id.0,
                from: (&envelope.from).into(),
                to: (&envelope.to).into(),
                sent_at: envelope.sent_at.0,
                body: (&envelope.body).into(),
            }),
            message::Message::Presence { of, presence, to } => {
                Self::Presence { of: of.into(), presence: presence.into(), to: addresses(to) }
            }
            message::Message::Probe { of, by } => Self::Probe { of: of.into(), by: addresses(by) },
            message::Message::Report { of, from, to, why } => {
                Self::Report { of: of.0, from: from.into(), to: to.into(), why: (*why).into() }
            }
            message::Message::Question { of, by, question } => Self::Question {
                of: of.into(),
                by: by.into(),
                service: question.service(),
                words: question.words(),
            },
        }
    }
}

impl TryFrom<Message<'_>> for message::Message {
    type Error = Unreadable;

    fn try_from(message: Message<'_>) -> Result<Self, Unreadable> {
        Ok(match message {
            Message::Envelope(envelope) => Self::Envelope(core::Envelope {
                id: EnvelopeId(envelope.id),
                from: envelope.from.try_into()?,
                to: envelope.to.try_into()?,
                sent_at: UnixMillis(envelope.sent_at),
                body: envelope.body.try_into()?,
                details: None,
            }),
            Message::Presence { of, presence, to } => Self::Presence {
                of: of.try_into()?,
                presence: presence.try_into()?,
                to: read_addresses(&to)?,
            },
            Message::Probe { of, by } => {
                Self::Probe { of: of.try_into()?, by: read_addresses(&by)? }
            }
            Message::Report { of, from, to, why } => Self::Report {
                of: EnvelopeId(of),
                from: from.try_into()?,
                to: to.try_into()?,
                why: why.into(),
            },
            Message::Question { of, by, service, words } => Self::Question {
                of: of.try_into()?,
                by: by.try_into()?,
                question: core::Question::new(service, words).ok_or(Unreadable::Malformed)?,
            },
        })
    }
}
