//! What people and links cost in memory.

use std::time::Duration;

use crosstalk_core::Address;

use crate::mesh::{self, user};

const USERS: usize = 100_000;
const FEW: usize = 5;
const MANY: usize = 40;

/// Measures the growth of this process.
pub(crate) async fn run() {
    println!("| memory | bytes |\n|---|---|");
    let lone = resident();
    let gateways = mesh::start(FEW).await;
    let few = resident();
    mesh::stop(gateways).await;
    let base = resident();
    let gateways = mesh::start(MANY).await;
    let many = resident();
    mesh::stop(gateways).await;
    // A gateway costs something by itself: two sizes tell that from what its links cost.
    let ends = |n: usize| (n * (n - 1)) as f64;
    let (few, many) = (few.saturating_sub(lone) as f64, many.saturating_sub(base) as f64);
    let end = (many / MANY as f64 - few / FEW as f64)
        / (ends(MANY) / MANY as f64 - ends(FEW) / FEW as f64);
    println!("| an end of a link | {end:.0} |");

    let gateways = mesh::start(3).await;
    let before = resident();
    let users: Vec<Address> = (0..USERS).map(user).collect();
    let names = resident() - before;
    for user in &users {
        gateways[0].overlay.sign_on(user).await;
    }
    let last = users.last().unwrap();
    while gateways[1].overlay.locate(last).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let grown = resident().saturating_sub(before + names);
    println!(
        "| a person signed on, at the own gateway and three homes together | {} |",
        grown / USERS
    );
    mesh::stop(gateways).await;
}

/// The proportional set size of this process, in bytes.
fn resident() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Pss:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// The CPU time that this process has used.
pub(crate) fn cpu() -> Duration {
    // Fields 14 and 15 of proc(5)'s stat, in ticks of which Linux has 100 a second; the second
    // field may hold blanks but ends with the last parenthesis.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}
