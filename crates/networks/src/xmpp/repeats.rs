//! What a client says again after its connection broke (XEP-0198), of which the gateway took a
//! part that no server knows.
//!
//! A message is said again if the client was not told that it arrived, if it is among the first
//! things that the client says, and if it is the same to the word. An id alone says nothing: there
//! are clients that count from one on each connection.

use std::collections::VecDeque;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crosstalk_core::Address;

use super::xml::Element;

/// What a client may say in a new session, of signing on and its lists, among what it repeats.
const SIGN_ON: u32 = 64;

/// A mark of a message, by which it is known when it is said again.
pub(super) fn mark(to: &Address, stanza: &Element) -> u64 {
    let said = ["subject", "body"].map(|name| stanza.text_of(name));
    BuildHasherDefault::<DefaultHasher>::default().hash_one((to, stanza.attr("id"), said))
}

/// The messages that a client will say again, as far as the gateway took them.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeats {
    /// Their marks, in the order in which they were said.
    marks: VecDeque<u64>,
    /// Among how many of the client's next stanzas they are.
    left: u32,
}

impl Repeats {
    /// The client goes on in its session: it first says again what it was not told of on the
    /// connection before, `stanzas` of them with these `marks`, and of this what it had not come
    /// to.
    pub(super) fn go_on(&mut self, marks: VecDeque<u64>, stanzas: u32) {
        let rest = std::mem::replace(&mut self.marks, marks);
        self.marks.extend(rest);
        self.left = self.left.saturating_add(stanzas);
    }

    /// The same for a client that begins a new session instead.
    pub(super) fn begin_anew(&mut self) {
        self.left = self.left.saturating_add(SIGN_ON);
    }

    /// The client says a stanza.
    pub(super) fn count(&mut self) {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None if self.marks.is_empty() => {}
            None => self.marks = VecDeque::new(),
        }
    }

    /// Whether any is to come.
    pub(super) fn may_come(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Whether a message with this mark was taken before. Each is known again once.
    pub(super) fn take(&mut self, mark: u64) -> bool {
        let at = self.marks.iter().position(|taken| *taken == mark);
        at.and_then(|at| self.marks.remove(at)).is_some()
    }

    /// How many bytes it takes, roughly.
    pub(super) fn weight(&self) -> usize {
        self.marks.len() * size_of::<u64>()
    }
}
