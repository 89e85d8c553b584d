//! Checks of what must hold over all gateways, whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{Address, Availability, Contact, Roster, Subscription};

use super::GHOST;
use super::people::Simulation;
use super::record::user;
use super::router::Router;

/// Nobody is shown online to people at `at` who can be only where gateways are dead, or cut off,
/// for longer than a lease and five seconds.
pub(super) fn ghosts(sim: &mut impl Simulation, at: usize) {
    let seen = sim.look(at, |router| router.sights(true)).unwrap_or_default();
    let there = sim.draw(|_, record| record.there.clone());
    for sight in seen.into_iter().filter(|sight| sight.presence.is_online()) {
        let places = there.get(&sight.of).into_iter().flatten().copied();
        let mut living =
            places.filter(|p| !sim.is_dead(*p, GHOST) && !sim.is_parted(at, *p, GHOST));
        let (by, of) = (&sight.by, &sight.of);
        assert!(living.next().is_some(), "{by} at gateway {at} sees {of}, who cannot be there");
    }
}

/// Every contact that was surely listed anywhere is at every home, and nothing else.
pub(super) fn rosters(sim: &mut impl Simulation) {
    let (listed, surely) =
        sim.draw(|_, record| (record.listed.clone(), record.surely_listed.clone()));
    let people = sim.draw(|_, record| record.people.len());
    for owner in (0..people).map(user) {
        let homes = sim.homes(&owner);
        let lists: Vec<_> = homes.iter().map(|home| sim.stored(*home, &owner)).collect();
        for list in &lists {
            assert_eq!(*list, lists[0], "the list of {owner} at its homes {homes:?}");
        }
        let friends = lists[0].listed().map(|c| c.address.clone());
        let friends: BTreeSet<_> = friends.filter(|a| a.local().starts_with("friend")).collect();
        let none = BTreeSet::new();
        let (may, must) = (listed.get(&owner).unwrap_or(&none), surely.get(&owner));
        assert!(friends.is_subset(may), "{owner} never added all of {friends:?}");
        let must = must.unwrap_or(&none);
        assert!(must.is_subset(&friends), "{owner} has {friends:?} of {must:?}");
    }
}

/// Every client shows the stored list, and everybody in it as that one is seen.
pub(super) fn clients(sim: &mut impl Simulation) {
    let people = sim.draw(|_, record| record.people.len());
    let stored: BTreeMap<_, _> = (0..people)
        .map(user)
        .map(|owner| (owner.clone(), sim.stored(sim.homes(&owner)[0], &owner)))
        .collect();
    let mut announced: BTreeMap<Address, Availability> = BTreeMap::new();
    for at in 0..sim.gateways() {
        for (who, show) in sim.look(at, Router::announced).unwrap_or_default() {
            let most = announced.entry(who).or_default();
            *most = (*most).max(show);
        }
    }
    for at in 0..sim.gateways() {
        let wrong = sim.look(at, |router| router.wrong_lists(|owner| stored[owner].clone()));
        assert_eq!(wrong.unwrap_or_default(), [], "lists at gateway {at}");
        for sight in sim.look(at, |router| router.sights(false)).unwrap_or_default() {
            let shows = stored.get(&sight.of).is_some_and(|list| shows(list, &sight.by));
            let is_seen = sight.may_see && shows;
            let truth = announced.get(&sight.of).copied().filter(|_| is_seen).unwrap_or_default();
            let (by, of) = (&sight.by, &sight.of);
            assert_eq!(sight.presence.show, truth, "{of} as {by} sees it at gateway {at}");
        }
    }
}

/// Whether the owner of a list lets `to` see the owner.
fn shows(list: &Roster, to: &Address) -> bool {
    let granted = |c: &Contact| c.from == Subscription::Granted && !c.blocked;
    list.contact(to).is_some_and(granted)
}
