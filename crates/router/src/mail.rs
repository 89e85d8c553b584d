//! Mail: what an account tells the engine of a session.

use std::mem::size_of;

use crosstalk_core::{
    Address, Body, Consent, Contact, Details, Envelope, EnvelopeId, Event, Presence, RichText,
    Roster, RosterEdit, Span, Style,
};

use crate::ids::Ticket;
use crate::input::Fate;

/// Bytes that an allocation and an address take on top of what is counted.
const BESIDES: usize = 64;

/// One thing for the engine of a session, in the words of [`crosstalk_core::Input`].
///
/// `R` is what a session settles a delivery with: an account gives the name of the delivery, and its
/// driver may put a receipt of its own in that place.
#[derive(Debug)]
pub enum Mail<R = Option<Ticket>> {
    /// [`crosstalk_core::Input::Roster`].
    Roster(Roster),
    /// [`crosstalk_core::Input::Changed`].
    Changed(Contact),
    /// [`crosstalk_core::Input::Deliver`]. Where it names a delivery, the session has to
    /// [settle](crate::Input::Settled) it.
    Deliver(Envelope, R),
    /// [`crosstalk_core::Input::Presence`], before the reader's name is [filled
    /// in](Presence::fill_in).
    Presence {
        /// The contact.
        of: Address,
        /// The presence.
        presence: Presence,
    },
    /// [`crosstalk_core::Input::Delivered`].
    Delivered(EnvelopeId),
    /// What a session that [asked for it](crate::Input::Confirms) said was shown to its receiver, or
    /// is kept until that one signs on.
    Accepted(EnvelopeId, Fate),
    /// [`crosstalk_core::Input::Carbon`].
    Carbon(Envelope),
}

impl<R> Mail<R> {
    /// The same with another kind of receipt.
    pub fn map<S>(self, receipt: impl FnOnce(R) -> S) -> Mail<S> {
        match self {
            Self::Roster(roster) => Mail::Roster(roster),
            Self::Changed(contact) => Mail::Changed(contact),
            Self::Deliver(envelope, with) => Mail::Deliver(envelope, receipt(with)),
            Self::Presence { of, presence } => Mail::Presence { of, presence },
            Self::Delivered(id) => Mail::Delivered(id),
            Self::Accepted(id, fate) => Mail::Accepted(id, fate),
            Self::Carbon(envelope) => Mail::Carbon(envelope),
        }
    }

    /// The memory that it takes, in bytes: what can be large, counted, and the rest by its size.
    pub fn weight(&self) -> usize {
        let counted = match self {
            // An entry takes several allocations, however short its words are.
            Self::Roster(roster) => {
                roster.weight() + roster.contacts().count() * size_of::<Contact>()
            }
            Self::Changed(contact) => contact.weight(),
            Self::Deliver(envelope, _) | Self::Carbon(envelope) => of_envelope(envelope),
            Self::Presence { presence, .. } => BESIDES + of_text(&presence.text),
            Self::Delivered(_) | Self::Accepted(..) => 0,
        };
        size_of::<Self>() + BESIDES + counted
    }
}

/// The memory that an envelope takes, in bytes.
pub(crate) fn of_envelope(envelope: &Envelope) -> usize {
    size_of::<Envelope>()
        + BESIDES
        + of_body(&envelope.body)
        + of_details(envelope.details.as_deref())
}

/// The memory that an event of an engine takes, in bytes.
pub(crate) fn of_event(event: &Event) -> usize {
    let counted = match event {
        Event::Send(outgoing) => of_body(&outgoing.body) + of_details(outgoing.details.as_deref()),
        Event::Unshown(envelope) => {
            of_body(&envelope.body) + of_details(envelope.details.as_deref())
        }
        Event::Roster(RosterEdit::List { spelling, alias, groups, .. }) => {
            spelling.len() + alias.iter().chain(groups).map(String::len).sum::<usize>()
        }
        _ => 0,
    };
    size_of::<Event>() + BESIDES + counted
}

fn of_details(details: Option<&Details>) -> usize {
    details.map_or(0, Details::weight)
}

fn of_body(body: &Body) -> usize {
    match body {
        Body::Text { text, .. } | Body::Contact(Consent::Request(text)) => of_text(text),
        Body::Contact(_)
        | Body::Typing(_)
        | Body::Receipt { .. }
        | Body::Attention
        | Body::Undelivered { .. } => 0,
    }
}

fn of_text(text: &RichText) -> usize {
    let span = |span: &Span| {
        size_of::<Span>() + if let Style::Link(url) = &span.style { url.len() } else { 0 }
    };
    text.text().len() + text.spans().iter().map(span).sum::<usize>()
}
