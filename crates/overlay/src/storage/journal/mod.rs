//! The journal of what was shown here, and the thread that writes it.
//!
//! A message that was shown is answered when the journal has it, so that a gateway that was told
//! so never finds it shown again. Writing has a thread of its own: a disk that takes its time
//! holds up these answers, and neither the lock nor the workers that all other messages need.

mod ring;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use crosstalk_core::UnixMillis;
use tokio::sync::mpsc;

use crate::delivery::dedup::Fingerprint;
use ring::Ring;

/// The most writes that nobody has heard of before the next one waits.
const MAX_UNHEARD: usize = 16;
/// The most notes that wait for a disk that takes its time.
const MAX_NOTED: usize = 65_536;
/// The most notes that are written at once.
const MOST: usize = 256;

/// Entries that were noted and are now written, in order.
pub(crate) type Written<T> = mpsc::Receiver<Vec<T>>;

/// Entries found in a journal, oldest first, with their age.
pub(crate) type Found = Vec<(Fingerprint, Duration)>;

/// The way to the thread that writes. `T` is what comes back when a note is written.
pub(crate) struct Journal<T> {
    notes: mpsc::Sender<Note<T>>,
    thread: Option<JoinHandle<()>>,
}

struct Note<T> {
    shown_at: UnixMillis,
    fingerprint: Fingerprint,
    of: T,
}

/// The end of a journal that writes.
pub(crate) struct Writer<T> {
    ring: Ring,
    notes: mpsc::Receiver<Note<T>>,
    written: mpsc::Sender<Vec<T>>,
}

impl<T: Send + 'static> Journal<T> {
    /// Opens the journal in `state`, which it makes where it is missing, and starts the thread.
    pub(crate) fn open(state: &Path, wall: UnixMillis) -> io::Result<(Self, Found, Written<T>)> {
        let (mut journal, found, writer, written) = Self::begin(state, wall)?;
        let thread = std::thread::Builder::new().name("overlay-journal".into());
        journal.thread = Some(thread.spawn(move || writer.write_until_closed())?);
        Ok((journal, found, written))
    }

    /// As [`Self::open`], without the thread: nothing is written but by the writer.
    pub(crate) fn begin(
        state: &Path,
        wall: UnixMillis,
    ) -> io::Result<(Self, Found, Writer<T>, Written<T>)> {
        let (ring, found) = Ring::open(state, wall)?;
        let (note, notes) = mpsc::channel(MAX_NOTED);
        let (tell, written) = mpsc::channel(MAX_UNHEARD);
        let writer = Writer { ring, notes, written: tell };
        Ok((Self { notes: note, thread: None }, found, writer, written))
    }

    /// Notes what was shown; `of` comes back when that is written. Fails where too many notes wait.
    pub(crate) fn note(
        &self,
        shown_at: UnixMillis,
        fingerprint: Fingerprint,
        of: T,
    ) -> Result<(), T> {
        // Noted under a lock, which waits for nothing.
        let noted = self.notes.try_send(Note { shown_at, fingerprint, of });
        noted.map_err(|full| full.into_inner().of)
    }

    /// Writes what was noted, and ends the thread. Not to be called under a lock.
    pub(crate) fn close(self) {
        drop(self.notes);
        if let Some(thread) = self.thread {
            let _ = thread.join();
        }
    }
}

impl<T> Writer<T> {
    fn write_until_closed(mut self) {
        let mut notes = Vec::new();
        while self.notes.blocking_recv_many(&mut notes, MOST) > 0 {
            let written = self.write(&mut notes);
            // Where nobody listens any more, it is written all the same.
            let _ = self.written.blocking_send(written);
        }
    }

    /// Writes what is noted next, in place of the thread. Says whether there may be more.
    #[cfg(test)]
    pub(crate) async fn write_next(&mut self) -> bool {
        let mut notes = Vec::new();
        let more = self.notes.recv_many(&mut notes, MOST).await > 0;
        let written = self.write(&mut notes);
        let _ = self.written.send(written).await;
        more
    }

    /// One write for all, however many there are: as many as came while the last was written.
    fn write(&mut self, notes: &mut Vec<Note<T>>) -> Vec<T> {
        for note in &*notes {
            self.ring.note(note.shown_at, note.fingerprint);
        }
        self.ring.write();
        notes.drain(..).map(|note| note.of).collect()
    }
}
