//! Record of a run: the people, what they said, and what became of it. Every check of a text is
//! made here, as things happen.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::time::Duration;

use crosstalk_core::{Address, Envelope, EnvelopeId, Failure, Roster};
use crosstalk_router::SessionId;

use super::{Planted, Totals};
use crate::wire::message::Fate;

/// A client: its gateway, the account there, and the session.
pub(super) type Place = (usize, u64, SessionId);
/// Sender and the gateway where it was said, receiver and the client: the scope in which order is
/// kept.
type Conversation = (Address, usize, Address, Place);
/// Contacts that each owner listed, at whatever gateway.
pub(super) type Listed = BTreeMap<Address, BTreeSet<Address>>;

/// One of the people.
#[derive(Clone, Default)]
pub(super) struct Person {
    /// Gateways at which there is a client.
    pub(super) at: BTreeSet<usize>,
    /// Two gateways that this person always uses, instead of moving about.
    pub(super) both: Option<[usize; 2]>,
    /// Time of the last move.
    pub(super) moved: Duration,
    /// Signs off in the end and does not come back.
    pub(super) leaves: bool,
}

/// A text and its fate.
pub(super) struct Said {
    pub(super) from: Address,
    pub(super) to: Address,
    /// Gateway at which it was said; in which order follows from the id.
    pub(super) by: usize,
    /// What the overlay said of it to the account.
    pub(super) outcome: Option<Result<Fate, Failure>>,
    /// Its gateway crashed before it, or the report of it, was on disk.
    pub(super) orphaned: bool,
    /// The report of it is on disk.
    pub(super) report_kept: bool,
    /// Clients that showed it.
    pub(super) shown: Vec<Place>,
    /// Time at which the first did so.
    first_shown: Option<Duration>,
    /// Those at which it was reported, with the reason.
    pub(super) reported: Vec<(Place, Failure)>,
}

/// Everything that is known of a run beside the state of its gateways.
pub(super) struct Record {
    pub(super) people: Vec<Person>,
    pub(super) said: Vec<Said>,
    last_shown: BTreeMap<Conversation, usize>,
    /// Contacts that owners listed, and those of them whose listing is on disk.
    pub(super) listed: Listed,
    pub(super) surely_listed: Listed,
    /// Gateways at which each person ever was.
    pub(super) there: BTreeMap<Address, BTreeSet<usize>>,
    /// Number of names given out.
    pub(super) names: u64,
    /// Whether clients take what they are given without delay and drop nothing.
    pub(super) is_calm: bool,
    pub(super) planted: Option<Planted>,
    pub(super) totals: Totals,
}

/// The name of a person.
pub(super) fn user(n: usize) -> Address {
    format!("user{n}@aol").parse().unwrap()
}

impl Record {
    /// The people of `gateways` gateways, before anything has happened.
    pub(super) fn new(gateways: usize, planted: Option<Planted>) -> Self {
        let mut people = vec![Person::default(); 4 + gateways / 3];
        people[0].both = Some([0, 1]);
        people[1].leaves = true;
        Self {
            people,
            said: Vec::new(),
            last_shown: BTreeMap::new(),
            listed: Listed::new(),
            surely_listed: Listed::new(),
            there: BTreeMap::new(),
            names: 0,
            is_calm: false,
            planted,
            totals: Totals::default(),
        }
    }

    pub(super) fn is_planted(&self, fault: Planted) -> bool {
        self.planted == Some(fault)
    }

