//! Everybody of a gateway signs on at once, as after its restart.

use std::time::{Duration, Instant};

use crosstalk_core::Address;
use crosstalk_overlay::Inbound;
use tokio::time::timeout;

use crate::memory::cpu;
use crate::mesh::{self, user};

const USERS: usize = 100_000;
const GATEWAYS: usize = 20;

/// Times it from the first sign-on to the last arrival at the gateway that watches them all.
pub(crate) async fn run() {
    let mut gateways = mesh::start(GATEWAYS).await;
    let users: Vec<Address> = (0..USERS).map(user).collect();
    let mut watcher = gateways.remove(0);
    for some in users.chunks(1000) {
        watcher.overlay.watch(some).await;
    }
    let first = gateways.remove(0).restart().await;
    first.linked(GATEWAYS - 1).await;
    let (start, before) = (Instant::now(), cpu());
    let publish = async {
        for user in &users {
            first.overlay.sign_on(user).await;
        }
        start.elapsed()
    };
    let arrive = async {
        let mut arrived = 0;
        while arrived < USERS {
            let event = timeout(Duration::from_mins(2), watcher.inbound.recv()).await;
            arrived += usize::from(matches!(event.unwrap(), Some(Inbound::Arrived { .. })));
        }
        start.elapsed()
    };
    let (published, arrived) = tokio::join!(publish, arrive);
    let spent = cpu().checked_sub(before).unwrap();
    println!("| {USERS} people sign on at one of {GATEWAYS} gateways after its restart | |");
    println!("|---|---|");
    println!("| published | {:.2} s |", published.as_secs_f64());
    println!(
        "| all seen by another gateway that watches all of them | {:.2} s |",
        arrived.as_secs_f64()
    );
    println!(
        "| CPU a person, all gateways together | {:.1} us |",
        spent.as_secs_f64() * 1e6 / USERS as f64
    );
    gateways.extend([watcher, first]);
    mesh::stop(gateways).await;
}
