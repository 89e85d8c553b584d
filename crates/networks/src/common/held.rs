//! Queue of what an engine keeps for a client that cannot be told yet, bounded by its bytes.

use std::collections::{BTreeMap, VecDeque};

use crosstalk_core::{
    Address, Body, Consent, Details, Envelope, MAX_CONTACTS, Presence, RichText, Span, Style,
};

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

    /// Bytes that wait.
    pub(crate) const fn weight(&self) -> usize {
        self.bytes
    }
}

/// Bytes that an address takes, roughly.
pub(crate) fn of_address(address: &Address) -> usize {
    size_of::<Address>() + address.local().len()
}

/// Bytes that a text takes.
pub(crate) fn of_text(text: &RichText) -> usize {
    let links = text.spans().iter().map(|span| match &span.style {
        Style::Link(to) => to.len(),
        _ => 0,
    });
    text.text().len() + size_of_val::<[Span]>(text.spans()) + links.sum::<usize>()
}

/// Bytes that an envelope takes, roughly.
pub(crate) fn of_envelope(envelope: &Envelope) -> usize {
    let body = match &envelope.body {
        Body::Text { text, .. } | Body::Contact(Consent::Request(text)) => of_text(text),
        _ => 0,
    };
    let details = envelope.details.as_deref().map_or(0, Details::weight);
    size_of::<Envelope>() + of_address(&envelope.from) + of_address(&envelope.to) + body + details
}

/// A presence with as much of its text as is kept.
pub(crate) fn shortened(presence: Presence) -> Presence {
    Presence { text: short(presence.text), ..presence }
}

/// The part of a presence's text that is kept.
pub(crate) fn short(text: RichText) -> RichText {
    if of_text(&text) <= MAX_STATUS {
        return text;
    }
    let end = text.text().floor_char_boundary(MAX_STATUS);
    RichText::plain(text.text().get(..end).unwrap_or_default())
}

/// Last presences of contacts: of as many as a list holds, each with as much of its text as is
/// kept.
#[derive(Default)]
pub(crate) struct Presences {
    known: BTreeMap<Address, Presence>,
    bytes: usize,
}

impl Presences {
    pub(crate) fn get(&self, of: &Address) -> Option<&Presence> {
        self.known.get(of)
    }

    /// People whose presence is known.
    pub(crate) fn people(&self) -> impl Iterator<Item = &Address> {
        self.known.keys()
    }

    /// Notes a presence, if there is room.
    pub(crate) fn insert(&mut self, of: Address, presence: Presence) {
        if self.known.len() < MAX_CONTACTS || self.known.contains_key(&of) {
            // The one before goes first: the bytes are those of what is kept.
            self.remove(&of);
            let presence = shortened(presence);
            self.bytes += of_presence(&of, &presence);
            self.known.insert(of, presence);
        }
    }

    /// Forgets a presence. Returns whether there was one.
    pub(crate) fn remove(&mut self, of: &Address) -> bool {
        let known = self.known.remove(of);
        self.bytes -= known.as_ref().map_or(0, |presence| of_presence(of, presence));
        known.is_some()
    }

    /// Bytes that they take.
    pub(crate) const fn weight(&self) -> usize {
        self.bytes
    }
}

fn of_presence(of: &Address, presence: &Presence) -> usize {
    size_of::<Presence>() + of_address(of) + of_text(&presence.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{EnvelopeId, UnixMillis};

    fn letter(text: &str) -> Envelope {
        let body = Body::Text { text: text.into(), auto: false };
        let (from, to) = (Address::control(), Address::control());
        Envelope { id: EnvelopeId(1), from, to, sent_at: UnixMillis(0), body, details: None }
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
