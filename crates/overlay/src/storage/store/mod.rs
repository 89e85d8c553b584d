//! Store of what survives a restart: rosters, undelivered messages, mappings and the boot count, in
//! a redb file.
//!
//! Writes are grouped: a thread commits whatever came in while it committed before, so nobody
//! waits for the disk who does not ask to.
//!
//! What does not parse is never overwritten: it is put aside where it stays.

mod batch;
mod mappings;
mod shares;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Origin, Roster, UnixMillis};
use redb::{Database, DatabaseError};
use tokio::sync::{mpsc, oneshot};

use crate::common::clock;
use crate::common::map::Set;
use crate::errors::Error;
use crate::membership::Key;
use crate::outbox::Post;
use crate::rosters::{Full, Lists, RosterStore};
use crate::storage::records;
use batch::{List, Queue};
use shares::Shares;
#[cfg(test)]
pub(crate) use tables::next_epoch;

/// The name of the database in the state directory.
const FILE: &str = "overlay.redb";
/// The messages that have come to disk, by number and revision; none at all where that failed.
pub(crate) type CommitNotices = mpsc::Receiver<Option<Vec<(u64, u64)>>>;

/// Opens the database, again where it failed.
type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// The most commits that were not heard of before the next one waits.
const MAX_UNHEARD: usize = 16;
/// The most lists that are counted for not being readable.
const MAX_UNREADABLE: usize = 4096;
/// Wait of a failed commit before it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Somebody who was seen within this time, or an eighth of what lists are kept for, is not written
/// down again.
const SEEN_LATELY: Duration = Duration::from_hours(24);
/// The most rosters that expire at a time.
const MAX_EXPIRING: usize = 10_000;

/// The store; a cheap clone.
#[derive(Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    /// `None` once closed.
    db: RwLock<Option<Database>>,
    queue: Mutex<Queue>,
    /// Locked after the queue, where both are.
    shares: Mutex<Shares>,
    wake: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
    open: Opener,
    path: PathBuf,
    /// Lists that were asked for and could not be read; of too many some.
    unreadable: Mutex<Set<Key>>,
    /// Tells of messages that are on disk, by number and revision, and of failures.
    kept: mpsc::Sender<Option<Vec<(u64, u64)>>>,
    /// Running time of this gateway when it started, in milliseconds, and that instant. Clocks can
    /// be wrong by years, and a gateway that is off sees nobody sign on.
    ran: (u64, Instant),
}

impl Store {
    /// Opens the store in `state`, which it makes where it is missing, and counts the boot:
    /// returns its number, which is above every earlier one. Of the file `cache` bytes at most are
    /// held in memory.
    /// What is said of messages on disk comes through the receiver.
    pub(crate) fn open(
        state: &Path,
        cache: usize,
        wall: UnixMillis,
    ) -> Result<(Self, u64, CommitNotices), Error> {
        let path = state.join(FILE);
        writer::private_file(&path)
            .map_err(|source| Error::State { path: path.clone(), source })?;
        let at = path.clone();
        let open = move || Database::builder().set_cache_size(cache).create(&at);
        let begun = Self::begin(open, path.clone(), wall);
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
    ) -> Result<(Self, u64, CommitNotices), redb::Error> {
        let db = open()?;
        let begun = tables::begin(&db, wall)?;
        let (kept, told) = mpsc::channel(MAX_UNHEARD);
        let shared = Arc::new(Shared {
            db: RwLock::new(Some(db)),
            queue: Mutex::default(),
            shares: Mutex::new(Shares::new(&begun.accounts)),
            wake: Condvar::new(),
            thread: Mutex::default(),
            open: Box::new(open),
            path,
            unreadable: Mutex::default(),
            kept,
            ran: (begun.ran, clock::now()),
        });
        Ok((Self { shared }, begun.epoch, told))
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
        let posts = self.shared.read(tables::read_posts).unwrap_or_default().into_iter();
        posts.map(|(number, said, post)| (number, post, wall.since(said))).collect()
    }

    /// Keeps a revision of a message that was said at a time.
    pub(crate) fn keep(&self, number: u64, revision: u64, said: UnixMillis, post: &Post) {
        let bytes = records::of_post(said, post);
        lock(&self.shared.queue).waiting.posts.insert(number, Some((revision, bytes)));
        self.shared.wake.notify_one();
    }

    /// Keeps a message no longer.
    pub(crate) fn forget(&self, number: u64) {
        let mut queue = lock(&self.shared.queue);
        let may_be_on_disk = queue.committing.posts.contains_key(&number);
        queue.waiting.forget(number, may_be_on_disk);
        self.shared.wake.notify_one();
    }

