//! The `crosstalk` command.

mod advice;
mod api;
mod ca;
mod cli;
mod cli_error;
#[cfg(feature = "demo")]
mod demo;
mod gateway;
mod instance;
mod invite;
mod log;
mod mesh;
mod open_files;
mod places;
mod signals;
mod start;
mod welcome;
mod wipe;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command, Instance};
use cli_error::CliError;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let done = match &command {
        Command::Gateway(args) => gateway::run(args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(args),
        Command::Ca(args) => ca::run(args),
        Command::Mesh(mesh) => mesh::run(mesh),
        Command::Wipe(args) => wipe::run(args),
        Command::Api(args) => api::run(args),
        Command::Places(args) => places::run(args),
        Command::Id(args) => mesh::id::run(args),
    };
    done.unwrap_or_else(|error| {
        let arguments = command.instance().map(Instance::arguments).unwrap_or_default();
        eprintln!("crosstalk: {}", error.about(&arguments));
        error.exit_code()
    })
}

/// Executor of the commands' tasks.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Runtime::new().map_err(|e| CliError::failed("threads", e))
}

/// An answer for programs.
fn json(answer: &impl serde::Serialize) -> String {
    // What is answered has strings for keys, and so cannot fail.
    serde_json::to_string_pretty(answer).unwrap_or_default()
}
