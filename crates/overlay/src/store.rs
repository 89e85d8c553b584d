//! What survives a restart: rosters, undelivered messages and the boot count, in a redb file.
//!
//! Writes are grouped: a thread commits whatever came in while it committed before, so nobody
//! waits for the disk who does not ask to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crosstalk_core::{Address, Roster, UnixMillis};
use redb::{Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use tokio::sync::{mpsc, oneshot};

use crate::Error;
use crate::map::Map;
use crate::members::Key;
use crate::outbox::Post;
#[cfg(test)]
use crate::planted;
use crate::rosters::{self, Shelf};

/// The name of the database in the state directory.
const FILE: &str = "overlay.redb";
/// Postcard of `(owner, roster)`.
const ROSTERS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("rosters/1");
/// Digests of the rosters.
const DIGESTS: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("digests/1");
/// Postcard of `(when it was said, message)`.
const OUTBOX: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("outbox/1");
/// Numbers with a name.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta/1");
const EPOCH: &str = "epoch";
/// The messages that have come to disk, by number and revision; none at all where that failed.
pub(crate) type Told = mpsc::Receiver<Option<Vec<(u64, u64)>>>;

/// Opens the database, again where it failed.
type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// The most commits that were not heard of before the next one waits.
const MAX_UNHEARD: usize = 16;
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
    open: Opener,
    path: PathBuf,
    /// Tells of messages that are on disk, by number and revision, and of failures.
    kept: mpsc::Sender<Option<Vec<(u64, u64)>>>,
}

#[derive(Default)]
struct Queue {
    waiting: Batch,
    committing: Arc<Batch>,
    told: Vec<oneshot::Sender<()>>,
    closing: bool,
}

/// What is written with one wait for the disk.
#[derive(Default)]
struct Batch {
    rosters: Map<Key, (Address, Roster, u64)>,
    posts: BTreeMap<u64, Option<Kept>>,
}

/// A revision of a message, and its bytes.
type Kept = (u64, Vec<u8>);

impl Batch {
    fn is_empty(&self) -> bool {
        self.rosters.is_empty() && self.posts.is_empty()
    }

    /// Takes what was to be written earlier, except where there is something newer.
    fn add_older(&mut self, older: &Self) {
        for (key, value) in &older.rosters {
            self.rosters.entry(*key).or_insert_with(|| value.clone());
        }
        for (number, kept) in &older.posts {
            self.posts.entry(*number).or_insert_with(|| kept.clone());
        }
    }
}

impl Queue {
    /// Whether nothing waits. Those who wait for that are told.
    fn is_done(&mut self) -> bool {
        let done = self.waiting.is_empty();
        if done {
            for tell in self.told.drain(..) {
                let _ = tell.send(());
            }
        }
        done
    }
}

impl Store {
    /// Opens the store in `state`, which it makes where it is missing, and counts the boot:
    /// returns its number, which is above every earlier one.
    /// What is said of messages on disk comes through the receiver.
    pub(crate) fn open(state: &Path, wall: UnixMillis) -> Result<(Self, u64, Told), Error> {
        let path = state.join(FILE);
        private_file(&path).map_err(|source| Error::State { path: path.clone(), source })?;
        let at = path.clone();
        let begun = Self::begin(move || Database::create(&at), path.clone(), wall);
        let (store, epoch, told) = begun.map_err(|error| match error {
            redb::Error::DatabaseAlreadyOpen => Error::InUse { path: path.clone() },
            source => Error::Store { path: path.clone(), source },
        })?;
        let writer = store.shared.clone();
        let thread = std::thread::Builder::new()
            .name("overlay-store".into())
            .spawn(move || writer.commit_until_closed())
            .map_err(|source| Error::State { path, source })?;
        *lock(&store.shared.thread) = Some(thread);
        Ok((store, epoch, told))
    }

    /// As [`Self::open`], of the database that `open` opens, to which nothing is committed by
    /// itself. `path` is for the log.
    pub(crate) fn begin(
        open: impl Fn() -> Result<Database, DatabaseError> + Send + Sync + 'static,
        path: PathBuf,
        wall: UnixMillis,
    ) -> Result<(Self, u64, Told), redb::Error> {
        let db = open()?;
        let epoch = begin_epoch(&db, wall)?;
        let (kept, told) = mpsc::channel(MAX_UNHEARD);
        let shared = Arc::new(Shared {
            db: RwLock::new(Some(db)),
            queue: Mutex::default(),
            wake: Condvar::new(),
            thread: Mutex::default(),
            open: Box::new(open),
            path,
            kept,
        });
        Ok((Self { shared }, epoch, told))
    }

