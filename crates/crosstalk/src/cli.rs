//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use crosstalk_core::{HostPort, NetworkId};
use crosstalk_gateway::config::HostPattern;
use crosstalk_overlay::{Day, GatewayId, parse_address};

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
    /// Connect gateways of different people
    #[command(subcommand)]
    Mesh(Mesh),
    /// Forget everything that is stored of somebody, here and in the mesh
    Wipe(Wipe),
    /// The same as `mesh id`
    #[command(hide = true)]
    Id(MeshId),
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
    /// How many messages of each to each the latency is measured with
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
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

#[derive(Args)]
pub(crate) struct Wipe {
    /// Who: a name and its network, such as alice@aol or dave@example.org@jabber
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// The people who run gateways that work together agree on one operator. The operator's gateway
/// begins the mesh with `init` and lets others in with `admit`; they take part with `join`.
#[derive(Subcommand)]
pub(crate) enum Mesh {
    /// Begin a mesh, with this gateway as its operator's
    Init(MeshId),
    /// Show what the operator of a mesh has to know to admit this gateway
    Id(MeshId),
    /// Admit a gateway, or change what is known of it. For the operator
    Admit(Admit),
    /// Let a gateway take part no longer. For the operator
    Revoke(Revoke),
    /// Take part in the mesh of whom this gateway got a membership file
    Join(Join),
    /// Take part no longer
    Leave(Place),
    /// Show the members, and how the running gateway gets on with them
    Status(Place),
}

#[derive(Args)]
pub(crate) struct MeshId {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Where other gateways can reach this one; can be given again. Without, it only calls others
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    pub(crate) at: Vec<HostPort>,
}

#[derive(Args)]
pub(crate) struct Admit {
    /// The gateway's id, as `crosstalk mesh id` says it there
    pub(crate) id: GatewayId,
    /// Where it can be reached; can be given again
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    pub(crate) at: Vec<HostPort>,
    /// The networks whose people it may speak for, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    pub(crate) networks: Vec<NetworkId>,
    /// The last day on which it is a member, such as 2030-12-31
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<Day>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// The gateway's id
    pub(crate) id: GatewayId,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args)]
pub(crate) struct Join {
    /// The membership file that the operator sent; - reads it from the input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) place: Place,
}