    /// A name not given out before.
    pub(super) fn next_name(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    /// Somebody signs on at a gateway.
    pub(super) fn is_at(&mut self, n: usize, at: usize) {
        self.people[n].at.insert(at);
        self.there.entry(user(n)).or_default().insert(at);
    }

    /// Somebody says a text at a gateway. Returns the name of its envelope.
    pub(super) fn says(&mut self, by: usize, from: &Address, to: &Address) -> EnvelopeId {
        self.totals.said += 1;
        self.said.push(Said {
            from: from.clone(),
            to: to.clone(),
            by,
            outcome: None,
            orphaned: false,
            report_kept: false,
            shown: Vec::new(),
            first_shown: None,
            reported: Vec::new(),
        });
        EnvelopeId(self.said.len() as u128 - 1)
    }

    /// The text of that name, where it is one that a person said.
    pub(super) fn text(&mut self, id: EnvelopeId) -> Option<&mut Said> {
        self.said.get_mut(usize::try_from(id.0).ok()?)
    }

    /// A client that is there since `opened` shows a text: once, in the order of saying, and in
    /// nobody else's name.
    pub(super) fn is_shown(
        &mut self,
        (now, opened): (Duration, Duration),
        place: Place,
        envelope: &Envelope,
    ) {
        let Ok(id) = usize::try_from(envelope.id.0) else { return };
        let Some(said) = self.said.get_mut(id) else { return };
        self.totals.shown += 1;
        assert_eq!(said.from, envelope.from, "message {id} came under another name");
        assert_eq!(said.to, envelope.to, "message {id} came to somebody else");
        let person = self.people.iter().enumerate().find(|(n, _)| user(*n) == said.to);
        let both = person.and_then(|(_, person)| person.both);
        let first = *said.first_shown.get_or_insert(now);
        let is_late = both.is_none() && opened > first;
        assert!(!is_late, "message {id}, shown at {first:?}, comes to a client of {opened:?}");
        said.shown_at(id, place, both.is_some());
        let scope = (said.from.clone(), said.by, said.to.clone(), place);
        let last = self.last_shown.entry(scope).or_default();
        assert!(*last <= id, "message {id} comes after {last}");
        *last = id;
    }

    /// A client shows that a text was not delivered.
    pub(super) fn is_reported(&mut self, place: Place, of: EnvelopeId, why: Failure) {
        self.totals.reported += 1;
        let Some(said) = self.text(of) else { return };
        let again = said.reported.iter().any(|(other, _)| *other == place);
        assert!(!again, "message {of:?} is reported at {place:?} again");
        if why != Failure::Unconfirmed {
            assert!(said.shown.is_empty(), "message {of:?}: {why:?}, shown at {:?}", said.shown);
        }
        said.reported.push((place, why));
    }

    /// The account that posted a text hears what became of it.
    pub(super) fn is_settled(&mut self, id: EnvelopeId, outcome: Result<Fate, Failure>) {
        let Some(said) = self.text(id) else { return };
        assert_eq!(said.outcome, None, "one outcome");
        if outcome == Ok(Fate::Delivered) {
            assert!(!said.shown.is_empty(), "message {id:?} is said to be delivered");
        }
        let failed = matches!(outcome, Err(why) if why != Failure::Unconfirmed);
        assert!(!failed || said.shown.is_empty(), "message {id:?} is said to be lost: {outcome:?}");
        said.outcome = Some(outcome);
        self.totals.accepted += usize::from(outcome.is_ok());
        self.totals.unsure += usize::from(outcome == Err(Failure::Unconfirmed));
    }

    /// The report of a text was taken by the overlay, or not.
    pub(super) fn report_is_kept(&mut self, of: EnvelopeId, outcome: Result<Fate, Failure>) {
        if let Some(said) = self.text(of) {
            said.report_kept |= outcome.is_ok();
        }
    }

    /// A part of somebody's list is on disk.
    pub(super) fn is_saved(&mut self, owner: &Address, part: &Roster) {
        let friends = part.listed().filter(|c| c.address.local().starts_with("friend"));
        let friends: Vec<_> = friends.map(|c| c.address.clone()).collect();
        self.surely_listed.entry(owner.clone()).or_default().extend(friends);
    }

    /// A gateway dies. What it had not accepted yet may be lost with it.
    pub(super) fn crashes(&mut self, at: usize) {
        self.totals.crashes += 1;
        for said in self.said.iter_mut().filter(|said| said.by == at) {
            let is_accepted = matches!(said.outcome, Some(Ok(_)));
            said.orphaned |= !is_accepted && !said.report_kept && said.reported.is_empty();
        }
        for person in &mut self.people {
            person.at.remove(&at);
        }
    }

    /// The person of that name.
    pub(super) fn person(&self, who: &Address) -> &Person {
        let number = (0..self.people.len()).find(|n| user(*n) == *who);
        &self.people[number.unwrap()]
    }

    /// Adds something that happened now to what happened before.
    pub(super) fn trace(&mut self, now: Duration, what: impl Hash) {
        let mut hash = DefaultHasher::new();
        (self.totals.trace, now, what).hash(&mut hash);
        self.totals.trace = hash.finish();
    }

    /// Everything that was said is shown, reported or was never taken. When it `is_over`, what was
    /// kept for those who left is reported; and reports may be kept for so short a time that those
    /// who were away miss them.
    pub(super) fn check_texts(&self, is_over: bool, reports_expire: bool) {
        for (n, said) in self.said.iter().enumerate() {
            let accepted = matches!(said.outcome, Some(Ok(_)));
            let (shown, reported) = (!said.shown.is_empty(), !said.reported.is_empty());
            let heard = !self.person(&said.from).leaves;
            // Who left is shown nothing; what is kept for who left is reported when it expires.
            let waits = accepted && self.person(&said.to).leaves && !is_over;
            let gone = reports_expire && !accepted;
            let known = shown || reported || said.orphaned || waits || gone;
            assert!(known || !heard, "message {n} to {} was lost: {:?}", said.to, said.outcome);
        }
    }
}

impl Said {
    fn shown_at(&mut self, id: usize, place: Place, both: bool) {
        // To every client that was there when it came; and where the person uses two gateways, to
        // those at both.
        assert!(!self.shown.contains(&place), "message {id} comes again at {place:?}");
        let elsewhere = self.shown.iter().find(|(at, ..)| *at != place.0);
        assert!(both || elsewhere.is_none(), "message {id} at {place:?} after {elsewhere:?}");
        let failed = self.reported.iter().find(|(_, why)| *why != Failure::Unconfirmed);
        assert!(failed.is_none(), "message {id} is shown after {failed:?}");
        let failed = matches!(self.outcome, Some(Err(why)) if why != Failure::Unconfirmed);
        assert!(!failed, "message {id} is shown after {:?}", self.outcome);
        self.shown.push(place);
    }
}
