//! Queue of what an engine keeps for a client that cannot be told yet, bounded by its bytes.

use std::collections::VecDeque;

use crosstalk_core::Envelope;

use super::weight::of_envelope;

/// The most deliveries that wait, and the most bytes of them.
const MAX_WAITING: usize = 1_000;
const MAX_BYTES: usize = 512 << 10;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{Address, Body, EnvelopeId, UnixMillis};

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
}