    /// Resolves when everything put so far is on disk; with an error where that failed.
    pub(crate) fn committed(&self) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        let mut queue = lock(&self.shared.queue);
        if queue.waiting.is_empty() && queue.committing.is_empty() {
            let _ = tell.send(());
        } else {
            queue.tell(tell);
            self.shared.wake.notify_one();
        }
        told
    }

    /// Number of records that could not be read: those that were put aside, and lists that still
    /// stand where they were.
    pub(crate) fn unreadable(&self) -> u64 {
        let aside = self.shared.read(tables::count_aside).unwrap_or_default();
        aside + lock(&self.shared.unreadable).len() as u64
    }

    /// Whether what is on disk can be read. After a failed write it cannot, until the database is
    /// open again.
    pub(crate) fn is_readable(&self) -> bool {
        self.shared.read(tables::count_aside).is_some()
    }

    /// Bounds what is stored from now on.
    pub(crate) fn limit(&self, limits: Lists) {
        lock(&self.shared.shares).limits = limits;
    }

    /// Whether the list of `owner` may be stored with so many bytes.
    pub(crate) fn room_for(&self, owner: &Address, bytes: usize) -> Result<(), Full> {
        let (key, origin) = (Key::of(owner), Origin::of(owner));
        let queue = lock(&self.shared.queue);
        let (held, own) = (queue.waiting.held(&origin), queue.waiting.len_of(&key));
        let under_way = queue.committing.held(&origin);
        let after = |held: usize, under_way: usize| held - own + under_way + bytes;
        let shares = lock(&self.shared.shares);
        if !shares.may_wait(&origin, after(held.0, under_way.0), after(held.1, under_way.1)) {
            return Err(Full::Disk);
        }
        drop(queue);
        let may_grow = shares.may_grow(&origin, || self.shared.len_of(&key), bytes);
        if may_grow { Ok(()) } else { Err(Full::Domain) }
    }

    /// For how long this gateway has run, in milliseconds.
    fn ran(&self) -> u64 {
        let (before, since) = self.shared.ran;
        let now = clock::now().saturating_duration_since(since).as_millis();
        before.saturating_add(u64::try_from(now).unwrap_or(u64::MAX))
    }

    /// The rosters of those who have not been seen for `age`. Writes down that time has passed.
    pub(crate) fn overdue(&self, age: Duration) -> Vec<Key> {
        let ran = self.ran();
        {
            let mut queue = lock(&self.shared.queue);
            (queue.waiting.ran, queue.waiting.marks_time) = (ran, true);
        }
        self.shared.wake.notify_one();
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let Some(before) = ran.checked_sub(age).filter(|_| age > 0) else { return Vec::new() };
        self.shared.read(|db| tables::read_overdue(db, before)).unwrap_or_default()
    }

    /// Removes rosters of which nothing was heard meanwhile. Returns how many.
    pub(crate) fn expire(&self, overdue: &[Key], age: Duration) -> usize {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let before = self.ran().saturating_sub(age);
        overdue.iter().take(MAX_EXPIRING).filter(|key| self.expire_one(key, before)).count()
    }

    fn expire_one(&self, key: &Key, before: u64) -> bool {
        let mut queue = lock(&self.shared.queue);
        let is_moving = [&queue.waiting, &*queue.committing]
            .iter()
            .any(|batch| batch.list(key).is_some() || batch.seen.contains_key(key));
        let account = self.shared.read(|db| tables::read_account(db, key)).flatten();
        let Some(account) = account.filter(|account| !is_moving && account.seen <= before) else {
            return false;
        };
        // Made anew: that of a list that was never compared is not on disk.
        let roster = self.shared.read_list(key);
        let Some((owner, roster)) = roster else { return false };
        let digest = crate::rosters::digest(&roster);
        queue.waiting.ran = self.ran();
        queue.waiting.put(*key, List::Expired { digest });
        let bytes = usize::try_from(account.bytes).unwrap_or(usize::MAX);
        lock(&self.shared.shares).change(&Origin::of(&owner), bytes, 0);
        self.shared.wake.notify_one();
        true
    }

    /// Writes what waits and closes the file. Afterwards the store is empty and keeps nothing.
    pub(crate) fn close(&self) {
        let ran = self.ran();
        {
            let mut queue = lock(&self.shared.queue);
            queue.closing = true;
            (queue.waiting.ran, queue.waiting.marks_time) = (ran, true);
        }
        self.shared.wake.notify_one();
        if let Some(thread) = lock(&self.shared.thread).take() {
            // Waits for the last commit: what was accepted is on disk when the gateway has ended.
            let _ = thread.join();
        }
        self.shared.db.write().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl RosterStore for Store {
    fn get(&self, key: &Key) -> Option<(Address, Roster)> {
        let queue = lock(&self.shared.queue);
        // The newest first: what waits, what is being committed, what is on disk.
        let queued = queue.waiting.list(key).or_else(|| queue.committing.list(key)).cloned();
        drop(queue);
        match queued {
            Some(list) => list.read(),
            None => self.shared.read_list(key),
        }
    }

    fn put(&mut self, key: Key, owner: Address, roster: Roster, digest: u64) {
        let bytes = records::of_list(&owner, &roster);
        drop(roster);
        let (from, origin) = (self.shared.len_of(&key), Origin::of(&owner));
        let mut queue = lock(&self.shared.queue);
        // Under the queue's lock, so that the sum and the queue tell the same at any moment.
        lock(&self.shared.shares).change(&origin, from, bytes.len());
        queue.waiting.ran = self.ran();
        queue.waiting.put(key, List::Kept { owner, bytes: bytes.into(), digest });
        self.shared.wake.notify_one();
    }

    fn digests(&self) -> Vec<(Key, u64)> {
        let stored = self.shared.read(tables::read_digests).unwrap_or_default();
        let mut digests: crate::common::map::Map<_, _> = stored.into_iter().collect();
        let queue = lock(&self.shared.queue);
        for batch in [&*queue.committing, &queue.waiting] {
            for (key, list) in batch.lists() {
                match list.digest() {
                    Some(digest) => digests.insert(*key, digest),
                    None => digests.remove(key),
                };
            }
        }
        digests.into_iter().collect()
    }

    fn room_for(&self, owner: &Address, bytes: usize) -> Result<(), Full> {
        Self::room_for(self, owner, bytes)
    }

    fn is_seen(&mut self, key: Key) {
        let account = self.shared.read(|db| tables::read_account(db, &key)).flatten();
        let ran = self.ran();
        let age = lock(&self.shared.shares).limits.age;
        let lately = if age.is_zero() { SEEN_LATELY } else { SEEN_LATELY.min(age / 8) };
        let ago =
            |account: &records::Account| Duration::from_millis(ran.saturating_sub(account.seen));
        if account.is_some_and(|account| ago(&account) >= lately) {
            let mut queue = lock(&self.shared.queue);
            queue.waiting.ran = ran;
            queue.waiting.seen.insert(key, ran);
            self.shared.wake.notify_one();
        }
    }

    fn expired(&self, key: &Key) -> Option<u64> {
        let queue = lock(&self.shared.queue);
        let queued = queue.waiting.list(key).or_else(|| queue.committing.list(key));
        if let Some(list) = queued {
            return if let List::Expired { digest } = list { Some(*digest) } else { None };
        }
        drop(queue);
        self.shared.read(|db| tables::read_expired(db, key)).flatten()
    }
}

impl Shared {
    /// A stored list. One that cannot be read is counted, and stays where it is until another is
    /// written.
    fn read_list(&self, key: &Key) -> Option<(Address, Roster)> {
        match self.read(|db| tables::read_list(db, key))?? {
            Ok(list) => Some(list),
            Err(why) => {
                let mut unreadable = lock(&self.unreadable);
                if unreadable.len() < MAX_UNREADABLE && unreadable.insert(*key) {
                    tracing::error!(?key, "a stored list cannot be read: {why}");
                }
                None
            }
        }
    }

    fn read<T>(&self, read: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Option<T> {
        let result = self.with(read)?;
        result.inspect_err(|e| tracing::error!("this gateway: cannot read its store: {e}")).ok()
    }

    /// The bytes of a roster that is stored, or about to be.
    fn len_of(&self, key: &Key) -> usize {
        let queue = lock(&self.queue);
        let batches = [&queue.waiting, &*queue.committing];
        if let Some(batch) = batches.iter().find(|batch| batch.list(key).is_some()) {
            return batch.len_of(key);
        }
        drop(queue);
        let account = self.read(|db| tables::read_account(db, key)).flatten();
        account.map_or(0, |account| usize::try_from(account.bytes).unwrap_or(usize::MAX))
    }

    /// Uses the database, if there is one.
    fn with<T>(&self, done: impl FnOnce(&Database) -> T) -> Option<T> {
        self.db.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(done)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
