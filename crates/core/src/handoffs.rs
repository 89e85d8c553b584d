//! Handoffs between connections of one network, as plain state: bounded by number and by weight, in
//! shares, with no walk over all of them.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::address::{Address, HostPort};
use crate::origin::registered;

/// The most handoffs kept at once.
pub(crate) const MAX_HANDOFFS: usize = 65_536;
/// The most bytes that handoffs and their notes take where the caller sets no other bound.
pub(crate) const HANDOFF_BUDGET: usize = 64 << 20;
/// Bytes that a handoff takes besides its key, its host and its note, roughly.
const OVERHEAD: usize = 512;

/// State that one connection leaves for another, such as the state behind an OSCAR cookie.
pub struct Handoff {
    /// The upstream that the next connection will want. While the handoff lasts, clients may
    /// dial it even if it is not configured, since a configured server named it.
    pub dial: Option<HostPort>,
    /// Whatever the two engines agreed on.
    pub note: Box<dyn Any + Send>,
    /// Bytes that the note holds.
    pub weight: usize,
    /// The owner whose share pays for it.
    pub owner: Owner,
    /// Time of expiry.
    pub until: Instant,
}

impl Handoff {
    /// Makes a handoff that lets nothing be dialled, weighs nothing worth counting, and is nobody's.
    pub fn new(note: impl Any + Send, until: Instant) -> Self {
        Self { dial: None, note: Box::new(note), weight: 0, owner: Owner::default(), until }
    }

    /// The handoff with an upstream that clients may dial while it lasts.
    #[must_use]
    pub fn to(self, dial: HostPort) -> Self {
        Self { dial: Some(dial), ..self }
    }

    /// The handoff in the share of `owner`.
    #[must_use]
    pub fn of(self, owner: Owner) -> Self {
        Self { owner, ..self }
    }

    /// The handoff with a note that holds so many bytes.
    #[must_use]
    pub fn weighing(self, weight: usize) -> Self {
        Self { weight, ..self }
    }
}

/// The person or connection whose share of the room a handoff counts to: where room is short, the
/// owner that holds most loses handoffs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(Arc<str>);

impl Owner {
    /// A person whom a server confirmed.
    pub fn account(person: &Address) -> Self {
        Self(person.to_string().into())
    }

    /// A server, when nobody is signed in yet: the domain of its host, so that many names under one
    /// domain are one owner.
    pub fn server(server: &HostPort) -> Self {
        let host = server.host.trim_end_matches('.').to_ascii_lowercase();
        Self(registered(&host).into())
    }
}

/// Says neither what it is nor who left it: notes hold what nobody else may read.
impl fmt::Debug for Handoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handoff")
    }
}

/// Time of expiry, and a number that makes this unique.
type Turn = (Instant, u64);

struct Kept {
    handoff: Handoff,
    turn: Turn,
    cost: usize,
}

/// The handoffs of one owner.
#[derive(Default)]
struct Share {
    cost: usize,
    turns: BTreeSet<Turn>,
}

/// The handoffs of one network.
pub(crate) struct Handoffs {
    budget: usize,
    cost: usize,
    last: u64,
    kept: HashMap<Arc<[u8]>, Kept>,
    /// All, the one that expires first in front.
    turns: BTreeMap<Turn, Arc<[u8]>>,
    hosts: HashMap<HostPort, BTreeSet<Turn>>,
    shares: HashMap<Owner, Share>,
    /// The shares by size, the largest last.
    sizes: BTreeSet<(usize, Owner)>,
}

impl Default for Handoffs {
    fn default() -> Self {
        Self::new(HANDOFF_BUDGET)
    }
}