    /// Commits what waits, in place of the thread.
    #[cfg(test)]
    pub(crate) async fn commit(&self) {
        if !lock(&self.shared.queue).is_done() {
            let mut fails = false;
            let kept = self.shared.commit(&mut fails);
            let _ = self.shared.kept.send(kept).await;
            if fails {
                self.shared.reopen();
            }
            lock(&self.shared.queue).is_done();
        }
    }

    /// The messages that are on disk, by number, with their age.
    pub(crate) fn posts(&self, wall: UnixMillis) -> Vec<(u64, Post, Duration)> {
        let posts = self.shared.read(read_posts).unwrap_or_default().into_iter();
        posts.map(|(number, said, post)| (number, post, wall.since(said))).collect()
    }

    /// Keeps a revision of a message that was said at a time.
    pub(crate) fn keep(&self, number: u64, revision: u64, said: UnixMillis, post: &Post) {
        if let Ok(bytes) = postcard::to_stdvec(&(said, post)) {
            lock(&self.shared.queue).waiting.posts.insert(number, Some((revision, bytes)));
            self.shared.wake.notify_one();
        }
    }

    /// Keeps a message no longer.
    pub(crate) fn forget(&self, number: u64) {
        lock(&self.shared.queue).waiting.posts.insert(number, None);
        self.shared.wake.notify_one();
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
        let (waiting, committing) = (&queue.waiting.rosters, &queue.committing.rosters);
        let queued = waiting.get(key).or_else(|| committing.get(key));
        if let Some((owner, roster, _)) = queued {
            return Some((owner.clone(), roster.clone()));
        }
        drop(queue);
        self.shared.read(|db| read_roster(db, key)).flatten()
    }

    fn put(&mut self, key: Key, owner: Address, roster: Roster, digest: u64) {
        let mut queue = lock(&self.shared.queue);
        let waiting = &mut queue.waiting.rosters;
        if waiting.len() >= MAX_QUEUED && !waiting.contains_key(&key) {
            tracing::error!(%owner, "this gateway: the disk is too slow, a roster was not stored");
            return;
        }
        waiting.insert(key, (owner, roster, digest));
        self.shared.wake.notify_one();
    }

    fn digests(&self) -> Vec<(Key, u64)> {
        let mut digests: Map<_, _> =
            self.shared.read(read_digests).unwrap_or_default().into_iter().collect();
        let queue = lock(&self.shared.queue);
        for batch in [&*queue.committing, &queue.waiting] {
            digests.extend(batch.rosters.iter().map(|(key, (_, _, digest))| (*key, *digest)));
        }
        digests.into_iter().collect()
    }
}

