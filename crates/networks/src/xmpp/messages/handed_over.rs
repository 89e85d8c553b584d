//! Messages that were on the way to a client when its connection broke.
//!
//! The gateway counts them as not delivered, since it cannot know how far they came, and brings
//! them once more. But they stand in the log of the session (XEP-0198): the client has them, or
//! gets them from there.

use std::collections::VecDeque;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crosstalk_core::{Body, Envelope};

/// The most of them that are known again; of more, the first come twice rather than never.
const MAX: usize = 1000;

/// A mark of what must reach the client once, by which it is known when it comes again.
pub(in crate::xmpp) fn mark(envelope: &Envelope) -> Option<u64> {
    let (kind, id) = match &envelope.body {
        Body::Text { .. } | Body::Attention => ("said", envelope.id),
        // Each report is an envelope of its own, also of the same message.
        Body::Undelivered { of, .. } => ("report", *of),
        Body::Typing(_) | Body::Receipt { .. } | Body::Contact(_) => return None,
    };
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    // With its sender, whose gateway chose the id.
    Some(hasher.hash_one((kind, id.0, &envelope.from)))
}

/// Marks of what earlier connections of the session were given, the oldest first.
#[derive(Default)]
#[expect(clippy::box_collection, reason = "most sessions have one connection and no marks")]
pub(in crate::xmpp) struct HandedOver(Option<Box<VecDeque<u64>>>);

impl HandedOver {
    /// A connection broke while messages with these marks were on the way.
    pub(in crate::xmpp) fn add(&mut self, marks: impl ExactSizeIterator<Item = u64>) {
        if marks.len() == 0 {
            return;
        }
        let known = self.0.get_or_insert_default();
        known.extend(marks);
        known.drain(..known.len().saturating_sub(MAX));
    }

    /// Whether this is known. It stays so: the next connection may break as well before the gateway
    /// hears that it came.
    pub(in crate::xmpp) fn has(&self, mark: u64) -> bool {
        self.0.as_ref().is_some_and(|known| known.contains(&mark))
    }

    /// Bytes that it takes, roughly.
    pub(in crate::xmpp) fn weight(&self) -> usize {
        let known = self.0.as_ref();
        known.map_or(0, |known| size_of::<VecDeque<u64>>() + known.len() * size_of::<u64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_marks_than_are_kept_the_first_are_forgotten() {
        let mut known = HandedOver::default();
        assert!(!known.has(0) && known.weight() == 0);
        known.add((0..1001_u32).map(u64::from));
        assert!(!known.has(0) && known.has(1) && known.has(1000));
        known.add([2000].into_iter());
        assert!(!known.has(1) && known.has(2) && known.has(2000));
    }
}
