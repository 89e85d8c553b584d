//! The same promises of whole gateways, as hosts of turmoil: each runs the hub, the links, the
//! store and the journal that a gateway runs, in a runtime of its own, over simulated TCP.
//!
//! What stands in for something else: a dialler for libp2p, models of clients, memory for the
//! database's disk.

mod calls;
mod check;
mod dial;
mod disk;
mod host;
mod ledger;
mod router;
mod world;

use std::time::Duration;

use super::people::Simulation as _;
use super::{CHAOS, DELIVERY, Dice, GHOST, Planted, Totals};
use crate::common::fault_injection::{self, Fault};
use world::World;

/// Longest time until everything is well: a link that stalled is noticed when the lease lapses, and
/// dialled again with the longest pause.
const SETTLE: Duration = Duration::from_secs(40);
/// Time for which messages are kept: longer than a run. Some are kept so short a time that they
/// expire in the midst of it.
const LONG: Duration = Duration::from_mins(10);
const SHORT: Duration = Duration::from_mins(1);

/// Makes the run of a seed, with `count` gateways.
fn run(seed: u64, count: usize) -> Totals {
    run_with(seed, count, None)
}

fn run_with(seed: u64, count: usize, planted: Option<Planted>) -> Totals {
    let expires = seed % 2 == 1;
    let mut world = World::new(seed, count, expires, planted);
    world.go_wrong(CHAOS);
    world.heal();
    world.pass(SETTLE);
    world.check_places();
    world.bring_back();
    world.settle_all(DELIVERY);
    world.pass(GHOST);
    super::check::rosters(&mut world);
    super::check::clients(&mut world);
    world.ledger().record.check_texts(false, expires);
    if expires {
        world.pass(SHORT);
        world.ledger().record.check_texts(true, expires);
        world.check_nothing_kept();
    }
    world.totals()
}

#[test]
fn three_hosts_keep_their_promises() {
    super::run_all(super::seeds(30), 3, run);
}

#[test]
fn ten_hosts_keep_their_promises() {
    super::run_all(super::seeds(9), 10, run);
}

#[test]
fn fifty_hosts_keep_their_promises() {
    super::run_all(super::seeds(1), 50, run);
}

#[test]
fn a_seed_is_a_run_of_hosts() {
    assert_eq!(run(7, 3), run(7, 3));
    assert_ne!(run(7, 3), run(8, 3));
}

#[test]
fn hosts_find_every_planted_fault() {
    for fault in [Fault::SkippedAck, Fault::DroppedAntiEntropy, Fault::ReusedEpoch] {
        fault_injection::inject(Some(fault));
        let found = (0..60).find(|seed| std::panic::catch_unwind(|| run(*seed, 3)).is_err());
        fault_injection::inject(None);
        println!("{fault:?}: seed {found:?}");
        assert!(found.is_some(), "{fault:?}");
    }
}

#[test]
fn hosts_find_losses_between_engine_and_account() {
    Planted::are_found(|seed, planted| _ = run_with(seed, 3, Some(planted)));
}
