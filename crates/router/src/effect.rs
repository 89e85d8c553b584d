//! Effects that an account asks its driver for.

use std::collections::VecDeque;

use crosstalk_core::{
    Address, Envelope, EnvelopeId, Failure, Presence, Question, Redacted, Roster, Stamp,
};

use crate::errands::ErrandId;
use crate::flows::Record;
use crate::ids::{GatewayKey, SessionId, Ticket};
use crate::mail::Mail;
use crate::outward::Outward;
use crate::records::RecordsRequest;

/// Something for the driver to do. `A` is where the answer to a message is given.
#[derive(Debug)]
pub enum Effect<A> {
    /// Put this into a session's mailbox. Where it has no room, it comes back as
    /// [`Input::Returned`](crate::Input::Returned), before any other input.
    Mail(SessionId, Mail),
    /// Say [`Input::Room`](crate::Input::Room) as soon as the session's mailbox has room.
    AwaitRoom(SessionId),
    /// Take a delivery out of the mailboxes of these sessions, if it still lies in all of them: it
    /// is [returned](crate::Input::Returned) for each. Where one has begun with it, nothing happens.
    Withdraw {
        /// Which delivery.
        delivery: Ticket,
        /// Sessions whose mailboxes are meant.
        from: Vec<SessionId>,
    },
    /// So many bytes wait for a session in its account.
    Reserve(SessionId, usize),
    /// Outcome of an [`Input::Envelope`](crate::Input::Envelope) or
    /// [`Input::Report`](crate::Input::Report).
    Answer(A, Result<(), Failure>),
    /// Deliver an envelope wherever its receiver is, in the order of posting; then say
    /// [`Input::Sent`](crate::Input::Sent).
    Post {
        /// Names it.
        ticket: Ticket,
        /// The envelope.
        envelope: Envelope,
        /// Whether it may wait on disk for its receiver.
        may_keep: bool,
    },
    /// Give a message to a gateway, which may be this one, in the order of sending; then say
    /// [`Input::Sent`](crate::Input::Sent). Of a receipt several have the same ticket.
    Send {
        /// Names it.
        ticket: Ticket,
        /// To which gateway.
        to: GatewayKey,
        /// The message.
        message: Message,
    },
    /// Say where somebody is, by [`Input::Located`](crate::Input::Located).
    Locate {
        /// Names the question.
        ticket: Ticket,
        /// Person to find.
        user: Address,
    },
    /// Keep a report of a message of the person until a client has it.
    Report {
        /// Which message.
        of: EnvelopeId,
        /// To whom it was.
        to: Address,
        /// Reason why it was not delivered.
        why: Failure,
    },
    /// Load the stored list, then say [`Input::Loaded`](crate::Input::Loaded).
    Load,
    /// Merge these entries into the stored list; say [`Input::Merged`](crate::Input::Merged) then, and
    /// [`Input::Saved`](crate::Input::Saved) when they are on disk.
    Save(Roster),
    /// Publish that the person is here, then say [`Input::Published`](crate::Input::Published).
    SignOn,
    /// Withdraw that, watch these people no longer, and say
    /// [`Input::Published`](crate::Input::Published).
    SignOff {
        /// People who were watched.
        watched: Vec<Address>,
    },
    /// Say where these people sign on and off, then [`Input::Watched`](crate::Input::Watched).
    Watch {
        /// People to watch from now on.
        more: Vec<Address>,
        /// People to watch no longer.
        less: Vec<Address>,
    },
    /// Tell or forget everything that is stored about the person, at every gateway; say
    /// [`Input::Records`](crate::Input::Records) then. What was forgotten changes the list, of which
    /// [`Input::RosterChanged`](crate::Input::RosterChanged) is said as for every change elsewhere.
    Records {
        /// Its name.
        ticket: Ticket,
        /// The request.
        request: RecordsRequest,
        /// The newest stamp in the list: not all of it may be stored yet, and what is forgotten is
        /// all of it.
        newest: Stamp,
    },
    /// Find the answer to a question about the person, then say
    /// [`Input::Answered`](crate::Input::Answered), within seconds.
    Ask {
        /// Names it.
        ticket: Ticket,
        /// The session that the person uses.
        session: SessionId,
        /// The question.
        question: Question,
        /// What the person has set for it.
        value: Box<str>,
    },
    /// Have a text run through the nodes of these lines, then say
    /// [`Input::Flowed`](crate::Input::Flowed), within seconds: it is held until then.
    Flow {
        /// Names it.
        ticket: Ticket,
        /// The text.
        envelope: Envelope,
        /// The lines, as [`Service::flow`](crate::Service::flow) chose them.
        lines: Vec<String>,
    },
    /// Write this to the person's archive.
    Archive(Record),
    /// State of the person for services outside, where it may be different; none when there is
    /// nothing for them any more. What comes of it is an [`Input::Change`](crate::Input::Change).
    Outward(Option<Outward>),
    /// Do what the person has commanded, outside; what comes of it is an
    /// [`Input::Change`](crate::Input::Change) by this errand.
    Errand(ErrandId, Redacted<String>),
    /// Count this.
    Count(Count),
}

/// Said by an account to the people at a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Something of no use later, from one person to another.
    Envelope(Envelope),
    /// The person's presence.
    Presence {
        /// The person.
        of: Address,
        /// The presence now.
        presence: Presence,
        /// For whom. For nobody, it says that the person now takes texts, of which the gateway keeps
        /// some.
        to: Vec<Address>,
    },
    /// The person wants to see somebody.
    Probe {
        /// The person to be seen.
        of: Address,
        /// The person.
        by: Address,
    },
    /// The person asks the gateway of somebody about that one.
    Question {
        /// Whom it is about.
        of: Address,
        /// The person.
        by: Address,
        /// The question.
        question: Question,
    },
}

/// Counter of an administrator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// The person said something to somebody.
    Sent,
    /// A client took something that was said.
    Delivered,
    /// Something was not delivered, and its sender is told.
    Undelivered,
    /// Too much was said in too short a time.
    Flood,
    /// Too much waits to leave.
    Outbox,
    /// Too much waits for a session.
    Mailbox,
    /// The receiver blocks the sender.
    Blocked,
    /// A request of a stranger made room for that of another.
    Requests,
}

/// Effects in the order of doing them.
#[derive(Debug)]
pub struct Effects<A>(VecDeque<Effect<A>>);

impl<A> Effects<A> {
    pub(crate) fn push(&mut self, effect: Effect<A>) {
        self.0.push_back(effect);
    }

    /// Takes the next one.
    pub fn next_effect(&mut self) -> Option<Effect<A>> {
        self.0.pop_front()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<A> Default for Effects<A> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}
