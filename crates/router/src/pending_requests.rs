//! Requests that wait for a person's answer: so many in all, and so many of one origin.

use std::collections::{BTreeMap, HashMap};

use crosstalk_core::{Address, Detail, Origin};

use crate::account::Account;

/// The most who wait for one person's answer.
pub(crate) const MAX_REQUESTS: usize = 100;
/// The most of them who come from one domain.
pub(crate) const OF_DOMAIN: usize = 10;
/// The most who come from one network whose own servers give names out.
pub(crate) const OF_NETWORK: usize = 50;

/// Those who wait, and in which order they came.
#[derive(Default)]
pub(crate) struct PendingRequests {
    all: BTreeMap<Address, u64>,
    last: u64,
    /// The names that they give themselves, of some of those in `all`.
    nicknames: BTreeMap<Address, Detail>,
}

/// Whether one more may wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is room.
    Free,
    /// In the place of this one.
    Of(Address),
    /// Too many of the same origin wait.
    None,
}

impl PendingRequests {
    /// Somebody waits for an answer, or no longer.
    pub(crate) fn set(&mut self, who: &Address, waits: bool) {
        if !waits {
            self.all.remove(who);
            self.nicknames.remove(who);
        } else if !self.all.contains_key(who) {
            self.last += 1;
            self.all.insert(who.clone(), self.last);
        }
    }

    /// The name that one who waits gives himself. It is told with the request, and not stored.
    pub(crate) fn nickname(&self, who: &Address) -> Option<&Detail> {
        self.nicknames.get(who)
    }

    /// Somebody asks under this name, or without one.
    pub(crate) fn set_nickname(&mut self, who: &Address, nickname: Option<&Detail>) {
        match nickname.filter(|_| self.all.contains_key(who)) {
            Some(nickname) => drop(self.nicknames.insert(who.clone(), nickname.clone())),
            None => drop(self.nicknames.remove(who)),
        }
    }

    /// Whether `who` may wait too. Nobody's origin takes more than its share, and who comes from
    /// where fewer wait takes the place of the one who waits longest where most do.
    pub(crate) fn room_for(&self, who: &Address) -> Room {
        let mut origins: HashMap<Origin, Vec<(&u64, &Address)>> = HashMap::new();
        for (asker, turn) in &self.all {
            origins.entry(Origin::of(asker)).or_default().push((turn, asker));
        }
        let own = Origin::of(who);
        let share = if own.domain().is_some() { OF_DOMAIN } else { OF_NETWORK };
        let of_own = origins.get(&own).map_or(0, Vec::len);
        if of_own >= share {
            return Room::None;
        }
        if self.all.len() < MAX_REQUESTS {
            return Room::Free;
        }
        let oldest = |askers: &Vec<(&u64, &Address)>| askers.iter().min().map(|(turn, _)| **turn);
        let heaviest =
            origins.values().max_by_key(|askers| (askers.len(), std::cmp::Reverse(oldest(askers))));
        let heaviest = heaviest.filter(|askers| askers.len() > of_own);
        let first = heaviest.and_then(|askers| askers.iter().min());
        first.map_or(Room::None, |(_, asker)| Room::Of((*asker).clone()))
    }
}

impl<A> Account<A> {
    /// Those who wait for the person's answer.
    pub(crate) fn requests(&mut self) -> &mut PendingRequests {
        self.requests.get_or_insert_with(Box::default)
    }

    /// Somebody waits for the person's answer, or no longer.
    pub(crate) fn set_asking(&mut self, who: &Address, waits: bool) {
        if waits || self.requests.is_some() {
            self.requests().set(who, waits);
        }
        self.requests.take_if(|requests| requests.all.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests_of(names: impl Iterator<Item = String>) -> PendingRequests {
        let mut requests = PendingRequests::default();
        for name in names {
            let who = name.parse().unwrap();
            match requests.room_for(&who) {
                Room::Free => requests.set(&who, true),
                Room::Of(other) => {
                    requests.set(&other, false);
                    requests.set(&who, true);
                }
                Room::None => {}
            }
        }
        requests
    }

    fn of(requests: &PendingRequests, domain: &str) -> usize {
        requests.all.keys().filter(|who| who.to_string().contains(domain)).count()
    }

    #[test]
    fn one_domain_takes_its_share_and_no_more() {
        let evil = (0..500).map(|n| format!("u{n}@h{n}.evil.example@jabber"));
        let requests = requests_of(evil.chain(["bob@honest.example@jabber".into()]));
        assert_eq!((of(&requests, "evil.example"), of(&requests, "honest")), (OF_DOMAIN, 1));
    }

    #[test]
    fn who_comes_from_elsewhere_is_let_in_for_the_oldest_of_the_heaviest() {
        let evil = |n: usize| format!("u{n}@evil{}.example@jabber", n / OF_DOMAIN);
        let requests = requests_of((0..200).map(evil).chain((0..5).map(|n| format!("bob{n}@aol"))));
        assert_eq!((requests.all.len(), of(&requests, "@aol")), (MAX_REQUESTS, 5));
        assert!(!requests.all.contains_key(&evil(0).parse().unwrap()), "the oldest went first");
    }

    #[test]
    fn where_all_have_one_the_newcomer_still_arrives() {
        let requests = requests_of((0..=200).map(|n| format!("u@d{n}.example@jabber")));
        assert_eq!((requests.all.len(), of(&requests, "d200.")), (MAX_REQUESTS, 1));
    }
}
