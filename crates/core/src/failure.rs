//! Reasons why a message was not delivered, and the words for them.

use std::fmt;

use crate::quoted::Quoted;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_that_what_may_have_arrived_was_not_delivered() {
        let said = Failure::Unconfirmed.of_message_to("bob@yahoo.xt");
        assert!(said.starts_with("A message to bob@yahoo.xt may not have arrived: "), "{said}");
        assert!(!said.contains("not delivered"), "{said}");
    }
}
