//! The memory that connections hold: the ledger of a running gateway, behind its lock, with the
//! tasks that it ends when it is short.
//!
//! Whoever keeps something waiting has a [`Charge`] for it, and tells that how much it is. The lock
//! is taken only where an amount has moved by some kilobytes: on a quiet connection never.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytesize::ByteSize;
use crosstalk_core::{Budgets, Ended, EntryId, Fault, Ledger, Payer, PayerKind, Relief, Short};

use crate::abort::Abort;

/// Bytes of a connection on which nothing waits; what [`FREE`] leaves out included.
const CONNECTION: usize = 4 << 10;
/// Amounts up to this are not charged for themselves.
const FREE: usize = 2 << 10;
/// Step of charging, in bytes.
const GRAIN: usize = 4 << 10;
/// Time between two checks whether there is room again.
const RECOVERY: Duration = Duration::from_secs(5);

/// The ledger of a gateway. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Memory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    books: Mutex<Books>,
    /// The connections that may take nothing more until those that are ended are gone; one of the
    /// three values below. Kept beside the lock, since it is asked before each read.
    closed: AtomicU8,
}

/// More may be read for everybody.
const OPEN: u8 = 0;
/// More may be read only for those who have signed on.
const CLOSED_TO_UNKNOWN: u8 = 1;
/// For nobody.
const CLOSED: u8 = 2;

#[derive(Debug)]
struct Books {
    ledger: Ledger,
    /// What ends each connection, by the index of its entry.
    tasks: Vec<Option<Abort>>,
}

/// Memory that waits for connections, and the entries ended for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes that connections may hold.
    pub budget: usize,
    /// Bytes that they hold.
    pub used: usize,
    /// The part of it that is held by those who have not signed on.
    pub unknown: usize,
    /// The connections that were ended to keep it within its budgets, since the start.
    pub ended: Ended,
    /// Whether connections had to be ended for others, and there is no room to spare yet.
    pub is_strained: bool,
}

impl Memory {
    pub(crate) fn new(budgets: Budgets) -> Self {
        let books = Books { ledger: Ledger::new(budgets), tasks: Vec::new() };
        Self(Arc::new(Inner { books: Mutex::new(books), closed: AtomicU8::new(OPEN) }))
    }

    /// Opens an entry for a new connection, for which `origin` pays.
    pub(crate) fn open(&self, origin: &Payer) -> OpenEntry {
        let id = self.lock().ledger.open(origin);
        self.change(|ledger| ledger.charge(id, CONNECTION));
        OpenEntry(Entry { memory: self.clone(), id }.charge())
    }

    pub(crate) fn usage(&self) -> Usage {
        let books = self.lock();
        let (used, unknown) = books.ledger.used();
        Usage {
            budget: books.ledger.budgets().whole,
            used,
            unknown,
            ended: books.ledger.ended(),
            is_strained: books.ledger.is_strained(),
        }
    }

    /// Changes the ledger, and ends what has to end.
    fn change(&self, change: impl FnOnce(&mut Ledger) -> Relief) {
        let (tasks, strained) = {
            let mut books = self.lock();
            let Relief { end, strained } = change(&mut books.ledger);
            self.set_closed(&books.ledger);
            // Under the same lock, lest a place be another connection's by then.
            let task = |id: &EntryId| books.tasks.get_mut(id.index())?.take();
            (end.iter().filter_map(task).collect::<Vec<_>>(), strained)
        };
        // After the lock: an aborted task drops its charges, which take it again.
        tasks.iter().for_each(Abort::abort);
        if strained {
            self.log_strain();
        }
    }

    /// Says once that memory is short, and once that it no longer is.
    fn log_strain(&self) {
        let Usage { budget, used, unknown, .. } = self.usage();
        let [budget, used, unknown] = [budget, used, unknown].map(|n| ByteSize(n as u64));
        tracing::warn!(
            %used, %unknown, %budget,
            "memory is short: connections are ended, those that have not signed on first"
        );
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        // Weak, so that a gateway that is gone is not kept by the task that waits for its memory.
        let books = Arc::downgrade(&self.0);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(RECOVERY).await;
                let Some(memory) = books.upgrade().map(Self) else { return };
                if memory.lock().ledger.recover() {
                    let Usage { used, ended, .. } = memory.usage();
                    let (used, ended) = (ByteSize(used as u64), ended.unknown + ended.whole);
                    tracing::warn!(%used, ended, "memory is no longer short");
                    return;
                }
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        // No operation of the ledger can panic half-way.
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees who may take more after an amount has changed.
    fn set_closed(&self, ledger: &Ledger) {
        let (used, unknown) = ledger.used();
        let budgets = ledger.budgets();
        let closed = if used > budgets.whole {
            CLOSED
        } else if unknown > budgets.unknown {
            CLOSED_TO_UNKNOWN
        } else {
            OPEN
        };
        // Stored only when it changes: every session reads it before each read, and a store would
        // take the line from all their processors. Relaxed suffices, since it is a hint and the
        // ledger decides.
        if self.0.closed.load(Ordering::Relaxed) != closed {
            self.0.closed.store(closed, Ordering::Relaxed);
        }
    }
}

/// A connection's entry. A cheap handle, of no effect once the connection is over.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    memory: Memory,
    id: EntryId,
}

