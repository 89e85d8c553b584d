//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use crosstalk_api::Scope;
use crosstalk_core::{HostPort, NetworkId};
use crosstalk_gateway::config::HostPattern;
use crosstalk_overlay::{Day, GatewayId, parse_address};

#[cfg(feature = "demo")]
const START_HERE: &str = "\
Begin with `crosstalk demo`. Then `crosstalk gateway` runs a gateway for this machine, and says
what to enter in a client.";
#[cfg(not(feature = "demo"))]
const START_HERE: &str = "\
`crosstalk gateway` runs a gateway for this machine, and says what to enter in a client.";

/// Connects people on different instant messaging networks, each with the client they have
#[derive(Parser)]
#[command(name = "crosstalk", version, after_help = START_HERE)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a gateway; without a configuration, one for the people on this machine
    Gateway(Gateway),
    /// Show two gateways, four networks and eight people talking, all on this machine
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Manage the private CA, for connections whose encryption ends at the gateway
    Ca(Ca),
    /// Work together with gateways of other people
    #[command(subcommand)]
    Mesh(Mesh),
    /// Forget everything that is stored about somebody, here and in the mesh
    Wipe(Wipe),
    /// Let programs in, by the API, and people who have only a browser
    #[command(subcommand)]
    Api(Api),
    /// Get databases of where addresses are, for /location
    #[command(subcommand)]
    Places(Places),
    /// The same as `mesh id`
    #[command(hide = true)]
    Id(MeshId),
}

/// Which gateway is meant.
#[derive(Args)]
pub(crate) struct Instance {
    /// Configuration file; docs/configuration.md explains every key
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Directory for keys, buddy lists and waiting messages, unless the configuration names one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Gateway {
    #[command(flatten)]
    pub(crate) instance: Instance,
    /// Check the configuration and the files it names, and exit
    #[arg(long)]
    pub(crate) check: bool,
    /// Where the proxy listens, such as 127.0.0.1:1080; wins over the configuration
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) proxy: Option<SocketAddr>,
    /// End the encryption of this host here, with a certificate of the private CA; may be repeated
    #[arg(long, value_name = "HOST", value_parser = HostPattern::from_str)]
    pub(crate) terminate: Vec<HostPattern>,
    /// What to log: error, warn, info, debug or trace; wins over the configuration
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

#[cfg(feature = "demo")]
#[derive(Args)]
pub(crate) struct Demo {
    /// Keep everything running afterwards, and say how to join with a client of your own
    #[arg(long)]
    pub(crate) stay: bool,
    /// How many messages each sends to each when latency is measured
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub(crate) messages: usize,
    /// Log what the gateways do: error, warn, info, debug or trace
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
    /// Make the CA's key and certificate; never replaces one
    Init(Instance),
    /// Print the CA's certificate, for clients to import
    Export(Instance),
}

#[derive(Args)]
pub(crate) struct Wipe {
    /// The name with its network, such as alice@aol or dave@example.org@jabber
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) answer: Answer,
    #[command(flatten)]
    pub(crate) instance: Instance,
}

/// The form of what a command says.
#[derive(Args)]
pub(crate) struct Answer {
    /// Answer in JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Api {
    /// Make, list and revoke the tokens by which programs are known
    #[command(subcommand)]
    Token(Token),
    /// Invite somebody who has only a browser to the chat page, and print the link: it works once
    Invite(Invite),
}

#[derive(Args)]
pub(crate) struct Invite {
    /// The name that the person gets, such as ann; it becomes ann@web. One who has it already chooses a
    /// new password
    pub(crate) name: String,
    /// For how long the link works, in hours
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=168))]
    pub(crate) hours: u64,
    #[command(flatten)]
    pub(crate) answer: Answer,
    #[command(flatten)]
    pub(crate) instance: Instance,
}

#[derive(Subcommand)]
pub(crate) enum Token {
    /// Make a token for an application, and print it: it is shown this once
    Make(TokenMake),
    /// List the tokens, without their secrets
    List(TokenList),
    /// Revoke a token, so that nobody can use it any more
    Revoke(TokenRevoke),
}

#[derive(Args)]
pub(crate) struct TokenMake {
    /// The name of the application, such as weather; with its network for a person, such as ann@web
    pub(crate) name: String,
    /// What the token is for, separated by commas; all but `operator` unless this is given
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', value_parser = Scope::from_str)]
    pub(crate) scopes: Vec<Scope>,
    #[command(flatten)]
    pub(crate) answer: Answer,
    #[command(flatten)]
    pub(crate) instance: Instance,
}

#[derive(Args)]
pub(crate) struct TokenList {
    #[command(flatten)]
    pub(crate) answer: Answer,
    #[command(flatten)]
    pub(crate) instance: Instance,
}

#[derive(Args)]
pub(crate) struct TokenRevoke {
    /// The token's id, as `crosstalk api token list` prints it
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) answer: Answer,
    #[command(flatten)]
    pub(crate) instance: Instance,
}

#[derive(Subcommand)]
pub(crate) enum Places {
    /// Fetch DB-IP's free databases of cities with npm, in place of those that were fetched before
    Fetch(Instance),
    /// Print what /location tells of addresses
    Ask(PlacesAsk),
}

#[derive(Args)]
pub(crate) struct PlacesAsk {
    /// The addresses, such as 8.8.8.8
    #[arg(required = true, value_name = "IP")]
    pub(crate) addresses: Vec<IpAddr>,
    #[command(flatten)]
    pub(crate) instance: Instance,
}

/// A mesh is a group of gateways with one operator, who signs the list of its members. The operator
/// begins it with `init` and lets others in with `admit`; those ask with `id` and enter with `join`.
#[derive(Subcommand)]
pub(crate) enum Mesh {
    /// Begin a mesh as its operator, with this gateway as its first member
    Init(MeshId),
    /// Print what the operator of a mesh needs to admit this gateway
    Id(MeshId),
    /// For the operator: admit a gateway or change its entry, and print the new membership file
    Admit(Admit),
    /// For the operator: take a gateway out
    Revoke(Revoke),
    /// Enter the mesh whose operator sent a membership file
    Join(Join),
    /// Leave the mesh
    Leave(Instance),
    /// Show how many people are on, the members, and the links to them
    Status(MeshStatus),
}

#[derive(Args)]
pub(crate) struct MeshStatus {
    #[command(flatten)]
    pub(crate) answer: Answer,
    #[command(flatten)]
    pub(crate) instance: Instance,
}

#[derive(Args)]
pub(crate) struct MeshId {
    #[command(flatten)]
    pub(crate) instance: Instance,
    /// Where other gateways can reach this one; may be repeated. Without it, this one only calls others
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    pub(crate) at: Vec<HostPort>,
}

#[derive(Args)]
pub(crate) struct Admit {
    /// The gateway's id, as `crosstalk mesh id` prints it there
    pub(crate) id: GatewayId,
    /// Where it can be reached; may be repeated
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    pub(crate) at: Vec<HostPort>,
    /// The networks whose people it may speak for, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    pub(crate) networks: Vec<NetworkId>,
    /// The last day on which it is a member, such as 2030-12-31
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<Day>,
    #[command(flatten)]
    pub(crate) instance: Instance,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// The gateway's id
    pub(crate) id: GatewayId,
    #[command(flatten)]
    pub(crate) instance: Instance,
}

#[derive(Args)]
pub(crate) struct Join {
    /// The membership file that the operator sent, or - for standard input
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) instance: Instance,
}
