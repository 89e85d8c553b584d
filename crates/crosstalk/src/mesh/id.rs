//! `crosstalk mesh id`: what others have to know of this gateway to let it take part.

use std::process::ExitCode;

use crosstalk_core::HostPort;
use crosstalk_gateway::config::{Config, Mesh};
use crosstalk_overlay::{GatewayId, Overlay};

use crate::cli::MeshId;
use crate::cli_error::CliError;

pub(crate) fn run(args: &MeshId) -> Result<ExitCode, CliError> {
    let config = args.instance.draft()?;
    let id = Overlay::identify(&config.data).map_err(|e| CliError::failed("no id", e))?;
    println!("{}", told(&config, &id, &addresses(&config, &args.at), &args.instance.arguments()));
    Ok(ExitCode::SUCCESS)
}

/// The lines to send. All of it is TOML, so that it can be pasted as it is.
fn told(config: &Config, id: &GatewayId, addresses: &[HostPort], instance: &str) -> String {
    let at: Vec<_> = addresses.iter().map(|a| format!(" --at {a}")).collect();
    let at = at.concat();
    let networks: Vec<_> = config.speaks_for().iter().map(ToString::to_string).collect();
    let quoted = |items: Vec<String>| {
        items.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(", ")
    };
    let nowhere = if addresses.is_empty() {
        format!(
            "# Without an address this gateway only calls others. If they can reach it, say where:\n\
             #   crosstalk mesh id{instance} --at gateway.example.org:7700\n"
        )
    } else {
        String::new()
    };
    format!(
        "{nowhere}# For the operator of a mesh, to let this gateway take part:\n\
         #   crosstalk mesh admit {id}{at} --networks {} > mesh.toml\n\
         # For meshes without an operator, in the configurations of the others:\n\
         [[mesh.member]]\n\
         id = \"{id}\"\n\
         addresses = [{}]\n\
         networks = [{}]  # those it may speak for: leave out what it does not serve",
        networks.join(","),
        quoted(addresses.iter().map(ToString::to_string).collect()),
        quoted(networks)
    )
}

/// Addresses at which others can reach this gateway, as far as the command line or the
/// configuration tells.
pub(super) fn addresses(config: &Config, said: &[HostPort]) -> Vec<HostPort> {
    if said.is_empty() { config.mesh.iter().flat_map(configured).collect() } else { said.to_vec() }
}

fn configured(mesh: &Mesh) -> Vec<HostPort> {
    if !mesh.advertise.is_empty() {
        return mesh.advertise.clone();
    }
    let known = mesh.listen.iter().filter(|l| !l.ip().is_unspecified());
    known.map(|l| HostPort::new(l.ip().to_string(), l.port())).collect()
}
