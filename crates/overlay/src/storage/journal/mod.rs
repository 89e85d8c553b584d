//! The journal of what was shown here, a file that outlives the process.
//!
//! A ring of slots of fixed size, overwritten in place, so that a full disk does not hinder it. What
//! a killed process noted is kept by the system; a machine that loses power may lose the last
//! seconds, and with them the memory of what it showed then.
//!
//! A message that was shown is noted before it is answered, so that a gateway that was told so
//! never finds it shown again. Noting is a store to memory, see [`slots`], on the thread where the
//! message is: a hand-over to another one and back would take longer than everything else that is
//! done for an answer. It is done under no lock but the journal's own, so that a note that is held
//! up, as by a file system that writes that page out just then, keeps no lock of the hub. It does
//! keep its worker, and each other worker from the moment when that has something to note: with
//! as many such messages as workers the gateway stands still until the disk goes on. Where the file
//! is written, that is more likely: a write waits too when much waits to be written back.

mod slots;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crosstalk_core::UnixMillis;

use crate::delivery::dedup::{Fingerprint, MAX_SHOWN};
use slots::Slots;

/// The name of the file in the state directory.
const FILE: &str = "shown.ring";
/// The time in milliseconds, the fingerprint, and their exclusive or in two halves.
const SLOT: usize = 32;

/// Entries found in a journal, oldest first, with their age.
pub(crate) type Found = Vec<(Fingerprint, Duration)>;

/// The file, and where it goes on.
pub(crate) struct Journal(Mutex<Ring>);

struct Ring {
    slots: Slots,
    next: usize,
    failed: bool,
}

impl Journal {
    /// Opens the journal in `state`, which it makes where it is missing. The directory is nobody
    /// else's.
    pub(crate) fn open(state: &Path, wall: UnixMillis) -> io::Result<(Self, Found)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.mode(0o600);
        let mut file = options.open(state.join(FILE))?;
        #[cfg(target_os = "linux")]
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Random);
        let mut bytes = Vec::new();
        (&mut file).take((MAX_SHOWN * SLOT) as u64).read_to_end(&mut bytes)?;
        let slots = Slots::prepare(file, bytes.len(), MAX_SHOWN * SLOT)?;
        let read = bytes.chunks_exact(SLOT).enumerate();
        let mut found: Vec<_> = read.filter_map(|(at, slot)| Some((decode(slot)?, at))).collect();
        found.sort_unstable();
        // The ring goes on behind its newest slot; no pointer is stored that could be wrong after a
        // crash.
        // What was shown in one millisecond stands side by side: it goes on behind the last of that.
        let newest = found.last().map(|((at, _), _)| *at);
        let of_newest = found.iter().rev().take_while(|((at, _), _)| Some(*at) == newest);
        let of_newest: BTreeSet<_> = of_newest.map(|(_, at)| *at).collect();
        let behind = of_newest.iter().map(|at| (at + 1) % MAX_SHOWN);
        let next = behind.into_iter().find(|at| !of_newest.contains(at)).unwrap_or(0);
        let shown =
            found.into_iter().map(|((at, fingerprint), _)| (fingerprint, wall.since(at))).collect();
        Ok((Self(Mutex::new(Ring { slots, next, failed: false })), shown))
    }

    /// Notes what was shown, in the place of the oldest that is noted. Where that fails it is
    /// logged: what was shown is answered all the same, and its sender not kept waiting for a disk.
    pub(crate) fn note(&self, wall: UnixMillis, fingerprint: Fingerprint) {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = ring.next * SLOT;
        // Also on failure: one that is written again later would stand behind newer ones.
        ring.next = (ring.next + 1) % MAX_SHOWN;
        let put = ring.slots.put(at, &encode(wall, fingerprint));
        let failed_before = std::mem::replace(&mut ring.failed, put.is_err());
        if let Err(error) = put
            && !failed_before
        {
            tracing::error!("this gateway: cannot write down what was shown: {error}");
        }
    }

    /// Keeps every note waiting while it runs, as a file system does that takes its time.
    #[cfg(test)]
    pub(crate) fn stalled(&self) -> impl Drop {
        self.0.lock().unwrap()
    }
}

fn encode(wall: UnixMillis, fingerprint: Fingerprint) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    slot[..8].copy_from_slice(&wall.0.to_le_bytes());
    slot[8..24].copy_from_slice(&fingerprint.0);
    let check = check(&slot);
    slot[24..].copy_from_slice(&check.to_le_bytes());
    slot
}

fn decode(slot: &[u8]) -> Option<(UnixMillis, Fingerprint)> {
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
