//! What an engine keeps for a client that cannot be told yet, bounded by its bytes.

use std::collections::VecDeque;

use crosstalk_core::{Address, Body, Consent, Envelope, Presence, RichText, Span, Style};

/// The most deliveries that wait, and the most bytes of them.
const MAX_WAITING: usize = 1_000;
const MAX_BYTES: usize = 512 << 10;
/// The longest text of a presence that is kept, in bytes: no client shows as much.
const MAX_STATUS: usize = 1_024;

/// Deliveries that wait until the client is ready for them.
#[derive(Default)]
pub(crate) struct Waiting {
    envelopes: VecDeque<Envelope>,
    bytes: usize,
}

impl Waiting {
    /// Keeps a delivery; gives it back where there is no room.
    pub(crate) fn push(&mut self, envelope: Envelope) -> Result<(), Box<Envelope>> {
        let bytes = of_envelope(&envelope);
        if self.envelopes.len() >= MAX_WAITING || self.bytes + bytes > MAX_BYTES {
            return Err(Box::new(envelope));
        }
        self.bytes += bytes;
        self.envelopes.push_back(envelope);
        Ok(())
    }

    /// Takes the oldest.
    pub(crate) fn pop(&mut self) -> Option<Envelope> {
        let Some(envelope) = self.envelopes.pop_front() else {
            // Nothing waits in most sessions, which keep no room for it.
            *self = Self::default();
            return None;
        };
        self.bytes = self.bytes.saturating_sub(of_envelope(&envelope));
        Some(envelope)
    }

    /// How many bytes wait.
    pub(crate) const fn weight(&self) -> usize {
        self.bytes
    }
}

/// How many bytes an address takes, roughly.
pub(crate) fn of_address(address: &Address) -> usize {
    size_of::<Address>() + address.local().len()
}

/// How many bytes a text takes.
pub(crate) fn of_text(text: &RichText) -> usize {
    let links = text.spans().iter().map(|span| match &span.style {
        Style::Link(to) => to.len(),
        _ => 0,
    });
    text.text().len() + size_of_val::<[Span]>(text.spans()) + links.sum::<usize>()
}

fn of_envelope(envelope: &Envelope) -> usize {
    let body = match &envelope.body {
        Body::Text { text, .. } | Body::Contact(Consent::Request(text)) => of_text(text),
        Body::Presence(presence) => of_text(&presence.text),
        _ => 0,
    };
    size_of::<Envelope>() + of_address(&envelope.from) + of_address(&envelope.to) + body
}

/// A presence with as much of its text as is kept.
pub(crate) fn shortened(mut presence: Presence) -> Presence {
    if of_text(&presence.text) > MAX_STATUS {
        let end = presence.text.text().floor_char_boundary(MAX_STATUS);
        presence.text = RichText::plain(presence.text.text().get(..end).unwrap_or_default());
    }
    presence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{EnvelopeId, UnixMillis};

    fn letter(text: &str) -> Envelope {
        let body = Body::Text { text: text.into(), auto: false };
        let (from, to) = (Address::control(), Address::control());
        Envelope { id: EnvelopeId(1), from, to, sent_at: UnixMillis(0), body }
    }

    #[test]
    fn what_waits_is_bounded_by_bytes_and_by_number() {
        let mut waiting = Waiting::default();
        let long = "x".repeat(60_000);
        let kept = (0..100).filter(|_| waiting.push(letter(&long)).is_ok()).count();
        assert_eq!(kept, MAX_BYTES / 60_000);
        assert!((480_000..=MAX_BYTES).contains(&waiting.weight()));
        while waiting.pop().is_some() {}
        assert_eq!(waiting.weight(), 0);
        let kept = (0..5_000).filter(|_| waiting.push(letter("x")).is_ok()).count();
        assert_eq!(kept, MAX_WAITING);
    }

    #[test]
    fn a_presence_is_kept_with_as_much_text_as_clients_show() {
        let long =
            Presence { text: "\u{e9}".repeat(2_000).as_str().into(), ..Presence::available() };
        assert_eq!(shortened(long).text.text().len(), MAX_STATUS);
        let short = Presence { text: "tea".into(), ..Presence::available() };
        assert_eq!(shortened(short.clone()), short);
    }
}
