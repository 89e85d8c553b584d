//! Stanzas and envelopes that wait for the client to be available.

use std::collections::VecDeque;

use bytes::Bytes;
use crosstalk_core::{Body, Consent, Envelope};

use super::Account;

/// The most envelopes that wait for the client to be available.
const MAX_WAITING: usize = 1000;

/// Stanzas that wait for a client to be available.
#[derive(Default)]
pub(in crate::xmpp) struct Waiting {
    /// Messages that the client may not have got in a session that could not be resumed.
    pub(in crate::xmpp) again: Vec<Bytes>,
    /// Envelopes that came meanwhile.
    pub(in crate::xmpp) envelopes: VecDeque<Envelope>,
    /// Bytes that both take.
    bytes: usize,
}

impl Account {
    /// Keeps messages of an earlier session until the client is available.
    pub(in crate::xmpp) fn wait_again(&mut self, messages: Vec<Bytes>) {
        let waiting = self.waiting.get_or_insert_default();
        waiting.bytes += messages.iter().map(Bytes::len).sum::<usize>();
        waiting.again = messages;
    }

    /// Keeps something until the client is available; if there is too much, drops it.
    pub(in crate::xmpp) fn wait_for_presence(&mut self, envelope: Envelope) {
        let waiting = self.waiting.get_or_insert_default();
        if waiting.envelopes.len() < MAX_WAITING {
            let words = match &envelope.body {
                Body::Contact(Consent::Request(words)) => words.text().len(),
                _ => 0,
            };
            waiting.bytes += size_of::<Envelope>() + words;
            waiting.envelopes.push_back(envelope);
        }
    }

    /// Takes what waited for the client to be available: messages of the last session, and others.
    pub(in crate::xmpp) fn take_waiting(&mut self) -> Waiting {
        self.waiting.take().map(|waiting| *waiting).unwrap_or_default()
    }

    /// Bytes that wait for the client to be available.
    pub(in crate::xmpp) fn waits(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.bytes)
    }
}
