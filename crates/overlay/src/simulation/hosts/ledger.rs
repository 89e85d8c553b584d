//! State of a run that the hosts and the one that drives them have in common.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hash::Hash;
use std::rc::Rc;
use std::time::Duration;

use crosstalk_core::Address;

use super::super::machine::id;
use super::super::record::Record;
use super::disk::Disk;
use super::host::Host;
use super::{Dice, Planted};
use crate::membership::Member;

pub(super) type Shared = Rc<RefCell<Ledger>>;

pub(super) struct Ledger {
    pub(super) dice: Dice,
    /// Messages are kept for a short time.
    pub(super) expires: bool,
    pub(super) members: Vec<Member>,
    pub(super) seats: Vec<Seat>,
    pub(super) record: Record,
}

/// A gateway, whether it runs or not.
pub(super) struct Seat {
    pub(super) disk: Disk,
    /// Lead of its wall clock over the slowest.
    pub(super) skew: Duration,
    pub(super) down_since: Option<Duration>,
    pub(super) host: Option<Rc<Host>>,
    /// People who are published to be here in this boot.
    pub(super) here: BTreeSet<Address>,
}

impl Ledger {
    pub(super) fn new(seed: u64, count: usize, expires: bool, planted: Option<Planted>) -> Self {
        let mut dice = Dice::new(seed);
        let aol = vec!["aol".parse().unwrap()];
        let member = |n| Member { id: id(n), addresses: Vec::new(), networks: aol.clone() };
        let wrong = Duration::from_mins(10);
        Self {
            expires,
            members: (0..count).map(member).collect(),
            seats: (0..count).map(|_| Seat::new(dice.within(Duration::ZERO, wrong))).collect(),
            record: Record::new(count, planted),
            dice,
        }
    }

    /// Adds something that happened to what happened before.
    pub(super) fn trace(&mut self, what: impl Hash) {
        self.record.trace(turmoil::sim_elapsed().unwrap_or_default(), what);
    }

    pub(super) fn host(&self, at: usize) -> Option<Rc<Host>> {
        self.seats[at].host.clone()
    }
}

impl Seat {
    fn new(skew: Duration) -> Self {
        Self { disk: Disk::new(), skew, down_since: None, host: None, here: BTreeSet::new() }
    }

    /// A boot begins, or is over.
    pub(super) fn reset(&mut self, host: Option<Rc<Host>>) {
        self.host = host;
        self.here.clear();
    }
}
