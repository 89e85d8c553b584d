//! Messages that the client sent to foreign people, to match receipts and failures with.

use std::collections::VecDeque;

use crosstalk_core::{Address, EnvelopeId};

/// The most sent messages that receipts and failures can still be matched with.
const MAX_SENT: usize = 256;
/// The longest id of a client's stanza that is remembered, in bytes: a UUID takes 36.
pub(in crate::xmpp) const MAX_STANZA_ID: usize = 256;

/// A message the client sent to a foreign person.
pub(in crate::xmpp) struct Sent {
    pub(in crate::xmpp) id: EnvelopeId,
    pub(in crate::xmpp) to: Address,
    /// The id the client gave it.
    pub(in crate::xmpp) stanza: String,
    /// It asked for a receipt (XEP-0184).
    pub(in crate::xmpp) receipt: bool,
    /// It asked for chat markers (XEP-0333).
    pub(in crate::xmpp) markable: bool,
}

/// The last messages that the client sent to foreign people.
#[derive(Default)]
pub(in crate::xmpp) struct SentMessages(VecDeque<Sent>);

impl SentMessages {
    /// Remembers a message, to match what comes back.
    pub(in crate::xmpp) fn remember(&mut self, sent: Sent) {
        // An id that is cut short matches nothing.
        if sent.stanza.len() > MAX_STANZA_ID {
            return;
        }
        if self.0.len() >= MAX_SENT {
            self.0.pop_front();
        }
        self.0.push_back(sent);
    }

    /// A message that is still known.
    pub(in crate::xmpp) fn get(&self, of: EnvelopeId) -> Option<&Sent> {
        self.0.iter().rev().find(|sent| sent.id == of)
    }

    /// Bytes that they take, roughly.
    pub(in crate::xmpp) fn weight(&self) -> usize {
        self.0.iter().map(|sent| size_of::<Sent>() + sent.stanza.len()).sum()
    }
}
