//! Costs of passing through what is not interpreted: CrossTalk, and beside it `HAProxy`, microsocks
//! and a copy between two streams of tokio's, in turns in one run.
//!
//! `bench-pass [--rounds N] [--crosstalk PROGRAM]`.

#![allow(clippy::unwrap_used, reason = "a benchmark that fails has nothing to save")]
#![allow(clippy::cast_precision_loss, reason = "figures are small")]

mod load;
mod proxies;
mod servers;

use std::path::PathBuf;

use load::FIGURES;
use proxies::Proxy;
use tempfile::TempDir;
use tokio::task::LocalSet;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [part, doors @ .., echo, bulk] = arguments.as_slice()
        && let [to_echo, to_bulk] = doors
        && part == "copy"
    {
        let [to_echo, to_bulk, echo, bulk] =
            [to_echo, to_bulk, echo, bulk].map(|at| at.parse().unwrap());
        return servers::copy([(to_echo, echo), (to_bulk, bulk)]);
    }
    if let [part, echo, bulk] = arguments.as_slice()
        && part == "serve"
    {
        return servers::serve(echo.parse().unwrap(), bulk.parse().unwrap());
    }
    let mut rounds = 5;
    let mut crosstalk = vec![std::env::current_exe().unwrap().with_file_name("crosstalk")];
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--rounds" => rounds = value.parse().unwrap(),
            // More than one may be compared.
            [name, value] if name == "--crosstalk" => {
                crosstalk = value.split(',').map(PathBuf::from).collect();
            }
            other => {
                eprintln!("bench-pass: {other:?} is no option; bench/pass/README.md has them");
                std::process::exit(2);
            }
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, run(rounds, &crosstalk));
}

async fn run(rounds: usize, crosstalk: &[PathBuf]) {
    let home = TempDir::new().unwrap();
    let (_server, proxies) = proxies::start(home.path(), crosstalk);
    let mut all: Vec<Vec<[f64; FIGURES.len()]>> = vec![Vec::new(); proxies.len()];
    for round in 0..=rounds {
        eprintln!("round {round} of {rounds}");
        for (proxy, figures) in proxies.iter().zip(&mut all) {
            let of_round = load::round(proxy).await;
            // The first warms up.
            if round > 0 {
                figures.push(of_round);
            }
        }
    }
    print(&proxies, &all);
}

/// Prints the medians, and the ratios of the first to each other one, with their spread.
fn print(proxies: &[Proxy], all: &[Vec<[f64; FIGURES.len()]>]) {
    println!("| medians | {} |\n|{}", FIGURES.join(" | "), "---|".repeat(FIGURES.len() + 1));
    for (proxy, figures) in proxies.iter().zip(all) {
        let cell = |n: usize| format!("{:.4}", median(figures.iter().map(|f| f[n]).collect()));
        let cells: Vec<_> = (0..FIGURES.len()).map(cell).collect();
        println!("| {} | {} |", proxy.name, cells.join(" | "));
    }
    let Some((own, others)) = all.split_first() else { return };
    println!("\n| {} to | {} |", proxies[0].name, FIGURES.join(" | "));
    println!("|{}", "---|".repeat(FIGURES.len() + 1));
    for (proxy, other) in proxies[1..].iter().zip(others) {
        let cell = |n: usize| {
            // Of slices that followed each other.
            let ratios = own.iter().zip(other).map(|(own, other)| own[n] / other[n]);
            let mut ratios: Vec<_> = ratios.collect();
            ratios.sort_unstable_by(f64::total_cmp);
            let (least, most) = (ratios.first().unwrap(), ratios.last().unwrap());
            format!("{:.2} ({least:.2} to {most:.2})", median(ratios.clone()))
        };
        let cells: Vec<_> = (0..FIGURES.len()).map(cell).collect();
        println!("| {} | {} |", proxy.name, cells.join(" | "));
    }
}

/// The middle of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
