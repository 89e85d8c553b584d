//! `crosstalk id`: what other gateways' configurations need to know of this one.

use std::process::ExitCode;

use crosstalk_core::HostPort;
use crosstalk_gateway::config::{Config, Mesh};
use crosstalk_overlay::{GatewayId, Overlay};

use crate::cli::Place;
use crate::complaint::Complaint;

pub(crate) fn run(place: &Place) -> Result<ExitCode, Complaint> {
    let config = place.draft()?;
    let id = Overlay::identify(&config.data).map_err(|e| Complaint::failed("no id", e))?;
    println!("{}", member(&config, &id));
    Ok(ExitCode::SUCCESS)
}

/// The lines to paste. What this gateway cannot know is left for a person to fill in.
fn member(config: &Config, id: &GatewayId) -> String {
    let addresses: Vec<_> =
        config.mesh.iter().flat_map(addresses).map(|a| format!("\"{a}\"")).collect();
    let hint = if addresses.is_empty() {
        "  # where the others can reach this gateway, such as \"gateway.example.org:7700\""
    } else {
        ""
    };
    let networks: Vec<_> = config.networks.keys().map(|n| format!("\"{n}\"")).collect();
    format!(
        "# For the configuration of the other gateways\n\
         [[mesh.member]]\n\
         id = \"{id}\"\n\
         addresses = [{}]{hint}\n\
         networks = [{}]  # those it may speak for: leave out what it does not serve",
        addresses.join(", "),
        networks.join(", ")
    )
}

/// Where others can reach it, as far as the configuration says.
fn addresses(mesh: &Mesh) -> Vec<HostPort> {
    if !mesh.advertise.is_empty() {
        return mesh.advertise.clone();
    }
    let known = mesh.listen.iter().filter(|l| !l.ip().is_unspecified());
    known.map(|l| HostPort::new(l.ip().to_string(), l.port())).collect()
}
