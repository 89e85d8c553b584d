//! The transaction of edits that a client has open.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crosstalk_core::Address;

use crate::oscar::PER_PERSON;
use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::verdict::Verdict;

/// Longest wait of an edit for the end of its transaction.
const PATIENCE: Duration = Duration::from_secs(5);
/// Request ids of edits of ours; clients count up from one.
const OURS: u32 = 0x7fff_0000;

/// Contacts whose items changed in a transaction that is still open.
#[derive(Default)]
pub(in crate::oscar) struct Transaction {
    pub(super) open: bool,
    pub(super) dirty: BTreeSet<Address>,
    /// The groups that the edit at hand renamed.
    pub(super) renamed: BTreeSet<u16>,
    pub(super) due: Option<Instant>,
    pub(super) requests: u32,
}

impl Transaction {
    pub(in crate::oscar) fn begin(&mut self) -> Verdict {
        self.open = true;
        Verdict::Forward
    }

    pub(in crate::oscar) const fn end(&mut self) {
        self.open = false;
        self.due = None;
    }

    /// Whether the person just edited this contact: what comes back meanwhile is out of date.
    pub(in crate::oscar) fn touches(&self, address: &Address) -> bool {
        self.dirty.contains(address)
    }

    pub(in crate::oscar) fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    pub(in crate::oscar) const fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Bytes that it takes.
    pub(in crate::oscar) fn weight(&self) -> usize {
        self.dirty.len() * PER_PERSON
    }

    /// Contacts whose edits can be told now: none while the transaction is open.
    pub(in crate::oscar) fn take_done(&mut self) -> BTreeSet<Address> {
        if self.open {
            return BTreeSet::new();
        }
        self.due = None;
        std::mem::take(&mut self.dirty)
    }

    pub(super) fn touch(&mut self, address: &Address, now: Instant) {
        self.dirty.insert(address.clone());
        self.due = self.open.then_some(now + PATIENCE);
    }

    pub(super) fn next_request(&mut self) -> u32 {
        self.requests = self.requests.wrapping_add(1) & 0xffff;
        OURS | self.requests
    }
}

impl Account {
    /// 13/12 of the client: its transaction ends.
    pub(in crate::oscar) fn edits_end(&mut self, cx: &mut Cx<'_>) -> Verdict {
        self.edits.end();
        self.publish_edits(cx);
        Verdict::Forward
    }
}
