//! Verdict of a handler on a frame.

/// Future of a frame that a handler has seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on as it came.
    Forward,
    /// It ends here.
    Withhold,
    /// The handler saw to it.
    Done,
}
