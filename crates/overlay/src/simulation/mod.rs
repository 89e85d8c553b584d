//! Gateways, their people and the network between them, simulated: by a seed, gateways crash and
//! restart, or stop for a while and go on, links break and frames on them are lost, delayed and
//! doubled, disks are slow, and no two clocks agree or run alike.
//!
//! The people are accounts of `crosstalk_router`, with clients that are models: they hold what they
//! cannot show yet, read late, and are cut off with whatever they were given.
//!
//! Nothing in a run depends on anything but its seed. Here the state machines run without what is
//! around them in a gateway; `hosts` simulates that too.

mod calls;
mod check;
mod driven;
mod effects;
mod hosts;
mod links;
mod machine;
mod people;
mod places;
mod record;
mod router;
mod world;

use std::time::Duration;

use crate::common::fault_injection::{self, Fault};
use crosstalk_core::Failure;
use people::Simulation as _;
use world::World;

/// A fault of a client or of a router's driver, planted to see that a simulation finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planted {
    /// An engine says that its client has shown what it still holds.
    ConfirmedWhileHeld,
    /// A mailbox says that what a person says was shown when it lies there.
    ConfirmedUnread,
    /// A report that lies in a mailbox is owed to nobody any more.
    ForgottenReports,
}

impl Planted {
    const ALL: [Self; 3] =
        [Self::ConfirmedWhileHeld, Self::ConfirmedUnread, Self::ForgottenReports];

    /// Checks that each makes one of twenty seeds fail.
    fn are_found(run: impl Fn(u64, Self) + std::panic::RefUnwindSafe) {
        for planted in Self::ALL {
            let fails = |seed: &u64| std::panic::catch_unwind(|| run(*seed, planted)).is_err();
            let found = (0..20).find(fails);
            println!("{planted:?}: seed {found:?}");
            assert!(found.is_some(), "{planted:?}");
        }
    }
}

/// Time for which everything goes wrong, and longest time until it is well after that.
const CHAOS: Duration = Duration::from_secs(45);
/// A lease and five seconds: how long somebody may seem to be where nobody is.
const GHOST: Duration = Duration::from_secs(20);
/// Long enough for what is in doubt, and for what was refused to be tried again.
const DELIVERY: Duration = Duration::from_secs(150);
/// Time for which messages are kept in the simulation: longer than a run up to there.
const AGE: Duration = Duration::from_mins(4);

/// A small generator (xorshift64*), so that a seed is a run.
pub(super) struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below.max(1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    fn within(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let micros = longest.saturating_sub(shortest).as_micros() as u64;
        shortest + Duration::from_micros(self.roll(micros))
    }
}

/// Totals of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    said: usize,
    accepted: usize,
    shown: usize,
    /// Of how many their senders heard that they may not have arrived.
    unsure: usize,
    reported: usize,
    crashes: usize,
    breaks: usize,
    frames: usize,
    /// Of everything that happened, in order.
    trace: u64,
}

/// Makes the run of a seed, with `count` gateways.
fn run(seed: u64, count: usize) -> Totals {
    run_with(seed, count, None)
}

fn run_with(seed: u64, count: usize, planted: Option<Planted>) -> Totals {
    let mut world = World::new(seed, count, planted);
    world.go_wrong(CHAOS);
    world.heal();
    world.pass(GHOST);
    world.check_places();
    world.bring_back();
    world.settle_all(DELIVERY);
    world.pass(GHOST);
    check::rosters(&mut world);
    check::clients(&mut world);
    world.record.check_texts(false, false);
    world.pass(AGE);
    world.record.check_texts(true, false);
    world.check_nothing_kept();
    world.record.totals
}

/// Makes the runs of some seeds, and says which failed.
fn run_all(seeds: std::ops::Range<u64>, count: usize, run: fn(u64, usize) -> Totals) {
    let mut all = Totals::default();
    for seed in seeds.clone() {
        let run = std::panic::catch_unwind(|| run(seed, count));
        let Ok(one) = run else { panic!("seed {seed} with {count} gateways") };
        all.said += one.said;
        all.accepted += one.accepted;
        all.shown += one.shown;
        all.unsure += one.unsure;
        all.reported += one.reported;
        all.crashes += one.crashes;
        all.breaks += one.breaks;
        all.frames += one.frames;
    }
    println!("{count} gateways, seeds {seeds:?}: {all:?}");
}

/// The seeds that a test command runs, all sizes together.
const USUAL: u64 = 40;

/// Seeds to run, of which a quick test takes `usual`: `CROSSTALK_SEEDS` asks for others, so many
/// over all sizes or, as `FROM..TO`, just these.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let Ok(asked) = std::env::var("CROSSTALK_SEEDS") else { return 0..usual };
    match asked.split_once("..") {
        Some((from, to)) => from.parse().unwrap()..to.parse().unwrap(),
        None => 0..asked.parse::<u64>().unwrap() * usual / USUAL,
    }
}

#[test]
fn three_gateways_keep_their_promises() {
    run_all(seeds(30), 3, run);
}

#[test]
fn ten_gateways_keep_their_promises() {
    run_all(seeds(9), 10, run);
}

#[test]
fn fifty_gateways_keep_their_promises() {
    run_all(seeds(1), 50, run);
}

/// Checks messages to a gateway that is stopped: they wait before it, for who knows how long, so
/// that the sender hears that one may not have arrived, and never that it did not.
#[test]
fn what_a_gateway_shows_that_was_stopped_was_not_said_to_be_lost() {
    let (mut unsure, mut shown) = (0, 0);
    for tenths in 1..250 {
        let mut world = World::at_peace(tenths, 3);
        let (from, to) = (record::user(2), record::user(3));
        world.sign_on(2, 0);
        world.sign_on(3, 1);
        world.pass(Duration::from_secs(5));
        world.stop(1, Duration::from_millis(100 * tenths));
        world.with_router(0, |router, cx| router.say(cx, &from, &to));
        world.pass(Duration::from_mins(2));
        let said = &world.record.said[0];
        let is_unsure = said.outcome == Some(Err(Failure::Unconfirmed));
        assert!(said.outcome.is_some());
        unsure += usize::from(is_unsure);
        shown += usize::from(is_unsure && !said.shown.is_empty());
    }
    assert!(unsure > 50 && shown > 5, "{unsure} unsure, of which {shown} were shown");
}

#[test]
fn a_seed_is_a_run() {
    assert_eq!(run(7, 3), run(7, 3));
    assert_ne!(run(7, 3), run(8, 3));
}

/// Number of the first runs that find a planted fault.
fn found(fault: Fault) -> usize {
    fault_injection::inject(Some(fault));
    let fails = |seed: &u64| std::panic::catch_unwind(|| run(*seed, 3)).is_err();
    let found = (0..10).filter(fails).count();
    fault_injection::inject(None);
    found
}

#[test]
fn a_skipped_acknowledgement_is_found() {
    assert!(found(Fault::SkippedAck) > 0);
}

#[test]
fn a_dropped_round_of_anti_entropy_is_found() {
    assert!(found(Fault::DroppedAntiEntropy) > 0);
}

#[test]
fn a_reused_epoch_is_found() {
    assert!(found(Fault::ReusedEpoch) > 0);
}

#[test]
fn losses_between_engine_and_account_are_found() {
    Planted::are_found(|seed, planted| _ = run_with(seed, 3, Some(planted)));
}
