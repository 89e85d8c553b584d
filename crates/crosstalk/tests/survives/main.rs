#![allow(clippy::unwrap_used)]
#![cfg(unix)]
//! Gateways that are killed, and disks that fill: nothing that was accepted is lost.

mod mesh;
mod people;
mod versions;

#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod full;

use std::io::Write as _;
use std::time::{Duration, Instant};

use mesh::Mesh;
use people::{JABBER, People, ROAMING};
use tokio::time::sleep;

const PATIENCE: Duration = Duration::from_mins(1);
/// Shortest time for which a gateway stays dead.
const AWAY: Duration = Duration::from_secs(3);
/// Number of texts that each person gets from each friend between two faults.
const SOME: usize = 6;

/// Also where tests are quiet.
fn print(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

async fn wait_until(mesh: &Mesh, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}\n{}", mesh.logs());
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until everybody has heard some more of all their friends.
async fn go_on_talking(mesh: &Mesh, people: &People, when: &str) {
    let before = people.audit().heard();
    let more = || {
        let heard = people.audit().heard();
        heard.len() == 4 * ROAMING.len()
            && heard.iter().enumerate().all(|(n, h)| *h >= before.get(n).unwrap_or(&0) + SOME)
    };
    wait_until(mesh, &format!("everybody hears everybody {when}"), more).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_survives_the_kill_of_each_gateway() {
    let everybody: Vec<_> = ROAMING.into_iter().chain(JABBER).collect();
    let mut mesh = Mesh::start(ROAMING.len(), &everybody).await;
    let people = People::sign_on(&mesh);
    wait_until(&mesh, "friends", || people.met() == 2 * ROAMING.len()).await;
    people.talk(true);
    go_on_talking(&mesh, &people, "at first").await;
    for gateway in 0..ROAMING.len() {
        let next = (gateway + 1) % ROAMING.len();
        for victim in [gateway, next] {
            let killed = mesh.kill(victim);
            people.audit().kill(killed);
            // Some people talk on from elsewhere, to Jabber people who are away. The second one
            // dies with what it keeps for those.
            sleep(AWAY).await;
        }
        mesh.run(gateway);
        mesh.run(next);
        go_on_talking(&mesh, &people, &format!("after the kill of gateway {gateway}")).await;
    }
    people.talk(false);
    let begun = Instant::now();
    while !people.audit().unsettled().is_empty() {
        let open = people.audit().unsettled();
        assert!(begun.elapsed() < PATIENCE, "{open:?}\n{}", mesh.logs());
        sleep(Duration::from_millis(20)).await;
    }
    let counts = people.audit().check();
    assert_eq!(counts.said_again, 0, "these clients do not do so");
    print(&counts.to_string());
}
