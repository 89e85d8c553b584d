//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use crosstalk_gateway::config::HostPattern;

/// A gateway between instant messaging networks, for clients that know nothing of it.
#[derive(Parser)]
#[command(name = "crosstalk", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a gateway. Without a configuration, a lone one for the people on this machine
    Gateway(Gateway),
    /// Show two gateways, two networks and four people talking, all on this machine
    Demo(Demo),
    /// Make or show the private CA that certificates for terminated TLS come from
    Ca(Ca),
    /// Show this gateway's id, and the lines that other gateways' configurations need
    Id(Place),
}

/// Which gateway is meant.
#[derive(Args)]
pub(crate) struct Place {
    /// The configuration, a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where state is kept, unless the configuration says
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Gateway {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Only check the configuration
    #[arg(long)]
    pub(crate) check: bool,
    /// Where the proxy listens, instead of where the configuration says
    #[arg(long, value_name = "ADDR")]
    pub(crate) proxy: Option<SocketAddr>,
    /// Let TLS of this host end here, with a certificate of the private CA; can be given again
    #[arg(long, value_name = "HOST", value_parser = HostPattern::from_str)]
    pub(crate) terminate: Vec<HostPattern>,
    /// What is logged: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

#[derive(Args)]
pub(crate) struct Demo {
    /// Keep everything up afterwards, and say how to join with a client of your own
    #[arg(long)]
    pub(crate) stay: bool,
    /// How many messages each direction's latency is measured with
    #[arg(long, value_name = "COUNT", default_value_t = 30)]
    pub(crate) messages: usize,
    /// Also log what the gateways do: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

#[derive(Args)]
pub(crate) struct Ca {
    #[command(subcommand)]
    pub(crate) what: CaCommand,
}

#[derive(Subcommand)]
pub(crate) enum CaCommand {
    /// Make the CA's key and certificate. One that is there is kept
    Init(Place),
    /// Print the CA's certificate, for clients to trust
    Export(Place),
}
