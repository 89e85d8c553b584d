//! Questions to the homes of a person: where is she? Pure.

use std::time::{Duration, Instant};

use crosstalk_core::NetworkId;

use crate::common::map::Map;
use crate::membership::GatewayId;

/// Time that the homes have to answer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// The questions under way. `L` is the caller's ticket.
pub(crate) struct Searches<L> {
    last: u64,
    open: Map<u64, Search<L>>,
}

struct Search<L> {
    ticket: L,
    network: NetworkId,
    asked: Vec<GatewayId>,
    found: Vec<GatewayId>,
    until: Instant,
}

impl<L> Default for Searches<L> {
    fn default() -> Self {
        Self { last: 0, open: Map::default() }
    }
}

impl<L> Searches<L> {
    /// Begins a question to `asked` about a user of `network`. Returns its name.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        network: NetworkId,
        asked: Vec<GatewayId>,
        ticket: L,
    ) -> u64 {
        self.last += 1;
        let until = now + DEADLINE;
        self.open.insert(self.last, Search { ticket, network, asked, found: Vec::new(), until });
        self.last
    }

    /// A home answered. Returns the result when all have; `stands` says which locations count.
    pub(crate) fn found(
        &mut self,
        home: &GatewayId,
        ask: u64,
        at: Vec<(GatewayId, u64)>,
        stands: impl Fn(&(GatewayId, u64), &NetworkId) -> bool,
    ) -> Option<(L, Vec<GatewayId>)> {
        let search = self.open.get_mut(&ask)?;
        let place = search.asked.iter().position(|asked| asked == home)?;
        search.asked.swap_remove(place);
        for location in at {
            if stands(&location, &search.network) && !search.found.contains(&location.0) {
                search.found.push(location.0);
            }
        }
        if search.asked.is_empty() { self.end(ask) } else { None }
    }

    /// A home is gone and answers nothing any more. Returns the results that only it held up.
    pub(crate) fn gone(&mut self, home: &GatewayId) -> Vec<(L, Vec<GatewayId>)> {
        self.open.values_mut().for_each(|search| search.asked.retain(|asked| asked != home));
        self.end_where(|search| search.asked.is_empty())
    }

    /// Returns the results of questions that waited too long.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<(L, Vec<GatewayId>)> {
        self.end_where(|search| search.until <= now)
    }

    fn end(&mut self, ask: u64) -> Option<(L, Vec<GatewayId>)> {
        self.open.remove(&ask).map(|search| (search.ticket, search.found))
    }

    fn end_where(&mut self, ended: impl Fn(&Search<L>) -> bool) -> Vec<(L, Vec<GatewayId>)> {
        let over = self.open.extract_if(|_, search| ended(search));
        over.map(|(_, search)| (search.ticket, search.found)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOMES: [GatewayId; 2] = [GatewayId::from_bytes([1; 32]), GatewayId::from_bytes([2; 32])];
    const AT: GatewayId = GatewayId::from_bytes([3; 32]);

    fn begin() -> (Searches<()>, u64, Instant) {
        let (mut searches, now) = (Searches::default(), Instant::now());
        let ask = searches.begin(now, "aol".parse().unwrap(), HOMES.to_vec(), ());
        (searches, ask, now)
    }

    #[test]
    fn a_search_ends_when_all_homes_answered_and_believes_what_stands() {
        let (mut searches, ask, _) = begin();
        let stands = |location: &(GatewayId, u64), _: &NetworkId| location.1 == 7;
        assert!(searches.found(&HOMES[0], ask, vec![(AT, 7), (AT, 6)], stands).is_none());
        assert!(searches.found(&HOMES[0], ask, vec![(AT, 7)], stands).is_none(), "answers once");
        assert!(searches.found(&AT, ask, vec![(HOMES[0], 7)], stands).is_none(), "was not asked");
        assert_eq!(searches.found(&HOMES[1], ask, vec![(AT, 7)], stands), Some(((), vec![AT])));
    }

    #[test]
    fn a_home_that_died_or_is_late_holds_nothing_up() {
        let (mut searches, ask, now) = begin();
        searches.found(&HOMES[0], ask, vec![(AT, 7)], |_, _| true);
        assert_eq!(searches.gone(&HOMES[1]), [((), vec![AT])]);
        let (mut searches, _, _) = begin();
        assert!(searches.expired(now).is_empty());
        assert_eq!(searches.expired(now + DEADLINE * 2), [((), vec![])]);
    }
}
