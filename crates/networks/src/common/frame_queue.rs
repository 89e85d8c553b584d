//! Frames that wait in their order, counted by their bytes: what a server sends while its list is
//! not merged with the foreign one, and what cannot be judged yet.

use std::collections::VecDeque;

use crosstalk_core::Fault;

/// A frame, by the bytes that it holds besides itself.
pub(crate) trait Weigh {
    fn weight(&self) -> usize;
}

/// Frames of one side.
pub(crate) struct FrameQueue<F> {
    frames: VecDeque<F>,
    bytes: usize,
}

impl<F> Default for FrameQueue<F> {
    fn default() -> Self {
        Self { frames: VecDeque::new(), bytes: 0 }
    }
}

impl<F: Weigh> FrameQueue<F> {
    /// Keeps one behind the others.
    pub(crate) fn push(&mut self, frame: F) {
        self.bytes += frame.weight();
        self.frames.push_back(frame);
    }

    /// Keeps one of a server's while its list is held, if no more than `most` bytes are.
    pub(crate) fn push_of_list(&mut self, frame: F, most: usize) -> Result<(), Fault> {
        self.push(frame);
        if self.weight() > most { Err(Fault::server("the list is too long")) } else { Ok(()) }
    }

    /// Keeps one before the others, from whose front it was taken.
    pub(crate) fn put_back(&mut self, frame: F) {
        self.bytes += frame.weight();
        self.frames.push_front(frame);
    }

    /// Takes the first.
    pub(crate) fn pop(&mut self) -> Option<F> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.weight();
        if self.frames.is_empty() {
            // Most connections hold nothing for the rest of their lives.
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &F> {
        self.frames.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes held: a frame takes more than what stands in it.
    pub(crate) fn weight(&self) -> usize {
        self.bytes + self.frames.len() * size_of::<F>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weigh for &'static str {
        fn weight(&self) -> usize {
            self.len()
        }
    }

    #[test]
    fn frames_keep_their_order_and_weigh_what_they_are() {
        let mut held = FrameQueue::default();
        held.push("two");
        held.push("three");
        held.put_back("one");
        assert_eq!(held.weight(), 11 + 3 * size_of::<&str>());
        assert_eq!(held.iter().copied().collect::<Vec<_>>(), ["one", "two", "three"]);
        assert!(held.push_of_list("four", held.weight()).is_err(), "past the bound");
        while held.pop().is_some() {}
        assert!(held.is_empty() && held.weight() == 0);
    }
}
