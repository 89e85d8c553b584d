//! A file of what was shown here, which outlives the process.
//!
//! A ring of slots of fixed size, written in place: what was shown between two turns of a link
//! costs one short write and no wait for the disk, and a full disk does not hinder it. What a
//! killed process wrote is kept by the system; a machine that loses power may lose the last
//! seconds, and with them the memory of what it showed then.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use crosstalk_core::UnixMillis;

use crate::delivery::dedup::{Fingerprint, MAX_SHOWN};

/// The name of the file in the state directory.
const FILE: &str = "shown.ring";
/// The time in milliseconds, the fingerprint, and their exclusive or in two halves.
const SLOT: usize = 32;
/// Read and made in such pieces, the file is cached in small pages: a short write into a large one
/// takes as long as the page is large.
const PAGE: usize = 4096;
/// The most bytes that are noted and not written.
const NOTED: usize = 256 * SLOT;

/// The file, and what is to be written to it.
pub(super) struct Ring {
    file: File,
    next: usize,
    /// Slots to be written; never more than [`NOTED`].
    noted: Vec<u8>,
    failed: bool,
}

impl Ring {
    /// Opens the file in `state`, which it makes where it is missing. Returns what is in it,
    /// oldest first, with how long ago that was.
    pub(super) fn open(
        state: &Path,
        wall: UnixMillis,
    ) -> io::Result<(Self, Vec<(Fingerprint, Duration)>)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.mode(0o600);
        let mut file = options.open(state.join(FILE))?;
        #[cfg(target_os = "linux")]
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random);
        let mut bytes = Vec::new();
        (&mut file).take((MAX_SHOWN * SLOT) as u64).read_to_end(&mut bytes)?;
        // The file has its full size from the start, so that noting works on a full disk too.
        if bytes.len() < MAX_SHOWN * SLOT {
            // All the room it will ever need, and not only promised.
            for page in vec![0; MAX_SHOWN * SLOT - bytes.len()].chunks(PAGE) {
                file.write_all(page)?;
            }
            file.sync_all()?;
        }
        let slots = bytes.chunks_exact(SLOT).enumerate();
        let mut found: Vec<_> = slots.filter_map(|(at, slot)| Some((read(slot)?, at))).collect();
        found.sort_unstable();
        // The ring goes on behind its newest slot; no pointer is stored that could be wrong after a
        // crash.
        let next = found.last().map_or(0, |(_, at)| (at + 1) % MAX_SHOWN);
        let shown =
            found.into_iter().map(|((at, fingerprint), _)| (fingerprint, wall.since(at))).collect();
        Ok((Self { file, next, noted: Vec::new(), failed: false }, shown))
    }

    /// Notes what was shown, to be [written](Self::write).
    pub(super) fn note(&mut self, wall: UnixMillis, fingerprint: Fingerprint) {
        self.noted.extend_from_slice(&slot(wall, fingerprint));
        if self.noted.len() == NOTED {
            self.write();
        }
    }

    /// Writes down what was noted.
    pub(super) fn write(&mut self) {
        if self.noted.is_empty() {
            return;
        }
        let to_end = ((MAX_SHOWN - self.next) * SLOT).min(self.noted.len());
        let (here, around) = self.noted.split_at(to_end);
        let at = (self.next * SLOT) as u64;
        let written =
            self.file.write_all_at(here, at).and_then(|()| self.file.write_all_at(around, 0));
        self.next = (self.next + self.noted.len() / SLOT) % MAX_SHOWN;
        // Dropped also on failure: a slot in memory only would be written late, over one that is
        // newer.
        self.noted.clear();
        let failed = written.is_err();
        if let Err(error) = written
            && !self.failed
        {
            tracing::error!("this gateway: cannot write down what was shown: {error}");
        }
        self.failed = failed;
    }
}

fn slot(wall: UnixMillis, fingerprint: Fingerprint) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..8].copy_from_slice(&wall.0.to_le_bytes());
    slot[8..24].copy_from_slice(&fingerprint.0);
    let check = check(&slot);
    slot[24..].copy_from_slice(&check.to_le_bytes());
    slot
}

fn read(slot: &[u8]) -> Option<(UnixMillis, Fingerprint)> {
    let (said, time) = (number(slot, 24), number(slot, 0));
    let fingerprint = std::array::from_fn(|i| slot.get(8 + i).copied().unwrap_or_default());
    (time != 0 && said == check(slot)).then_some((UnixMillis(time), Fingerprint(fingerprint)))
}

/// Tells a slot that was written whole from one that was not.
fn check(slot: &[u8]) -> u64 {
    number(slot, 0) ^ number(slot, 8).rotate_left(21) ^ number(slot, 16).rotate_left(42) ^ 0x5eed
}

fn number(slot: &[u8], from: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| slot.get(from + i).copied().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(n: usize) -> Fingerprint {
        Fingerprint((n as u128 + 1).to_le_bytes())
    }

    fn prints(state: &Path) -> Vec<Fingerprint> {
        let (_, shown) = Ring::open(state, UnixMillis(1_000_000)).unwrap();
        shown.into_iter().map(|(fingerprint, _)| fingerprint).collect()
    }

    #[test]
    fn what_was_written_is_read_again_in_order_and_with_its_age() {
        let state = tempfile::tempdir().unwrap();
        let (mut ring, shown) = Ring::open(state.path(), UnixMillis(5000)).unwrap();
        assert!(shown.is_empty());
        ring.note(UnixMillis(5000), fingerprint(9));
        ring.note(UnixMillis(6000), fingerprint(3));
        ring.write();
        drop(ring);
        let (mut ring, shown) = Ring::open(state.path(), UnixMillis(7000)).unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(shown, [(fingerprint(9), 2 * second), (fingerprint(3), second)]);
        ring.note(UnixMillis(7000), fingerprint(4));
        ring.write();
        assert_eq!(prints(state.path()), [fingerprint(9), fingerprint(3), fingerprint(4)]);
    }

    #[test]
    fn the_ring_goes_round() {
        let state = tempfile::tempdir().unwrap();
        let (mut ring, _) = Ring::open(state.path(), UnixMillis(1)).unwrap();
        (0..=MAX_SHOWN).for_each(|n| ring.note(UnixMillis(1 + n as u64), fingerprint(n)));
        ring.write();
        let all = prints(state.path());
        assert_eq!(
            (all.len(), all[0], all[MAX_SHOWN - 1]),
            (MAX_SHOWN, fingerprint(1), fingerprint(MAX_SHOWN))
        );
    }

    #[test]
    fn a_slot_that_was_not_written_whole_is_passed_over() {
        let state = tempfile::tempdir().unwrap();
        let (mut ring, _) = Ring::open(state.path(), UnixMillis(1)).unwrap();
        ring.note(UnixMillis(1), fingerprint(1));
        ring.note(UnixMillis(2), fingerprint(2));
        ring.write();
        let mut bytes = std::fs::read(state.path().join(FILE)).unwrap();
        bytes[10] ^= 1;
        std::fs::write(state.path().join(FILE), bytes).unwrap();
        assert_eq!(prints(state.path()), [fingerprint(2)]);
    }
}
