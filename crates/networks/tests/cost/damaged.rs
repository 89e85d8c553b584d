//! Damaged captures: what each read costs.

use crosstalk_core::Side;
use crosstalk_networks::NETWORKS;

use crate::common::oracles::{memory_allowed, work_allowed};
use crate::common::{Gateway, Random, Shared, damage, worlds};
use crate::counter::cost;

/// Number of times that each network's captures are damaged.
const MUTATIONS: usize = 200;

#[test]
fn no_read_of_a_damaged_stream_costs_more_than_it_is_worth() {
    for network in NETWORKS {
        let worlds: Vec<_> =
            worlds().into_iter().filter(|(n, _)| n.name() == network.name()).collect();
        let mut random = Random(5222);
        for _ in 0..MUTATIONS {
            let (_, world) = &worlds[random.below(worlds.len())];
            let capture = &world[random.below(world.len())];
            let damaged = [Side::Client, Side::Server][random.below(2)];
            let shared = Shared::default();
            let roster = damage::roster(*network);
            let mut came = 0;
            let (whole, ()) = cost(|| {
                let mut gateway = Gateway::new(*network, &shared, roster);
                for (side, read) in &capture.reads {
                    let mut read = read.clone();
                    if *side == damaged && random.below(3) == 0 {
                        let spare = &capture.reads[random.below(capture.reads.len())].1;
                        damage::mutate(&mut read, spare, "bob@far-oscar.xt", &mut random);
                    }
                    came += read.len();
                    let waited = gateway.pending(*side).len();
                    let before = crate::counter::so_far();
                    let result = gateway.bytes(*side, &read);
                    let asked = crate::counter::so_far().bytes - before.bytes;
                    let allowed = work_allowed(waited + read.len());
                    assert!(asked <= allowed, "{}: {asked} for {}", capture.name, read.len());
                    if result.is_err() {
                        break;
                    }
                }
            });
            // What the test itself notes is counted too.
            let held = whole.peak();
            assert!(held <= memory_allowed(2 * came), "{}: {held} for {came}", capture.name);
        }
    }
}
