//! The choice of entries to end when a budget is exceeded.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Ended, Entry, EntryId, Ledger, Relief, Short, Sum};

/// Up to this many bytes an entry holds about what a connection takes on which nothing waits:
/// ending it gives little back, so that its turn comes after all others.
const LIGHT: u32 = 16 << 10;

/// The set of entries that a budget limits.
#[derive(Clone, Copy)]
enum Scope {
    Unknown,
    /// Entries that the payer at this index pays for.
    Payer(u32),
    Whole,
}

/// In which order entries are ended: the greatest first.
///
/// Between two of about the same weight, the one whose payers hold more goes first, and then the
/// one that is there for longer: who signs on takes a moment, who only holds stays.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    is_heavy: bool,
    is_unknown: bool,
    magnitude: u32,
    at_cost_of: usize,
    opened: Reverse<u32>,
    index: u32,
}

impl Ledger {
    /// Brings every budget that the growth of an entry may have exceeded below it again.
    pub(super) fn relieve(&mut self, grown: EntryId) -> Relief {
        let mut end = Vec::new();
        let Some(&entry) = self.entry(grown) else { return Relief::default() };
        // Payers first: where one of them holds too much, nobody else's entries end for it.
        for payer in entry.payers() {
            if let Some(kind) = self.payers.kind(payer) {
                self.shed(Scope::Payer(payer), Short::Payer(kind), &mut end);
            }
        }
        let unknown = self.shed(Scope::Unknown, Short::Unknown, &mut end);
        let whole = self.shed(Scope::Whole, Short::Whole, &mut end);
        let strained = (unknown || whole) && !self.is_strained;
        self.is_strained |= strained;
        Relief { end, strained }
    }

    /// Marks entries as ending until an eighth of the budget is free, if it is exceeded: so much at
    /// once that the search pays for itself. Returns whether it was exceeded.
    fn shed(&mut self, scope: Scope, why: Short, end: &mut Vec<EntryId>) -> bool {
        let (sum, budget) = self.sum(scope);
        if sum.staying() <= budget {
            return false;
        }
        let staying = self.entries.iter().filter(|(_, e)| e.ending.is_none() && e.held > 0);
        let concerned = staying.filter(|(_, entry)| scope.contains(entry));
        let mut turns: BinaryHeap<Turn> =
            concerned.map(|(index, entry)| self.turn(index as u32, entry)).collect();
        while self.sum(scope).0.staying() > budget - budget / 8
            && let Some(turn) = turns.pop()
        {
            let id = EntryId { index: turn.index, opened: turn.opened.0 };
            self.change(id, |entry, _| entry.ending = Some(why));
            self.ended.count(why);
            end.push(id);
        }
        true
    }

    fn sum(&self, scope: Scope) -> (Sum, usize) {
        match scope {
            Scope::Unknown => (self.unknown, self.budgets.unknown),
            Scope::Payer(place) => (self.payers.sum(place), self.budgets.payer),
            Scope::Whole => (self.whole, self.budgets.whole),
        }
    }

    fn turn(&self, index: u32, entry: &Entry) -> Turn {
        Turn {
            is_heavy: entry.held > LIGHT,
            is_unknown: !entry.is_known,
            magnitude: entry.held.checked_ilog2().unwrap_or(0),
            at_cost_of: entry.payers().map(|p| self.payers.sum(p).staying()).max().unwrap_or(0),
            opened: Reverse(entry.opened),
            index,
        }
    }
}

impl Scope {
    fn contains(self, entry: &Entry) -> bool {
        match self {
            Self::Unknown => !entry.is_known,
            Self::Payer(place) => entry.payers().any(|payer| payer == place),
            Self::Whole => true,
        }
    }
}

impl Ended {
    const fn count(&mut self, why: Short) {
        match why {
            Short::Unknown => self.unknown += 1,
            Short::Payer(_) => self.payer += 1,
            Short::Whole => self.whole += 1,
        }
    }
}
