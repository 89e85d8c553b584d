//! Costs of the network between gateways, on loopback and in one process: the directory at several
//! sizes, a bulk sign-on, a pair of gateways beside TCP with rustls, and memory.
//!
//! `bench-mesh [memory|directory|bulk|pair]...`; without arguments, all of them.

#![allow(clippy::unwrap_used, reason = "a benchmark that fails has nothing to save")]
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "figures are small")]

mod bulk;
mod directory;
mod memory;
mod mesh;
mod pair;
mod plain;
mod shared;
mod stats;

/// Memory first: later parts would leave the allocator with room that it gives again.
const PARTS: [&str; 4] = ["memory", "directory", "bulk", "pair"];

#[tokio::main]
async fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = asked.iter().find(|part| !PARTS.contains(&part.as_str())) {
        eprintln!("bench-mesh: no part is called {unknown}. There are: {}", PARTS.join(", "));
        std::process::exit(2);
    }
    for part in PARTS {
        if !asked.is_empty() && !asked.iter().any(|a| a == part) {
            continue;
        }
        eprintln!("{part} ...");
        match part {
            "directory" => directory::run().await,
            "bulk" => bulk::run().await,
            "pair" => pair::run().await,
            _ => memory::run().await,
        }
        println!();
    }
}