impl Shared {
    fn read<T>(&self, read: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Option<T> {
        let result = self.with(read)?;
        result.inspect_err(|e| tracing::error!("this gateway: cannot read its store: {e}")).ok()
    }

    /// Uses the database, if there is one.
    fn with<T>(&self, done: impl FnOnce(&Database) -> T) -> Option<T> {
        self.db.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(done)
    }

    /// Whether a batch came to disk; says when that changes.
    fn write(&self, batch: &Batch, fails: &mut bool) -> bool {
        let failed = match self.with(|db| write_batch(db, batch)) {
            Some(Ok(())) => {
                if *fails {
                    tracing::warn!("this gateway: its store can be written again");
                }
                false
            }
            Some(Err(error)) => {
                if !*fails {
                    let store = self.path.display();
                    tracing::error!("this gateway: keeps nothing, cannot write {store}: {error}");
                }
                true
            }
            None => true,
        };
        *fails = failed;
        !failed
    }

    /// After an error the database takes nothing more before it is opened anew.
    fn reopen(&self) {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        drop(db.take());
        match (self.open)() {
            Ok(opened) => *db = Some(opened),
            Err(error) => tracing::error!("this gateway: cannot open its store again: {error}"),
        }
    }

    fn commit_until_closed(&self) {
        let mut fails = false;
        loop {
            let mut queue = lock(&self.queue);
            if queue.is_done() {
                if queue.closing {
                    return;
                }
                drop(self.wake.wait(queue));
                continue;
            }
            drop(queue);
            let kept = self.commit(&mut fails);
            let _ = self.kept.blocking_send(kept);
            if fails {
                self.reopen();
                let mut queue = lock(&self.queue);
                if queue.closing {
                    return queue.told.clear();
                }
                drop(self.wake.wait_timeout(queue, RETRY));
            }
        }
    }

    /// Commits what waits. Returns which messages are kept now; none at all where that fails, and
    /// it goes on waiting.
    fn commit(&self, fails: &mut bool) -> Option<Vec<(u64, u64)>> {
        let batch = {
            let mut queue = lock(&self.queue);
            queue.committing = Arc::new(std::mem::take(&mut queue.waiting));
            queue.committing.clone()
        };
        let done = self.write(&batch, fails);
        let mut queue = lock(&self.queue);
        queue.committing = Arc::default();
        if !done {
            queue.waiting.add_older(&batch);
            return None;
        }
        let kept = batch.posts.iter().filter_map(|(n, kept)| Some((*n, kept.as_ref()?.0)));
        Some(kept.collect())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the file, readable by its owner only, before the database fills it.
fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// The boot after `last`. The wall clock keeps epochs growing where the store was lost, the
/// count where the clock went back.
pub(crate) fn next_epoch(last: u64, wall: UnixMillis) -> u64 {
    #[cfg(test)]
    if last > 0 && planted::is(planted::Fault::ReusedEpoch) {
        return last;
    }
    wall.0.max(last.saturating_add(1))
}

fn begin_epoch(db: &Database, wall: UnixMillis) -> Result<u64, redb::Error> {
    let write = db.begin_write()?;
    let epoch = {
        write.open_table(ROSTERS)?;
        write.open_table(DIGESTS)?;
        write.open_table(OUTBOX)?;
        let mut meta = write.open_table(META)?;
        let last = meta.get(EPOCH)?.map_or(0, |value| value.value());
        let epoch = next_epoch(last, wall);
        meta.insert(EPOCH, epoch)?;
        epoch
    };
    write.commit()?;
    Ok(epoch)
}

fn read_roster(db: &Database, key: &Key) -> Result<Option<(Address, Roster)>, redb::Error> {
    let table = db.begin_read()?.open_table(ROSTERS)?;
    Ok(table.get(key.as_bytes())?.and_then(|bytes| parse_roster(key, bytes.value())))
}

fn parse_roster(key: &Key, bytes: &[u8]) -> Option<(Address, Roster)> {
    let roster = postcard::from_bytes(bytes);
    roster.inspect_err(|e| tracing::error!(?key, "a stored roster is damaged: {e}")).ok()
}

fn read_posts(db: &Database) -> Result<Vec<(u64, UnixMillis, Post)>, redb::Error> {
    let table = db.begin_read()?.open_table(OUTBOX)?;
    let mut posts = Vec::new();
    for entry in table.iter()? {
        let (number, bytes) = entry?;
        match postcard::from_bytes(bytes.value()) {
            Ok((said, post)) => posts.push((number.value(), said, post)),
            Err(e) => tracing::error!(number = number.value(), "a kept message is damaged: {e}"),
        }
    }
    Ok(posts)
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
        let mut table = write.open_table(ROSTERS)?;
        let mut digests = write.open_table(DIGESTS)?;
        for (key, (owner, roster, digest)) in &batch.rosters {
            // What could not be read for a while is not overwritten either.
            let stored = table.get(key.as_bytes())?.and_then(|b| parse_roster(key, b.value()));
            let (mut roster, mut digest) = (Cow::Borrowed(roster), *digest);
            if let Some((_, stored)) = stored
                && !stored.beyond(&roster).is_empty()
            {
                roster.to_mut().merge(stored);
                digest = rosters::digest(&roster);
            }
            let Ok(bytes) = postcard::to_stdvec(&(owner, &*roster)) else { continue };
            table.insert(key.as_bytes(), bytes.as_slice())?;
            digests.insert(key.as_bytes(), digest)?;
        }
        let mut outbox = write.open_table(OUTBOX)?;
        for (number, kept) in &batch.posts {
            match kept {
                Some((_, bytes)) => drop(outbox.insert(number, bytes.as_slice())?),
                None => drop(outbox.remove(number)?),
            }
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
        let (mut store, first, _) = Store::open(dir.path(), UnixMillis(1000)).unwrap();
        store.put(key, alice.clone(), roster(), 7);
        assert_eq!(store.get(&key), Some((alice.clone(), roster())), "before it is on disk");
        store.close();
        let (store, second, _) = Store::open(dir.path(), UnixMillis(10)).unwrap();
        assert!(second > first, "even though the clock went back");
        assert_eq!(store.get(&key), Some((alice, roster())));
        assert_eq!(store.digests(), [(key, 7)]);
    }

    #[test]
    fn a_commit_can_be_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, ..) = Store::open(dir.path(), UnixMillis(1)).unwrap();
        let alice: Address = "alice@aol".parse().unwrap();
        store.put(Key::of(&alice), alice, roster(), 7);
        store.committed().blocking_recv().unwrap();
        assert!(lock(&store.shared.queue).waiting.rosters.is_empty());
    }

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
