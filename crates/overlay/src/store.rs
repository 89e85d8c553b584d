//! What survives a restart: rosters and the boot count, in a redb file.
//!
//! Writes are grouped: a thread commits whatever came in while it committed before, so nobody
//! waits for the disk who does not ask to.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crosstalk_core::{Address, Roster, UnixMillis};
use redb::{Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use tokio::sync::oneshot;

use crate::Error;
use crate::members::Key;
use crate::rosters::Shelf;

/// The name of the database in the state directory.
const FILE: &str = "overlay.redb";
/// Postcard of `(owner, roster)`.
const ROSTERS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("rosters/1");
/// Digests of the rosters.
const DIGESTS: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("digests/1");
/// Numbers with a name.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta/1");
const EPOCH: &str = "epoch";
/// How long a failed commit waits to be tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The most rosters that wait for the disk.
const MAX_QUEUED: usize = 20_000;

/// The store; a cheap clone.
#[derive(Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    /// `None` once closed.
    db: RwLock<Option<Database>>,
    queue: Mutex<Queue>,
    wake: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    waiting: Batch,
    committing: Arc<Batch>,
    told: Vec<oneshot::Sender<()>>,
    closing: bool,
}

type Batch = HashMap<Key, (Address, Roster, u64)>;

impl Store {
    /// Opens the store in `state`, which it makes where it is missing, and counts the boot:
    /// returns its number, which is above every earlier one.
    pub(crate) fn open(state: &Path, wall: UnixMillis) -> Result<(Self, u64), Error> {
        let path = state.join(FILE);
        let fail = |source: redb::Error| Error::Store { path: path.clone(), source };
        private_file(&path).map_err(|source| Error::State { path: path.clone(), source })?;
        let db = Database::create(&path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => Error::InUse { path: path.clone() },
            error => fail(error.into()),
        })?;
        let epoch = begin_epoch(&db, wall).map_err(fail)?;
        let shared = Arc::new(Shared {
            db: RwLock::new(Some(db)),
            queue: Mutex::default(),
            wake: Condvar::new(),
            thread: Mutex::default(),
        });
        let writer = shared.clone();
        let thread = std::thread::Builder::new()
            .name("overlay-store".into())
            .spawn(move || writer.commit_until_closed())
            .map_err(|source| Error::State { path: path.clone(), source })?;
        *lock(&shared.thread) = Some(thread);
        Ok((Self { shared }, epoch))
    }

    /// Resolves when everything put so far is on disk; with an error where that failed.
    pub(crate) fn committed(&self) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        let mut queue = lock(&self.shared.queue);
        if queue.waiting.is_empty() && queue.committing.is_empty() {
            let _ = tell.send(());
        } else {
            queue.told.push(tell);
            self.shared.wake.notify_one();
        }
        told
    }

    /// Writes what waits and closes the file. Afterwards the store is empty and keeps nothing.
    pub(crate) fn close(&self) {
        lock(&self.shared.queue).closing = true;
        self.shared.wake.notify_one();
        if let Some(thread) = lock(&self.shared.thread).take() {
            let _ = thread.join();
        }
        self.shared.db.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Shelf for Store {
    fn get(&self, key: &Key) -> Option<(Address, Roster)> {
        let queue = lock(&self.shared.queue);
        let queued = queue.waiting.get(key).or_else(|| queue.committing.get(key));
        if let Some((owner, roster, _)) = queued {
            return Some((owner.clone(), roster.clone()));
        }
        drop(queue);
        self.shared.read(|db| read_roster(db, key)).flatten()
    }

    fn put(&mut self, key: Key, owner: Address, roster: Roster, digest: u64) {
        let mut queue = lock(&self.shared.queue);
        if queue.waiting.len() >= MAX_QUEUED && !queue.waiting.contains_key(&key) {
            tracing::error!(%owner, "this gateway: the disk is too slow, a roster was not stored");
            return;
        }
        queue.waiting.insert(key, (owner, roster, digest));
        self.shared.wake.notify_one();
    }

    fn digests(&self) -> Vec<(Key, u64)> {
        let mut digests: HashMap<_, _> =
            self.shared.read(read_digests).unwrap_or_default().into_iter().collect();
        let queue = lock(&self.shared.queue);
        for batch in [&*queue.committing, &queue.waiting] {
            digests.extend(batch.iter().map(|(key, (_, _, digest))| (*key, *digest)));
        }
        digests.into_iter().collect()
    }
}

impl Shared {
    fn read<T>(&self, read: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Option<T> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let result = read(db.as_ref()?);
        result.inspect_err(|e| tracing::error!("this gateway: cannot read its store: {e}")).ok()
    }

    fn commit_until_closed(&self) {
        let mut queue = lock(&self.queue);
        loop {
            if queue.waiting.is_empty() {
                for tell in queue.told.drain(..) {
                    let _ = tell.send(());
                }
                if queue.closing {
                    return;
                }
                queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let batch = Arc::new(std::mem::take(&mut queue.waiting));
            queue.committing = batch.clone();
            drop(queue);
            let done = self.read(|db| write_batch(db, &batch)).is_some();
            queue = lock(&self.queue);
            queue.committing = Arc::default();
            if done {
                continue;
            }
            for (key, value) in batch.iter() {
                queue.waiting.entry(*key).or_insert_with(|| value.clone());
            }
            if queue.closing {
                return queue.told.clear();
            }
            queue = self.wake.wait_timeout(queue, RETRY).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the file, readable by its owner only, before the database fills it.
fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The wall clock keeps epochs growing where the store was lost, the count where the clock
/// went back.
fn begin_epoch(db: &Database, wall: UnixMillis) -> Result<u64, redb::Error> {
    let write = db.begin_write()?;
    let epoch = {
        write.open_table(ROSTERS)?;
        write.open_table(DIGESTS)?;
        let mut meta = write.open_table(META)?;
        let last = meta.get(EPOCH)?.map_or(0, |value| value.value());
        let epoch = wall.0.max(last.saturating_add(1));
        meta.insert(EPOCH, epoch)?;
        epoch
    };
    write.commit()?;
    Ok(epoch)
}

fn read_roster(db: &Database, key: &Key) -> Result<Option<(Address, Roster)>, redb::Error> {
    let table = db.begin_read()?.open_table(ROSTERS)?;
    let Some(bytes) = table.get(key.as_bytes())? else { return Ok(None) };
    let roster = postcard::from_bytes(bytes.value());
    Ok(roster.inspect_err(|e| tracing::error!(?key, "a stored roster is damaged: {e}")).ok())
}

fn read_digests(db: &Database) -> Result<Vec<(Key, u64)>, redb::Error> {
    let table = db.begin_read()?.open_table(DIGESTS)?;
    let entries = table.iter()?.map(|entry| {
        let (key, digest) = entry?;
        Ok((Key::from_bytes(*key.value()), digest.value()))
    });
    entries.collect()
}

fn write_batch(db: &Database, batch: &Batch) -> Result<(), redb::Error> {
    let write = db.begin_write()?;
    {
        let mut rosters = write.open_table(ROSTERS)?;
        let mut digests = write.open_table(DIGESTS)?;
        for (key, (owner, roster, digest)) in batch {
            let Ok(bytes) = postcard::to_stdvec(&(owner, roster)) else { continue };
            rosters.insert(key.as_bytes(), bytes.as_slice())?;
            digests.insert(key.as_bytes(), digest)?;
        }
    }
    write.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{Contact, Stamp};

    fn roster() -> Roster {
        let mut roster = Roster::default();
        let contact = Contact::new("bob@yahoo".parse().unwrap(), "bob@yahoo.xt".into());
        roster.put(Contact { listed: true, ..contact }, Stamp { millis: 1, writer: 1 });
        roster
    }

    #[test]
    fn rosters_survive_and_epochs_grow() {
        let dir = tempfile::tempdir().unwrap();
        let alice: Address = "alice@aol".parse().unwrap();
        let key = Key::of(&alice);
        let (mut store, first) = Store::open(dir.path(), UnixMillis(1000)).unwrap();
        store.put(key, alice.clone(), roster(), 7);
        assert_eq!(store.get(&key), Some((alice.clone(), roster())), "before it is on disk");
        store.close();
        let (store, second) = Store::open(dir.path(), UnixMillis(10)).unwrap();
        assert!(second > first, "even though the clock went back");
        assert_eq!(store.get(&key), Some((alice, roster())));
        assert_eq!(store.digests(), [(key, 7)]);
    }

    #[test]
    fn a_commit_can_be_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(dir.path(), UnixMillis(1)).unwrap();
        let alice: Address = "alice@aol".parse().unwrap();
        store.put(Key::of(&alice), alice, roster(), 7);
        store.committed().blocking_recv().unwrap();
        assert!(lock(&store.shared.queue).waiting.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let _store = Store::open(dir.path(), UnixMillis(1)).unwrap();
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    #[test]
    fn a_store_that_another_gateway_uses_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let _held = Store::open(dir.path(), UnixMillis(1)).unwrap();
        let refused = Store::open(dir.path(), UnixMillis(2)).map(|_| ());
        assert!(matches!(refused, Err(Error::InUse { .. })));
    }
}
