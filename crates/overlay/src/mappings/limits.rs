//! Bounds on the mappings that are kept.

/// Bounds on the mappings of applications that this gateway keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MappingLimits {
    /// The most bytes of all of them, of which a quarter is for programs of this gateway alone.
    pub bytes: usize,
    /// The most bytes of those that one other gateway brought.
    pub of_gateway: usize,
}

impl Default for MappingLimits {
    fn default() -> Self {
        Self { bytes: 32 << 20, of_gateway: 8 << 20 }
    }
}

/// The most mappings in one namespace, removed ones included until their time is over.
pub(super) const MAX_KEYS: usize = 1024;
/// The most bytes of one namespace.
pub(super) const MAX_NAMESPACE: usize = 512 << 10;
/// The longest time for which a mapping holds, in seconds: 30 days.
pub(super) const MAX_TTL: u64 = 30 * 24 * 60 * 60;
/// By how much more its time may be too long at another gateway, in seconds, since clocks differ.
pub(super) const SLACK: u64 = 24 * 60 * 60;
/// The most bytes of mappings in one frame.
pub(super) const PART: usize = 128 << 10;
/// The most bytes of mappings in answer to one frame; the others wait for the next comparison.
pub(super) const MAX_WANTED: usize = 8 << 20;
/// After so many turns two sides that still differ leave it to the next comparison.
pub(super) const LAST_TURN: u8 = 3;
/// The most namespaces that are remembered for having had no room.
pub(super) const MAX_REFUSED: usize = 16_384;
/// The most mappings in one answer.
pub(super) const MAX_PAGE: usize = 128;
/// The most questions at a time. Each may hold an answer of every home.
pub(super) const MAX_ASKS: usize = 64;
/// The most namespaces that are watched from here, each of which may be held in memory.
pub(super) const MAX_WATCHED: usize = 64;
/// The most namespaces that one other gateway watches here.
pub(super) const MAX_WATCHED_BY_ONE: usize = 256;
