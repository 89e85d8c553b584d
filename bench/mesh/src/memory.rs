//! Memory of people and links.

use std::time::Duration;

use crosstalk_core::Address;

use crate::mesh::{self, user};

const USERS: usize = 100_000;
const FEW: usize = 4;
const MANY: usize = 40;

/// Measures the growth of this process.
pub(crate) async fn run() {
    println!("| memory | bytes |\n|---|---|");
    // What a process allocates once is not counted. Both stay up, since what ends is given to
    // the next.
    let few = mesh::start(FEW).await;
    let start = resident();
    let many = mesh::start(MANY).await;
    let each = (resident() - start) / MANY;
    println!("| a gateway with {} links | {each} |", MANY - 1);
    println!("| a link of it, the gateway itself included | {} |", each / (MANY - 1));

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
    for gateways in [gateways, few, many] {
        mesh::stop(gateways).await;
    }
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
