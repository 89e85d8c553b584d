//! An account of the memory that waits for somebody: who holds it, who pays for it, and who has to
//! go when it is short.
//!
//! An entry is one connection with all that waits for it. What it holds is charged to the whole, to
//! those who pay for it, and, until the base server accepted somebody, to what strangers may
//! hold together. A budget that is exceeded is brought below it again by ending entries: of those
//! that the budget is about, and those first who have not signed on, the heaviest first.
//!
//! A plain struct without a lock or a clock. Callers charge it when an amount has moved by some
//! kilobytes, and not for each message.

mod payers;
mod shed;
#[cfg(test)]
mod tests;

use slab::Slab;

use payers::Payers;
pub use payers::{Payer, PayerKind};

/// Limits of the memory that may be held, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// By all entries together.
    pub whole: usize,
    /// By all entries together on which the base server accepted nobody.
    pub unknown: usize,
    /// By all entries together that one [`Payer`] pays for.
    pub payer: usize,
}

impl Budgets {
    /// The shares of `whole` bytes: a quarter for those who have not signed on, and half for one
    /// payer. A payer may be the one address of many people behind a translator, so that half
    /// has to be enough for a whole company; what its heaviest take goes at its own cost.
    pub const fn of(whole: usize) -> Self {
        Self { whole, unknown: whole / 4, payer: whole / 2 }
    }
}

/// Names an entry. Of one that was closed it names none, also when its place is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryId {
    index: u32,
    opened: u32,
}

impl EntryId {
    /// A small number that no other open entry has.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

/// Budget that an entry is ended for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Short {
    /// The budget of all together who have not signed on.
    Unknown,
    /// The budget of one payer.
    Payer(PayerKind),
    /// The budget of all.
    Whole,
}

/// Work for the caller after an entry grew.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Relief {
    /// The entries to end at once. What they hold counts until they are closed, but calls for no
    /// further ends.
    pub end: Vec<EntryId>,
    /// The ledger became [strained](Ledger::is_strained).
    pub strained: bool,
}

/// Numbers of the entries that were ended, by budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// For [`Short::Unknown`].
    pub unknown: u64,
    /// For [`Short::Payer`].
    pub payer: u64,
    /// For [`Short::Whole`].
    pub whole: u64,
}

/// Bytes that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    held: usize,
    /// The part of it whose entries are being ended.
    ending: usize,
}

impl Sum {
    const fn staying(self) -> usize {
        self.held - self.ending
    }
}

/// One connection with all that waits for it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    opened: u32,
    held: u32,
    origin: u32,
    /// Set for people of a domain that pays for them.
    domain: Option<u32>,
    is_known: bool,
    ending: Option<Short>,
}

/// The account.
#[derive(Debug)]
pub struct Ledger {
    budgets: Budgets,
    entries: Slab<Entry>,
    opened: u32,
    payers: Payers,
    whole: Sum,
    unknown: Sum,
    is_strained: bool,
    ended: Ended,
}

impl Ledger {
    /// An empty one.
    pub fn new(budgets: Budgets) -> Self {
        Self {
            budgets,
            entries: Slab::new(),
            opened: 0,
            payers: Payers::default(),
            whole: Sum::default(),
            unknown: Sum::default(),
            is_strained: false,
            ended: Ended::default(),
        }
    }

    /// Opens an entry that holds nothing, of nobody who signed on, for which `origin` pays.
    pub fn open(&mut self, origin: &Payer) -> EntryId {
        self.opened = self.opened.wrapping_add(1);
        let entry = Entry {
            opened: self.opened,
            held: 0,
            origin: self.payers.engage(origin),
            domain: None,
            is_known: false,
            ending: None,
        };
        // A connection takes a descriptor, of which there are far fewer than u32 can count.
        EntryId { index: self.entries.insert(entry) as u32, opened: self.opened }
    }

    /// Charges `bytes` more to an entry.
    pub fn charge(&mut self, id: EntryId, bytes: usize) -> Relief {
        self.change(id, |entry, _| {
            entry.held = entry.held.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        });
        self.relieve(id)
    }

    /// Takes `bytes` off what an entry holds; nobody has to end for that.
    pub fn release(&mut self, id: EntryId, bytes: usize) -> Relief {
        self.change(id, |entry, _| {
            entry.held = entry.held.saturating_sub(u32::try_from(bytes).unwrap_or(u32::MAX));
        });
        Relief::default()
    }

