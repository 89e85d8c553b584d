//! Envelopes: messages between two people, whatever their networks.

use std::fmt;
use std::time::Duration;

use crate::address::Address;
use crate::details::Details;
use crate::quoted::Quoted;
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

/// Reason why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The receiver is signed on nowhere.
    Offline,
    /// The receiver's gateway, or the way to it, is down.
    Unreachable,
    /// The name is none that anybody can have.
    NoSuchUser,
    /// The receiver does not take messages from this sender, or the client cannot show this.
    Refused,
    /// A queue on the way is full.
    Busy,
    /// The receiver did not sign on for as long as messages are kept.
    Expired,
    /// The receiver blocks the sender. Said between gateways only: to the sender it looks as if
    /// the receiver were offline.
    Blocked,
    /// A gateway was given it and did not say what became of it: it may have arrived.
    Unconfirmed,
}

impl Failure {
    /// A sentence for somebody whose message to `name` met this failure. The name is quoted.
    pub fn of_message_to(self, name: &str) -> String {
        format!("A message to {} {}: {self}.", Quoted::name(name), self.outcome())
    }

    /// A sentence, without its full stop, to stand beside a message that met this failure.
    pub fn of_this_message(self) -> String {
        format!("this {}: {self}", self.outcome())
    }

    /// A verb phrase for the fate of the message: not delivered, or not even that is known.
    pub const fn outcome(self) -> &'static str {
        match self {
            Self::Unconfirmed => "may not have arrived",
            _ => "was not delivered",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offline | Self::Blocked => "the receiver is offline",
            Self::Unreachable => "the receiver's gateway cannot be reached",
            Self::NoSuchUser => "there is nobody of that name",
            Self::Refused => "the receiver does not take this message",
            Self::Busy => "the receiver has too many messages waiting",
            Self::Expired => "the receiver did not sign on in time",
            Self::Unconfirmed => "the receiver's gateway did not say that it has it",
        })
    }
}

/// Degrees of availability, from least to most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Availability {
    /// Not signed on, or invisible: nobody can tell.
    #[default]
    Offline,
    /// Away for long.
    ExtendedAway,
    /// Away.
    Away,
    /// Asking not to be disturbed.
    Busy,
    /// There.
    Available,
    /// Signed on and glad to talk.
    Chatty,
}

/// The presence of a person, as others see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Availability.
    pub show: Availability,
    /// Status or away text; empty for none.
    pub text: RichText,
    /// Since when the person has not touched the client.
    pub idle_since: Option<UnixMillis>,
    /// Since when the person is signed on.
    pub online_since: Option<UnixMillis>,
}

impl Presence {
    /// Place in a status text for the name of whoever reads it, as AIM's `%n`. A gateway that does not
    /// fill it in shows that.
    pub const READER: &str = "%\u{2060}n";

    /// Fills the name of `reader` into the [places](Self::READER) of the text.
    pub fn fill_in(&mut self, reader: &Address) {
        /// More places make a text too much longer than it was; those of one run are counted.
        const MAX_PLACES: usize = 8;
        if !self.text.text().contains(Self::READER) {
            return;
        }
        let mut filled = RichText::default();
        for (run, styles) in self.text.runs() {
            filled.push(&run.replacen(Self::READER, reader.local(), MAX_PLACES), styles);
        }
        self.text = filled;
    }

    /// Signed off, or as good as.
    pub fn offline() -> Self {
        Self::default()
    }

    /// Available, without a text.
    pub fn available() -> Self {
        Self { show: Availability::Available, ..Self::default() }
    }

    /// Whether others see the person at all.
    pub fn is_online(&self) -> bool {
        self.show != Availability::Offline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_that_what_may_have_arrived_was_not_delivered() {
        let said = Failure::Unconfirmed.of_message_to("bob@yahoo.xt");
        assert!(said.starts_with("A message to bob@yahoo.xt may not have arrived: "), "{said}");
        assert!(!said.contains("not delivered"), "{said}");
    }

    #[test]
    fn a_status_text_names_its_reader() {
        let mut text = RichText::plain("Hi ");
        text.push(Presence::READER, &[crate::Style::Bold]);
        text.push(", 100%n", []);
        let mut presence = Presence { text, ..Presence::available() };
        presence.fill_in(&"alice@jabber".parse().unwrap());
        let mut filled = RichText::plain("Hi ");
        filled.push("alice", &[crate::Style::Bold]);
        filled.push(", 100%n", []);
        assert_eq!(presence.text, filled);
    }

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