impl Entry {
    /// A charge of nothing yet.
    pub(crate) fn charge(&self) -> Charge {
        Charge { entry: self.clone(), charged: 0 }
    }

    /// Sets what ends the connection when it has to go: at once, if that is so already.
    pub(crate) fn is_served_by(&self, task: Abort) {
        let mut books = self.memory.lock();
        let index = self.id.index();
        // The entry may have been ended between its opening and now, when there was no task yet to
        // abort.
        if books.ledger.is_ending(self.id) {
            drop(books);
            return task.abort();
        }
        if !books.ledger.is_open(self.id) {
            return;
        }
        if books.tasks.len() <= index {
            books.tasks.resize_with(index + 1, || None);
        }
        books.tasks[index] = Some(task);
    }

    /// The base server accepted the person; `domain` pays for its people too.
    pub(crate) fn know(&self, domain: Option<&str>) {
        let domain = domain.map(|domain| Payer::Domain(domain.into()));
        self.memory.change(|ledger| ledger.know(self.id, domain.as_ref()));
    }

    /// Records that nobody is signed on any more.
    pub(crate) fn forget(&self) {
        self.memory.change(|ledger| ledger.forget(self.id));
    }
}

/// The entry of a connection that lasts, closed when it is dropped, with a charge for what waits
/// while nobody else has one.
#[derive(Debug)]
pub(crate) struct OpenEntry(Charge);

impl OpenEntry {
    /// The handle for those who charge to it.
    pub(crate) const fn entry(&self) -> &Entry {
        &self.0.entry
    }

    /// The charge for what waits outside of a session.
    pub(crate) const fn charge(&mut self) -> &mut Charge {
        &mut self.0
    }

    /// Makes `user` of a proxy pay for the connection, in place of its address.
    pub(crate) fn pays(&self, user: &str) {
        let user = Payer::User(user.into());
        let Entry { memory, id } = self.entry();
        memory.change(|ledger| ledger.pays(*id, &user));
    }

    /// Closes the entry. Says why the connection had to end, if the ledger ended it.
    pub(crate) fn close(&self) -> Option<Fault> {
        let Entry { memory, id } = self.entry();
        let mut books = memory.lock();
        let held = ByteSize(books.ledger.held(*id) as u64);
        let task = books.tasks.get_mut(id.index()).and_then(Option::take);
        let short = books.ledger.close(*id);
        memory.set_closed(&books.ledger);
        if books.ledger.is_empty() {
            books.tasks = Vec::new();
        }
        drop(books);
        drop(task);
        Some(match short? {
            Short::Unknown | Short::Whole => {
                Fault::gateway(format!("memory is short, and {held} waited here"))
            }
            Short::Payer(PayerKind::Address) => {
                Fault::client(format!("its address holds too much; {held} of it waited here"))
            }
            Short::Payer(PayerKind::User) => {
                Fault::client(format!("its proxy user holds too much; {held} of it waited here"))
            }
            Short::Payer(PayerKind::Domain) => {
                Fault::server(format!("its domain holds too much; {held} of it waited here"))
            }
        })
    }
}

impl Drop for OpenEntry {
    fn drop(&mut self) {
        self.close();
    }
}

/// An amount of memory that waits for a connection, taken off when this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    entry: Entry,
    charged: u32,
}

impl Charge {
    /// Says how much it is now. What is charged is never less than that by more than [`FREE`],
    /// and follows in steps.
    pub(crate) fn set(&mut self, bytes: usize) {
        let before = self.charged as usize;
        // Falls are followed two steps late, so that an amount that goes up and down does not take
        // the lock each time.
        if bytes <= before.max(FREE)
            && (bytes + 2 * GRAIN > before && bytes > FREE / 2 || before == 0)
        {
            return;
        }
        let after = if bytes <= FREE { 0 } else { bytes.next_multiple_of(GRAIN) };
        self.charged = u32::try_from(after).unwrap_or(u32::MAX);
        self.entry.memory.change(|ledger| match after.checked_sub(before) {
            Some(more) => ledger.charge(self.entry.id, more),
            None => ledger.release(self.entry.id, before - after),
        });
    }

    /// Whether nothing more may be read for the connection until some of what is being ended is
    /// gone; a matter of the next few turns of the workers. `is_known` says whether somebody
    /// signed on.
    pub(crate) fn is_closed(&self, is_known: bool) -> bool {
        self.entry.memory.0.closed.load(Ordering::Relaxed) > u8::from(is_known)
    }

    /// The entry that is charged.
    pub(crate) const fn entry(&self) -> &Entry {
        &self.entry
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.charged > 0 {
            let (id, charged) = (self.entry.id, self.charged as usize);
            self.entry.memory.change(|ledger| ledger.release(id, charged));
        }
    }
}