    /// Makes `origin` pay for an entry from now on, in place of whoever did before: the user of a
    /// proxy for what its address paid.
    pub fn pays(&mut self, id: EntryId, origin: &Payer) -> Relief {
        self.change(id, |entry, payers| {
            let before = std::mem::replace(&mut entry.origin, payers.engage(origin));
            payers.dismiss(before);
        });
        self.relieve(id)
    }

    /// The base server accepted the person behind an entry; `domain` pays for its people too.
    pub fn know(&mut self, id: EntryId, domain: Option<&Payer>) -> Relief {
        self.change(id, |entry, payers| {
            entry.is_known = true;
            let domain = domain.map(|domain| payers.engage(domain));
            let before = std::mem::replace(&mut entry.domain, domain);
            if let Some(before) = before {
                payers.dismiss(before);
            }
        });
        self.relieve(id)
    }

    /// Records that nobody is signed on any more on the connection of an entry.
    pub fn forget(&mut self, id: EntryId) -> Relief {
        self.change(id, |entry, payers| {
            entry.is_known = false;
            if let Some(domain) = entry.domain.take() {
                payers.dismiss(domain);
            }
        });
        self.relieve(id)
    }

    /// Closes an entry, whatever it holds. Returns for which budget it was ended, if it was.
    pub fn close(&mut self, id: EntryId) -> Option<Short> {
        self.change(id, |entry, _| entry.held = 0);
        self.entry(id)?;
        let entry = self.entries.try_remove(id.index as usize)?;
        entry.payers().for_each(|payer| self.payers.dismiss(payer));
        if self.entries.is_empty() {
            // What many connections took at once is given back when the last has left.
            self.entries = Slab::new();
        }
        entry.ending
    }

    /// Whether an entry was not closed yet.
    pub fn is_open(&self, id: EntryId) -> bool {
        self.entry(id).is_some()
    }

    /// Whether an entry has to end.
    pub fn is_ending(&self, id: EntryId) -> bool {
        self.entry(id).is_some_and(|entry| entry.ending.is_some())
    }

    /// Whether no entry is open.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes held by an entry; none if it is closed.
    pub fn held(&self, id: EntryId) -> usize {
        self.entry(id).map_or(0, |entry| entry.held as usize)
    }

    /// Bytes held by all entries, and by those of them whose people have not signed on.
    pub const fn used(&self) -> (usize, usize) {
        (self.whole.held, self.unknown.held)
    }

    /// The limits.
    pub const fn budgets(&self) -> Budgets {
        self.budgets
    }

    /// Numbers of the entries ended since the beginning.
    pub const fn ended(&self) -> Ended {
        self.ended
    }

    /// Whether entries had to be ended for the whole or for those who have not signed on, and
    /// [`recover`](Self::recover) did not say yet that there is room again.
    pub const fn is_strained(&self) -> bool {
        self.is_strained
    }

    /// Whether there is room again: both sums are a quarter below their budgets, so that the state
    /// does not come and go. True once for each time that the ledger was strained.
    pub fn recover(&mut self) -> bool {
        let is_calm = |sum: Sum, budget: usize| sum.held <= budget - budget / 4;
        let calm =
            is_calm(self.whole, self.budgets.whole) && is_calm(self.unknown, self.budgets.unknown);
        let was_strained = self.is_strained;
        self.is_strained &= !calm;
        was_strained && calm
    }

    fn entry(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(id.index as usize).filter(|entry| entry.opened == id.opened)
    }

    /// Changes an entry and the sums with it: they are always those of the entries as they are.
    fn change(&mut self, id: EntryId, change: impl FnOnce(&mut Entry, &mut Payers)) {
        let Some(&before) = self.entry(id) else { return };
        let mut after = before;
        self.sums(before, |sum, held| *sum -= held);
        change(&mut after, &mut self.payers);
        if let Some(place) = self.entries.get_mut(id.index as usize) {
            *place = after;
        }
        self.sums(after, |sum, held| *sum += held);
    }

    /// Applies what `entry` holds to each sum that it is part of.
    fn sums(&mut self, entry: Entry, apply: impl Fn(&mut usize, usize)) {
        let held = entry.held as usize;
        let mut add = |sum: &mut Sum| {
            apply(&mut sum.held, held);
            if entry.ending.is_some() {
                apply(&mut sum.ending, held);
            }
        };
        add(&mut self.whole);
        if !entry.is_known {
            add(&mut self.unknown);
        }
        for payer in entry.payers() {
            self.payers.sum_mut(payer).into_iter().for_each(&mut add);
        }
    }
}

impl Entry {
    /// The places of those who pay for it.
    fn payers(self) -> impl Iterator<Item = u32> {
        [Some(self.origin), self.domain].into_iter().flatten()
    }
}
