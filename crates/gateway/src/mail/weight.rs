//! Memory of what waits for somebody, in bytes: what can be large, counted, and the rest by its
//! size.

use std::mem::size_of;

use crosstalk_core::{Body, Consent, Details, Envelope, Event, RichText, RosterEdit, Span, Style};

use super::Mail;

/// Bytes that an allocation and an address take on top of what is counted.
const BESIDES: usize = 64;

impl Mail {
    /// Bytes that it takes.
    pub(crate) fn weight(&self) -> usize {
        let counted = match self {
            // An entry takes several allocations, however short its words are.
            Self::Roster(roster) => {
                roster.weight() + roster.contacts().count() * size_of::<crosstalk_core::Contact>()
            }
            Self::Changed(contact) => contact.weight(),
            Self::Deliver(envelope, _) | Self::Carbon(envelope) => of_envelope(envelope),
            Self::Delivered(_) => 0,
        };
        size_of::<Self>() + BESIDES + counted
    }
}

/// Bytes that an envelope takes.
pub(crate) fn of_envelope(envelope: &Envelope) -> usize {
    size_of::<Envelope>() + BESIDES + of_body(&envelope.body) + of_details(&envelope.details)
}

/// Bytes that an event of an engine's takes.
pub(crate) fn of_event(event: &Event) -> usize {
    let counted = match event {
        Event::Send(outgoing) => of_body(&outgoing.body) + of_details(&outgoing.details),
        Event::Unshown(envelope) => of_body(&envelope.body) + of_details(&envelope.details),
        Event::Roster(RosterEdit::List { spelling, alias, groups, .. }) => {
            spelling.len() + alias.iter().chain(groups).map(String::len).sum::<usize>()
        }
        _ => 0,
    };
    size_of::<Event>() + BESIDES + counted
}

fn of_details(details: &Option<Box<Details>>) -> usize {
    details.as_deref().map_or(0, Details::weight)
}

fn of_body(body: &Body) -> usize {
    match body {
        Body::Text { text, .. } | Body::Contact(Consent::Request(text)) => of_text(text),
        Body::Presence(presence) => of_text(&presence.text),
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
