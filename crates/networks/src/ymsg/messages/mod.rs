//! Instant messages: texts, typing and buzzes, their markup, and how long ones are cut.

pub mod format;
mod format_write;
pub mod pieces;
pub(super) mod texts;

use std::collections::VecDeque;

use crosstalk_core::Address;

/// The most messages that are known again when a client repeats them.
const MAX_KNOWN: usize = 64;
/// The longest name of a receiver, in bytes.
const MAX_NAME: usize = 255;

type Digest = [u8; 20];

/// The conversations of a person.
#[derive(Default)]
pub(in crate::ymsg) struct KnownMessages {
    /// Receivers, and digests of names and texts, which may be long.
    known: VecDeque<(Address, Digest)>,
}

impl KnownMessages {
    /// Whether a message is new, by its receiver, and by its name and text.
    fn is_new(&mut self, to: &Address, id: Digest) -> bool {
        let message = (to.clone(), id);
        if self.known.contains(&message) {
            return false;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.pop_front();
        }
        self.known.push_back(message);
        true
    }

    /// Bytes that it takes.
    pub(in crate::ymsg) fn weight(&self) -> usize {
        self.known.len() * (size_of::<(Address, Digest)>() + MAX_NAME)
    }
}
