//! Memory of the person's conversations.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use crosstalk_core::{Address, EnvelopeId};

use crate::oscar::PER_PERSON;

/// The conversations of a session.
#[derive(Default)]
pub(in crate::oscar) struct Conversations {
    pub(super) sent: VecDeque<Sent>,
    pub(super) partners: BTreeSet<Address>,
    /// The next cookie of messages that are not the text of an envelope.
    pub(super) cookie: u64,
    /// The largest message that the client said it takes.
    pub(super) most: Option<u16>,
}

/// A message of the person's that may still fail.
pub(super) struct Sent {
    pub(super) id: EnvelopeId,
    pub(super) request: u32,
    pub(super) at: Instant,
}

impl Conversations {
    /// Bytes that it takes.
    pub(in crate::oscar) fn weight(&self) -> usize {
        self.sent.len() * size_of::<Sent>() + self.partners.len() * PER_PERSON
    }
}
