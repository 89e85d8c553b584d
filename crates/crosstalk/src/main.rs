//! The `crosstalk` command.

mod ca;
mod cli;
mod complaint;
mod demo;
mod door;
mod gateway;
mod log;
mod mesh;
mod open_files;
mod place;
mod signals;
mod start;
mod welcome;
mod wipe;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use complaint::Complaint;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Gateway(args) => gateway::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Ca(args) => ca::run(&args),
        Command::Mesh(mesh) => mesh::run(&mesh),
        Command::Wipe(args) => wipe::run(&args),
        Command::Id(args) => mesh::id::run(&args),
    };
    done.unwrap_or_else(|complaint| {
        eprintln!("crosstalk: {complaint}");
        complaint.exit_code()
    })
}

/// What the commands' tasks run on.
fn runtime() -> Result<tokio::runtime::Runtime, Complaint> {
    tokio::runtime::Runtime::new().map_err(|e| Complaint::failed("threads", e))
}
