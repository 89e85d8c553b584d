//! Costs of a message between two people: through two gateways, and beside them through one XMPP
//! server, through `BitlBee`, and through programs that do nothing but forward.
//!
//! All are there at once and take turns in one run, so that what else the machine does hits them
//! alike.
//!
//! `bench-cross [--rounds N] [--conversations N] [--crosstalk PROGRAM]`.

#![allow(clippy::unwrap_used, reason = "a benchmark that fails has nothing to save")]
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "figures are small")]

mod endpoint;
mod floor;
mod measure;
mod peers;
mod person;
mod table;

use std::path::PathBuf;

use bench_processes::process::Running;
use endpoint::{Conversation, Endpoint};
use measure::{at_most, at_pace};
use table::Row;
use tempfile::TempDir;
use tokio::task::LocalSet;

/// Texts of a slice: at 20 and at 200 a second, in one conversation and in all.
const SLOW: u64 = 30;
const QUICK: u64 = 300;
const MOST: u64 = 6_000;
/// Users of `BitlBee`, each with an account to sign on.
const FEW_OF_BITLBEE: usize = 20;

struct Options {
    rounds: usize,
    conversations: usize,
    crosstalk: PathBuf,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [part, listen, link] = arguments.as_slice()
        && let Some(part) = part.strip_prefix("floor-")
    {
        let (listen, link) = (listen.parse().unwrap(), link.parse().unwrap());
        return if part == "near" { floor::near(listen, link) } else { floor::far(listen, link) };
    }
    let options = options(&arguments);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, run(&options));
}

fn options(arguments: &[String]) -> Options {
    let beside = std::env::current_exe().unwrap().with_file_name("crosstalk");
    let mut options = Options { rounds: 5, conversations: 200, crosstalk: beside };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--rounds" => options.rounds = value.parse().unwrap(),
            [name, value] if name == "--conversations" => {
                options.conversations = value.parse().unwrap();
            }
            [name, value] if name == "--crosstalk" => options.crosstalk = value.into(),
            other => {
                eprintln!("bench-cross: {other:?} is no option; bench/cross/README.md has them");
                std::process::exit(2);
            }
        }
    }
    options
}

async fn run(options: &Options) {
    let home = TempDir::new().unwrap();
    let (_server, mut endpoints) = endpoints(options, &home).await;
    let mut rows: Vec<_> = endpoints.iter().map(|endpoint| Row::new(endpoint.name)).collect();
    for round in 0..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        let mut slices = Vec::new();
        for endpoint in &mut endpoints {
            let slow = at_pace(endpoint, 20, SLOW).await;
            let quick = at_pace(endpoint, 200, QUICK).await;
            let one = at_most(endpoint, false, MOST).await;
            slices.push([slow, quick, one, at_most(endpoint, true, MOST * 2).await]);
        }
        // The first warms up.
        if round > 0 {
            rows.iter_mut().zip(slices).for_each(|(row, slices)| row.add(slices));
        }
    }
    table::print(&rows);
}

/// Starts everything.
async fn endpoints(options: &Options, home: &TempDir) -> (Running, Vec<Endpoint>) {
    let at = home.path();
    let count = options.conversations;
    let names = ["ann", "bob", "amy", "ben", "ian", "ivy", "kian", "kivy"];
    let users = names.iter().flat_map(|name| (0..count).map(move |n| format!("{name}{n}")));
    let (server, port) = peers::prosody(at, &users.collect::<Vec<_>>());

    let (processes, doors) = peers::floor(at);
    let mut talks = Vec::new();
    for _ in 0..count {
        talks.push(Conversation::raw(doors).await);
    }
    let ids = processes.iter().map(Running::id).collect();
    let mut all = vec![Endpoint::new("floor", talks, ids, processes)];

    let mut talks = Vec::new();
    for n in 0..count {
        talks.push(Conversation::same(port, n).await);
    }
    all.push(Endpoint::new("Prosody, within it", talks, vec![server.id()], []));

    // As many as it signs on in a reasonable time.
    let few = count.min(FEW_OF_BITLBEE);
    for (name, back) in [("BitlBee, IRC to XMPP", false), ("BitlBee, XMPP to IRC", true)] {
        let (process, door) = peers::bitlbee(at, if back { "back" } else { "forth" });
        let mut talks = Vec::new();
        for n in 0..few {
            let user = format!("{}{n}", if back { "ivy" } else { "ian" });
            talks.push(Conversation::bitlbee(door, port, &user, back).await);
        }
        all.push(Endpoint::new(name, talks, vec![process.id()], [process]));
    }

    let (processes, doors) = peers::gateways(&options.crosstalk, at, port);
    let mut talks = Vec::new();
    for n in 0..count {
        talks.push(Conversation::across(doors, n).await);
    }
    let ids = processes.iter().map(Running::id).collect();
    all.push(Endpoint::new("CrossTalk, two gateways", talks, ids, processes));
    (server, all)
}
