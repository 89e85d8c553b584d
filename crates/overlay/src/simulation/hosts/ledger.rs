//! Record of a run, written by the hosts and by the one that drives them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::rc::Rc;
use std::time::Duration;

use crosstalk_core::{Address, Failure};

use super::super::check::Conversation;
use super::super::machine::id;
use super::super::people::{Added, Person, Said, user};
use super::disk::Disk;
use super::host::Host;
use super::{Dice, Totals};
use crate::membership::{GatewayId, Member};
use crate::wire::message::{Fate, Message};

pub(super) type Shared = Rc<RefCell<Ledger>>;

pub(super) struct Ledger {
    pub(super) dice: Dice,
    /// Messages are kept for a short time.
    pub(super) expires: bool,
    pub(super) members: Vec<Member>,
    pub(super) seats: Vec<Seat>,
    pub(super) people: Vec<Person>,
    pub(super) said: Vec<Said>,
    last_shown: BTreeMap<Conversation, usize>,
    /// Contacts that owners added, and those of them that were surely added.
    pub(super) added: Added,
    pub(super) surely_added: Added,
    pub(super) totals: Totals,
}

/// A gateway, whether it runs or not.
pub(super) struct Seat {
    pub(super) disk: Disk,
    /// Lead of its wall clock over the slowest.
    pub(super) skew: Duration,
    pub(super) down_since: Option<Duration>,
    pub(super) host: Option<Rc<Host>>,
    /// People who are signed on in this boot, those who are watched, and where they are believed to
    /// be.
    pub(super) here: BTreeSet<Address>,
    pub(super) watching: BTreeSet<Address>,
    pub(super) believed: BTreeMap<Address, BTreeSet<GatewayId>>,
}

impl Ledger {
    pub(super) fn new(seed: u64, count: usize, expires: bool) -> Self {
        let mut dice = Dice::new(seed);
        let aol = vec!["aol".parse().unwrap()];
        let member = |n| Member { id: id(n), addresses: Vec::new(), networks: aol.clone() };
        let wrong = Duration::from_mins(10);
        let mut people = vec![Person::default(); 4 + count / 3];
        people[0].both = Some([0, 1]);
        people[1].leaves = true;
        Self {
            expires,
            members: (0..count).map(member).collect(),
            seats: (0..count).map(|_| Seat::new(dice.within(Duration::ZERO, wrong))).collect(),
            people,
            said: Vec::new(),
            last_shown: BTreeMap::new(),
            added: Added::new(),
            surely_added: Added::new(),
            totals: Totals::default(),
            dice,
        }
    }

    /// Adds something that happened to what happened before.
    pub(super) fn trace(&mut self, what: impl Hash) {
        let mut hash = DefaultHasher::new();
        (self.totals.trace, turmoil::sim_elapsed(), what).hash(&mut hash);
        self.totals.trace = hash.finish();
    }

    /// A client at a gateway gets a message.
    pub(super) fn is_shown(&mut self, at: usize, message: &Message) {
        self.trace((at, format!("{message:?}")));
        match message {
            Message::Envelope(envelope) => self.is_delivered(at, envelope.id.0 as usize),
            Message::Report { of, .. } => {
                let both = self.person(message.receiver()).both.is_some();
                let id = of.0 as usize;
                self.said[id].is_reported(id, at, both);
                self.totals.reported += 1;
            }
            other => panic!("{other:?}"),
        }
    }

    fn is_delivered(&mut self, at: usize, id: usize) {
        let both = self.person(&self.said[id].to).both.is_some();
        let said = &mut self.said[id];
        said.is_shown(id, at, both);
        self.totals.shown += 1;
        let last = (said.from.clone(), said.to.clone(), said.by, at);
        let last = self.last_shown.entry(last).or_default();
        assert!(*last <= id, "message {id} comes after {last}");
        *last = id;
    }

    /// Records the outcome of a message.
    pub(super) fn is_settled(&mut self, id: usize, outcome: Result<Fate, Failure>) {
        self.trace((id, format!("{outcome:?}")));
        self.totals.accepted += usize::from(outcome.is_ok());
        self.totals.unsure += usize::from(outcome == Err(Failure::Unconfirmed));
        self.said[id].is_settled(outcome);
    }

    pub(super) fn person(&self, who: &Address) -> &Person {
        let number = (0..self.people.len()).find(|n| user(*n) == *who);
        &self.people[number.unwrap()]
    }

    pub(super) fn host(&self, at: usize) -> Option<Rc<Host>> {
        self.seats[at].host.clone()
    }
}

impl Seat {
    fn new(skew: Duration) -> Self {
        Self {
            disk: Disk::new(),
            skew,
            down_since: None,
            host: None,
            here: BTreeSet::new(),
            watching: BTreeSet::new(),
            believed: BTreeMap::new(),
        }
    }

    /// A boot begins, or is over.
    pub(super) fn reset(&mut self, host: Option<Rc<Host>>) {
        self.host = host;
        self.here.clear();
        self.watching.clear();
        self.believed.clear();
    }
}
