//! Envelopes: messages between two people, whatever their networks.

use std::fmt;
use std::time::Duration;

use crate::address::Address;
use crate::details::Details;
use crate::failure::Failure;
use crate::rich::RichText;
use crate::time::UnixMillis;

/// The age from which an envelope [is delayed](Envelope::is_delayed): more than a break in the
/// network between gateways takes to be noticed and mended.
const DELAYED: Duration = Duration::from_secs(10);

/// Names an envelope for acknowledgement, receipts and the dropping of repeats.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvelopeId(pub u128);

impl fmt::Display for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece, so that a string takes it without growing.
        let mut digits = [b'0'; 32];
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            *digit = b"0123456789abcdef"[(self.0 >> (4 * place)) as usize & 0xf];
        }
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl fmt::Debug for EnvelopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes ids that are unique as long as their seeds are.
#[derive(Debug)]
pub struct EnvelopeIds {
    seed: u64,
    next: u64,
}

impl EnvelopeIds {
    /// A source for one connection; `seed` is random.
    pub const fn new(seed: u64) -> Self {
        Self { seed, next: 0 }
    }

    /// An id not given before.
    pub fn next_id(&mut self) -> EnvelopeId {
        self.next += 1;
        EnvelopeId(u128::from(self.seed) << 64 | u128::from(self.next))
    }
}

/// A message from one person to another: text, consent, typing and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Its name.
    pub id: EnvelopeId,
    /// The sender: set from the signed-in session, never from what a client wrote.
    pub from: Address,
    /// Receiver.
    pub to: Address,
    /// Time at which the sender said it, by the clock of the sender's gateway.
    pub sent_at: UnixMillis,
    /// Content.
    pub body: Body,
    /// Facts that the sender's protocol has beside that; `None` for most.
    pub details: Option<Box<Details>>,
}

impl Envelope {
    /// Whether it was said long enough ago for people to be shown when that was: it waited
    /// somewhere on the way.
    pub fn is_delayed(&self, now: UnixMillis) -> bool {
        now.since(self.sent_at) >= DELAYED
    }
}

/// The content of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// An instant message.
    Text {
        /// The text.
        text: RichText,
        /// Sent by the client on its own (an away message): never to be answered by another.
        auto: bool,
    },
    /// The sender's typing state in this conversation.
    Typing(Typing),
    /// The receiver's client got or showed a message of ours.
    Receipt {
        /// Which.
        of: EnvelopeId,
        /// Shown to the person, not only received.
        displayed: bool,
    },
    /// A nudge, a buzz.
    Attention,
    /// A step of the consent dialogue.
    Contact(Consent),
    /// A message of ours could not be delivered.
    Undelivered {
        /// Which.
        of: EnvelopeId,
        /// Reason.
        why: Failure,
    },
}

impl Body {
    /// Whether it is what people say, which is not lost where its receiver cannot hear it yet.
    pub const fn is_said(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Attention)
    }

    /// Whether it is of use only to a client that shows now what people say: everything but what a
    /// client keeps for itself, such as steps of consent.
    pub const fn needs_reader(&self) -> bool {
        match self {
            Self::Text { .. } | Self::Typing(_) | Self::Attention | Self::Undelivered { .. } => {
                true
            }
            Self::Receipt { .. } | Self::Contact(_) => false,
        }
    }
}

/// A typing state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Typing now.
    Active,
    /// Typed something and stopped.
    Paused,
    /// The input is empty.
    Idle,
}

/// A step of the consent dialogue: `from` asks, grants, refuses or gives up seeing presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// May I see your presence? With a word of introduction.
    Request(RichText),
    /// You may see mine.
    Grant,
    /// You may not, or no longer, see mine.
    Revoke,
    /// I no longer want to see yours.
    Cancel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_32_digits() {
        let id = EnvelopeId(0xfe << 120 | 0x1234_abcd);
        assert_eq!(id.to_string(), format!("{:032x}", id.0));
        assert_eq!(EnvelopeId(0).to_string(), "0".repeat(32));
    }

    #[test]
    fn an_envelope_is_delayed_from_ten_seconds_on_and_never_from_the_future() {
        let address: Address = "alice@aol".parse().unwrap();
        let envelope = Envelope {
            id: EnvelopeId(1),
            from: address.clone(),
            to: address,
            sent_at: UnixMillis(50_000),
            body: Body::Attention,
            details: None,
        };
        for (now, delayed) in [(0, false), (50_000, false), (59_999, false), (60_000, true)] {
            assert_eq!(envelope.is_delayed(UnixMillis(now)), delayed, "at {now}");
        }
    }
}
