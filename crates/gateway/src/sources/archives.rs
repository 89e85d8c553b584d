//! Files of archived texts: one for each person and kind, of a bounded size.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crosstalk_core::Address;
use crosstalk_services::{Format, Record};
use ring::digest::{SHA256, digest};
use tokio::sync::oneshot;

use super::Error;

/// The most texts, and the most bytes, that wait to be written.
const MAX_WAITING: usize = 1024;
const MAX_BYTES: usize = 4 << 20;
/// The longest name of a file before its end; file systems take 255 bytes.
const MAX_NAME: usize = 200;

/// Files of archived texts, written by a thread, so that nobody waits for the disk.
pub(super) struct Archives {
    writer: SyncSender<Job>,
    waiting: Arc<AtomicUsize>,
}

/// Something for the thread that writes.
enum Job {
    Write(Address, Record),
    /// Removes the files of somebody, then says whether that was done.
    Forget(Address, oneshot::Sender<bool>),
}

impl Archives {
    /// Archives in `dir`, which is made if missing; a file has `limit` bytes at most.
    pub(super) fn open(dir: &Path, limit: u64) -> Result<Self, Error> {
        let bad = |error: io::Error| Error::Archive(dir.to_owned(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(bad)?;
        let (writer, reader) = sync_channel(MAX_WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let work = Work { dir: dir.to_owned(), limit, waiting: Arc::clone(&waiting) };
        let thread = thread::Builder::new().name("archives".to_owned());
        thread.spawn(move || work.run(&reader)).map_err(bad)?;
        Ok(Self { writer, waiting })
    }

    /// Has a text written, unless too much waits.
    pub(super) fn write(&self, owner: &Address, record: Record) {
        let bytes = record.lines.expose().len();
        let waiting = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let is_room = waiting + bytes <= MAX_BYTES;
        if !is_room || self.writer.try_send(Job::Write(owner.clone(), record)).is_err() {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            tracing::warn!("a text was not archived: too many wait to be written");
        }
    }

    /// Removes the files of `owner`, with what waits to be written there. Returns whether they are
    /// gone.
    pub(super) async fn forget(&self, owner: &Address) -> bool {
        let (say, said) = oneshot::channel();
        // In the place of a text: so much waits only while the disk does not follow.
        let asked = self.writer.try_send(Job::Forget(owner.clone(), say));
        asked.is_ok() && said.await.unwrap_or(false)
    }
}

/// The thread that writes.
struct Work {
    dir: PathBuf,
    limit: u64,
    waiting: Arc<AtomicUsize>,
}

impl Work {
    fn run(&self, reader: &Receiver<Job>) {
        while let Ok(job) = reader.recv() {
            match job {
                Job::Write(owner, record) => self.write(&owner, &record),
                Job::Forget(owner, say) => drop(say.send(forget_archived(&self.dir, &owner))),
            }
        }
    }

    fn write(&self, owner: &Address, record: &Record) {
        let lines = record.lines.expose();
        if let Err(error) =
            append(&place(&self.dir, owner, record.format), lines.as_bytes(), self.limit)
        {
            tracing::warn!(%error, "a text was not archived");
        }
        self.waiting.fetch_sub(lines.len(), Ordering::Relaxed);
    }
}

/// Removes the files of `owner` in a directory of archives. Returns whether they are gone.
pub fn forget_archived(dir: &Path, owner: &Address) -> bool {
    let places = Format::ALL.into_iter().map(|format| place(dir, owner, format));
    let files: Vec<PathBuf> = places.flat_map(|place| [before(&place), place]).collect();
    let removed = files.iter().map(|file| match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "an archive was not removed");
            false
        }
        _ => true,
    });
    // Each, also after one that failed.
    removed.fold(true, |all, removed| all & removed)
}

fn place(dir: &Path, owner: &Address, format: Format) -> PathBuf {
    dir.join(format!("{}.{}", name(owner), format.name()))
}

/// The file that stands beside one that has been full.
fn before(place: &Path) -> PathBuf {
    let mut old = place.as_os_str().to_owned();
    old.push(".old");
    old.into()
}

/// Writes lines behind those of a file. Where it would be too large, it becomes the old one, in the
/// place of the one before it.
fn append(place: &Path, lines: &[u8], limit: u64) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    let mut file = options.open(place)?;
    let mut length = file.metadata()?.len();
    if length > 0 && length + lines.len() as u64 > limit {
        fs::rename(place, before(place))?;
        file = options.open(place)?;
        length = 0;
    }
    let written = file.write_all(lines);
    if written.is_err() {
        // Half a line would spoil what comes behind it.
        file.set_len(length)?;
    }
    written
}

/// The name of a person's files: letters, digits and few signs, and `%` before what else there is.
fn name(owner: &Address) -> String {
    let address = owner.to_string();
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let name: String = address.bytes().map(byte).collect();
    if name.len() <= MAX_NAME {
        return name;
    }
    let digits = |byte: &u8| [byte >> 4, byte & 0xf];
    let hex = |digit: u8| char::from_digit(u32::from(digit), 16).unwrap_or_default();
    digest(&SHA256, address.as_bytes()).as_ref().iter().flat_map(digits).map(hex).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else_and_is_no_longer_than_a_file_system_takes() {
        let of = |text: &str| name(&text.parse().unwrap());
        assert_eq!(of("../../x@example.org@jabber"), "..%2F..%2Fx%40example.org%40jabber");
        let long = of(&format!("{}@example.org@jabber", "é".repeat(100)));
        assert_eq!(long.len(), 64);
        assert_ne!(long, of(&format!("{}@example.org@jabber", "è".repeat(100))));
    }
}
