//! Inputs of an account.

use crosstalk_core::{
    Address, Envelope, EnvelopeId, Event, Failure, Presence, Question, RichText, Roster,
};

use crate::flows::Outcome;
use crate::ids::{GatewayKey, SessionId, Ticket};
use crate::mail::Mail;
use crate::outward::Change;

/// Something that happened. `A` is where the answer to a message is given.
#[derive(Debug)]
pub enum Input<A> {
    /// A session of the person began; the base server accepted the person.
    Opened {
        /// Its name.
        session: SessionId,
        /// Which of the person's clients it is, for people to read.
        endpoint: Box<str>,
    },
    /// A connection carries only the conversation with these people, beside the session of the same
    /// endpoint; or these are the people of it from now on.
    Converses {
        /// The conversation's name.
        session: SessionId,
        /// The endpoint of the session that it belongs to.
        endpoint: Box<str>,
        /// The others.
        with: Vec<Address>,
    },
    /// A session or conversation is over. What was not settled of its deliveries was not shown.
    Closed(SessionId),
    /// Whether the session's client [takes](crosstalk_core::Engine::takes_texts) what people say. At
    /// first it does not; a conversation always does.
    Takes(SessionId, bool),
    /// The session wants to hear what became of everything that it says, by
    /// [`Mail::Accepted`](crate::Mail::Accepted) where it did not fail.
    Confirms(SessionId),
    /// The session's engine said something: `Presence`, `Send`, `Roster` and `Unshown`. The other
    /// events are the session's own business, and ignored.
    Event(SessionId, Event),
    /// A session did with a delivery what it is going to do.
    Settled {
        /// Which session.
        session: SessionId,
        /// Which delivery.
        delivery: Ticket,
        /// Whether it is on its way to the client.
        shown: bool,
    },
    /// The session's engine [defers](crosstalk_core::Output::defer) a delivery until its client
    /// has a conversation with the sender.
    Deferred {
        /// Which session.
        session: SessionId,
        /// Envelope that it was given.
        envelope: Envelope,
        /// The delivery, where it has a name.
        delivery: Option<Ticket>,
    },
    /// A session's mailbox did not take this, or it was [withdrawn](crate::Effect::Withdraw).
    Returned(SessionId, Mail),
    /// A session's mailbox has room, as [asked](crate::Effect::AwaitRoom).
    Room(SessionId),
    /// An envelope came for the person.
    Envelope {
        /// The gateway of its sender.
        from: GatewayKey,
        /// The envelope. That its sender is there has been checked.
        envelope: Envelope,
        /// Reply channel of the answer.
        answer: A,
    },
    /// A message of the person was kept, and could not be delivered in the end.
    Report {
        /// The gateway that kept it.
        from: GatewayKey,
        /// Which message.
        of: EnvelopeId,
        /// To whom it was.
        to: Address,
        /// Reason.
        why: Failure,
        /// Reply channel of the answer.
        answer: A,
    },
    /// A contact's presence at a gateway.
    Presence {
        /// The person.
        of: Address,
        /// The gateway.
        at: GatewayKey,
        /// The presence.
        presence: Presence,
    },
    /// People at a gateway want to see the person from now on.
    Probe {
        /// Their gateway.
        at: GatewayKey,
        /// The person.
        by: Vec<Address>,
    },
    /// Somebody asks about the person.
    Question {
        /// Who asks. That this one is there has been checked.
        by: Address,
        /// The question.
        question: Question,
        /// Reply channel of the answer whether there will be one.
        answer: A,
    },
    /// Words that answer a question, as [asked for](crate::Effect::Ask).
    Answered(Ticket, RichText),
    /// What came of a text's [run](crate::Effect::Flow) through nodes.
    Flowed(Ticket, Outcome),
    /// Words of the control contact on what came of a [request](crate::Effect::Records).
    Records(Ticket, Vec<RichText>),
    /// Result of work of services [outside](crate::Effect::Outward).
    Change(Change),
    /// A watched contact signed on at a gateway.
    Arrived(Address, GatewayKey),
    /// A watched contact signed off there.
    Left(Address, GatewayKey),
    /// A gateway is gone with everybody there.
    Lost(GatewayKey),
    /// The stored list was changed elsewhere.
    RosterChanged,
    /// The stored list, as [asked for](crate::Effect::Load).
    Loaded(Roster),
    /// The list to be [saved](crate::Effect::Save) is part of the stored one: whoever loads that
    /// gets it.
    Merged,
    /// It is on disk, or will be.
    Saved,
    /// The person was [signed on](crate::Effect::SignOn) or [off](crate::Effect::SignOff).
    Published,
    /// The [watching](crate::Effect::Watch) has begun; somebody else here watched these already.
    Watched(Vec<Address>),
    /// Gateways at which a person is, as [asked](crate::Effect::Locate).
    Located(Ticket, Vec<GatewayKey>),
    /// Fate of something [posted](crate::Effect::Post), or of one [sending](crate::Effect::Send).
    Sent(Ticket, Result<Fate, Failure>),
    /// The [deadline](crate::Account::deadline) has passed.
    Tick,
}

/// Fate of something posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A client of its receiver has it.
    Delivered,
    /// It is on disk until its receiver has it, or is reported.
    Kept {
        /// Nothing else that was said in this conversation waits before it.
        first: bool,
    },
}