impl Handoffs {
    /// No handoffs, of which all together may later take `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            budget,
            cost: 0,
            last: 0,
            kept: HashMap::new(),
            turns: BTreeMap::new(),
            hosts: HashMap::new(),
            shares: HashMap::new(),
            sizes: BTreeSet::new(),
        }
    }

    /// Keeps a handoff under `key`. Returns what had to go: the one that was there, those that
    /// have expired, and while room is short the first to expire of whoever holds most.
    #[must_use = "notes are dropped where no lock is held"]
    pub(crate) fn leave(&mut self, now: Instant, key: &[u8], handoff: Handoff) -> Vec<Handoff> {
        let mut gone = self.expire(now);
        gone.extend(self.remove(key));
        self.insert(key.into(), handoff);
        gone.extend(self.shed());
        gone
    }

    /// Takes the handoff under `key` if it has not expired and `claim` accepts it; one that the
    /// claimant has no right to stays for whoever has.
    pub(crate) fn take_if(
        &mut self,
        now: Instant,
        key: &[u8],
        claim: impl FnOnce(&Handoff) -> bool,
    ) -> Option<Handoff> {
        self.look(now, key).filter(|handoff| claim(handoff))?;
        self.remove(key)
    }

    /// The handoff under `key`, which stays where it is, if it has not expired.
    pub(crate) fn look(&self, now: Instant, key: &[u8]) -> Option<&Handoff> {
        self.kept.get(key).map(|kept| &kept.handoff).filter(|handoff| handoff.until > now)
    }

    /// Whether a handoff that has not expired names `host` as an upstream.
    pub(crate) fn expects(&self, now: Instant, host: &HostPort) -> bool {
        let last = self.hosts.get(host).and_then(BTreeSet::last);
        last.is_some_and(|(until, _)| *until > now)
    }

    /// Takes away what has expired.
    #[must_use = "notes are dropped where no lock is held"]
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Handoff> {
        let mut gone = Vec::new();
        while let Some(first) = self.turns.first_entry().filter(|first| first.key().0 <= now) {
            let key = Arc::clone(first.get());
            gone.extend(self.remove(&key));
        }
        gone
    }

    /// Takes away handoffs until there is room for all others, each time the first to expire of
    /// whoever holds most.
    #[must_use = "notes are dropped where no lock is held"]
    fn shed(&mut self) -> Vec<Handoff> {
        let mut gone = Vec::new();
        while self.cost > self.budget || self.kept.len() > MAX_HANDOFFS {
            let largest = self.sizes.last().and_then(|(_, owner)| self.shares.get(owner));
            let turn = largest.and_then(|share| share.turns.first());
            let Some(key) = turn.and_then(|turn| self.turns.get(turn)).cloned() else { break };
            gone.extend(self.remove(&key));
        }
        gone
    }

    /// Bytes taken by all handoffs, with their notes.
    pub(crate) const fn weight(&self) -> usize {
        self.cost
    }

    fn insert(&mut self, key: Arc<[u8]>, handoff: Handoff) {
        self.last += 1;
        let turn = (handoff.until, self.last);
        let host = handoff.dial.as_ref().map_or(0, |dial| dial.host.len());
        let cost = OVERHEAD + key.len() + host + handoff.weight;
        if let Some(dial) = &handoff.dial {
            self.hosts.entry(dial.clone()).or_default().insert(turn);
        }
        self.charge(&handoff.owner, |share| {
            share.cost += cost;
            share.turns.insert(turn);
        });
        self.cost += cost;
        self.turns.insert(turn, Arc::clone(&key));
        self.kept.insert(key, Kept { handoff, turn, cost });
    }

    fn remove(&mut self, key: &[u8]) -> Option<Handoff> {
        let Kept { handoff, turn, cost } = self.kept.remove(key)?;
        self.turns.remove(&turn);
        self.cost -= cost;
        if let Some(dial) = &handoff.dial
            && let Some(turns) = self.hosts.get_mut(dial)
        {
            turns.remove(&turn);
            if turns.is_empty() {
                self.hosts.remove(dial);
            }
        }
        self.charge(&handoff.owner, |share| {
            share.cost -= cost;
            share.turns.remove(&turn);
        });
        Some(handoff)
    }

    /// Changes a share, and its place among the others with it.
    fn charge(&mut self, owner: &Owner, change: impl FnOnce(&mut Share)) {
        let share = self.shares.entry(owner.clone()).or_default();
        self.sizes.remove(&(share.cost, owner.clone()));
        change(share);
        if share.turns.is_empty() {
            self.shares.remove(owner);
        } else {
            self.sizes.insert((share.cost, owner.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn handoff(now: Instant, seconds: u64, owner: &str) -> Handoff {
        let owner = Owner::server(&HostPort::new(owner, 1));
        Handoff::new((), now + Duration::from_secs(seconds)).of(owner)
    }

    #[test]
    fn a_wrong_claimant_consumes_nothing() {
        let (mut handoffs, now) = (Handoffs::default(), Instant::now());
        let left = Handoff::new("alice", now + Duration::from_mins(1));
        assert!(handoffs.leave(now, b"key", left).is_empty());
        let is = |name: &'static str| {
            move |t: &Handoff| t.note.downcast_ref::<&str>().is_some_and(|note| *note == name)
        };
        assert!(handoffs.take_if(now, b"key", is("mallory")).is_none());
        assert!(handoffs.look(now, b"key").is_some());
        assert!(handoffs.take_if(now, b"key", is("alice")).is_some());
        assert!(handoffs.take_if(now, b"key", is("alice")).is_none());
    }

    #[test]
    fn who_holds_most_makes_room_and_nobody_else() {
        let (mut handoffs, now) = (Handoffs::new(1 << 20), Instant::now());
        assert!(handoffs.leave(now, b"honest", handoff(now, 1, "aim.test")).is_empty());
        for i in 0..5_000_u32 {
            let left = handoff(now, 60 + u64::from(i), &format!("h{i}.evil.test"));
            drop(handoffs.leave(now, &i.to_be_bytes(), left));
        }
        assert!(handoffs.weight() <= 1 << 20, "{}", handoffs.weight());
        assert!(handoffs.look(now, b"honest").is_some());
        assert!(handoffs.look(now, &0_u32.to_be_bytes()).is_none());
        assert!(handoffs.look(now, &4_999_u32.to_be_bytes()).is_some());
    }

    #[test]
    fn a_note_too_heavy_for_all_room_pushes_nobody_out() {
        let (mut handoffs, now) = (Handoffs::new(1 << 20), Instant::now());
        assert!(handoffs.leave(now, b"small", handoff(now, 60, "aim.test")).is_empty());
        let heavy = handoff(now, 60, "evil.test").weighing(2 << 20);
        assert_eq!(handoffs.leave(now, b"heavy", heavy).len(), 1);
        assert!(handoffs.look(now, b"small").is_some());
        assert!(handoffs.look(now, b"heavy").is_none());
    }

    #[test]
    fn what_has_expired_weighs_nothing() {
        let (mut handoffs, now) = (Handoffs::default(), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        let place = HostPort::new("bos.test", 5190);
        for (key, seconds) in [(b"a", 1), (b"b", 2), (b"c", 9)] {
            let left = handoff(now, seconds, "aim.test").to(place.clone());
            assert!(handoffs.leave(now, key, left).is_empty());
        }
        assert!(handoffs.expects(at(8), &place) && !handoffs.expects(at(9), &place));
        assert_eq!(handoffs.expire(at(2)).len(), 2);
        assert!(handoffs.weight() > 0);
        assert_eq!(handoffs.expire(at(9)).len(), 1);
        assert!(!handoffs.expects(at(0), &place));
        assert_eq!((handoffs.weight(), handoffs.shares.len(), handoffs.hosts.len()), (0, 0, 0));
        assert_eq!((handoffs.turns.len(), handoffs.sizes.len()), (0, 0));
    }

    /// Leaving a handoff costs the same whether there are few or many: none walks over all.
    #[test]
    fn no_handoff_walks_over_all_others() {
        let (mut handoffs, now) = (Handoffs::new(usize::MAX), Instant::now());
        let begun = Instant::now();
        for i in 0..4 * MAX_HANDOFFS {
            let place = HostPort::new("10.0.0.1", u16::try_from(i % 60_000).unwrap_or(0));
            let left = handoff(now, 60 + i as u64, "evil.test").to(place.clone());
            drop(handoffs.leave(now, &i.to_be_bytes(), left));
            assert!(handoffs.expects(now, &place));
            assert!(!handoffs.expects(now, &HostPort::new("other.test", 1)));
        }
        assert_eq!(handoffs.kept.len(), MAX_HANDOFFS);
        // 262,144 walks over 65,536 handoffs would take minutes.
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
