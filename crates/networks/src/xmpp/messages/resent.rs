//! Repeated messages of a client whose connection broke (XEP-0198), of which the gateway took a
//! part that no server knows.
//!
//! A message is said again if the client was not told that it arrived, if it is among the first
//! things that the client says, and if it is the same to the word. An id alone says nothing: there
//! are clients that count from one on each connection.

use std::collections::VecDeque;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crosstalk_core::Address;

use crate::xmpp::wire::xml::Element;

/// Number of stanzas of signing on and of its lists that a client may send in a new session among
/// what it repeats.
const SIGN_ON: u32 = 64;

/// A mark of a message, by which it is known when it is said again.
pub(in crate::xmpp) fn mark(to: &Address, stanza: &Element) -> u64 {
    let said = ["subject", "body"].map(|name| stanza.text_of(name));
    BuildHasherDefault::<DefaultHasher>::default().hash_one((to, stanza.attr("id"), said))
}

/// The messages that a client will say again, as far as the gateway took them. Boxed, since most
/// connections go on with nothing of before.
#[derive(Default)]
pub(in crate::xmpp) struct ResentMessages(Option<Box<Taken>>);

#[derive(Default)]
struct Taken {
    /// Their marks, in the order in which they were said.
    marks: VecDeque<u64>,
    /// Among how many of the client's next stanzas they are.
    left: u32,
}

impl ResentMessages {
    /// The client goes on in its session: it first says again what it was not told of on the
    /// connection before, `stanzas` of them with these `marks`, and of this what it had not come
    /// to.
    pub(in crate::xmpp) fn go_on(&mut self, marks: VecDeque<u64>, stanzas: u32) {
        if self.0.is_none() && marks.is_empty() {
            return;
        }
        let taken = self.0.get_or_insert_default();
        let rest = std::mem::replace(&mut taken.marks, marks);
        taken.marks.extend(rest);
        taken.left = taken.left.saturating_add(stanzas);
    }

    /// The same for a client that begins a new session instead.
    pub(in crate::xmpp) fn begin_anew(&mut self) {
        if let Some(taken) = &mut self.0 {
            taken.left = taken.left.saturating_add(SIGN_ON);
        }
    }

    /// The client says a stanza.
    pub(in crate::xmpp) fn count(&mut self) {
        let Some(taken) = &mut self.0 else { return };
        match taken.left.checked_sub(1) {
            Some(left) => taken.left = left,
            None => self.0 = None,
        }
    }

    /// Whether any is to come.
    pub(in crate::xmpp) fn may_come(&self) -> bool {
        self.0.as_ref().is_some_and(|taken| !taken.marks.is_empty())
    }

    /// Whether a message with this mark was taken before. Each is known again once.
    pub(in crate::xmpp) fn take(&mut self, mark: u64) -> bool {
        let Some(taken) = &mut self.0 else { return false };
        let at = taken.marks.iter().position(|taken| *taken == mark);
        at.and_then(|at| taken.marks.remove(at)).is_some()
    }

    /// Bytes that it takes, roughly.
    pub(in crate::xmpp) fn weight(&self) -> usize {
        let weight = |taken: &Taken| size_of::<Taken>() + taken.marks.len() * size_of::<u64>();
        self.0.as_ref().map_or(0, |taken| weight(taken))
    }
}
