//! Putting a gateway together.

use std::sync::Arc;
use std::time::Duration;

use crosstalk_gateway::Gateway;
use crosstalk_gateway::config::{Config, Mesh};
use crosstalk_gateway::router::{Options, Router};
use crosstalk_overlay::{Member, Overlay};

use crate::complaint::Complaint;

/// A running gateway and its part of the network between gateways.
pub(crate) struct Started {
    /// What it was started with, any port 0 replaced by the one that was found.
    pub(crate) config: Config,
    pub(crate) gateway: Gateway,
    pub(crate) overlay: Overlay,
    router: Router,
}

/// How long people's last words and lists may take to get out at the end.
const DRAIN: Duration = Duration::from_secs(3);

/// Starts what `config` describes.
pub(crate) fn start(mut config: Config) -> Result<Started, Complaint> {
    let joined = match &config.mesh {
        None => Overlay::alone(&config.data),
        Some(mesh) => Overlay::join(&part(&config, mesh), &config.data),
    };
    let broken = |e: &dyn std::fmt::Display| Complaint::failed("the gateway cannot start", e);
    let (overlay, inbound) = joined.map_err(|e| broken(&e))?;
    let options = Options { control: config.control };
    let router = Router::new(overlay.clone(), inbound, Arc::new(config.names()), options);
    let gateway = Gateway::start(config.clone(), router.clone()).map_err(|e| broken(&e))?;
    fill_in_ports(&mut config, &gateway);
    Ok(Started { config, gateway, overlay, router })
}

fn fill_in_ports(config: &mut Config, gateway: &Gateway) {
    let proxies = config.proxies.iter_mut().map(|p| &mut p.listen).zip(&gateway.proxies);
    proxies.for_each(|(listen, bound)| *listen = *bound);
    let direct = config.networks.values_mut().flat_map(|n| &mut n.direct).zip(&gateway.direct);
    direct.for_each(|(direct, (_, bound))| direct.listen = *bound);
}

impl Started {
    /// Lets the sessions end, as long as the configuration gives them, and writes what is unwritten.
    pub(crate) async fn shutdown(self) {
        self.gateway.shutdown().await;
        if tokio::time::timeout(DRAIN, self.router.drained()).await.is_err() {
            tracing::warn!("this gateway: some lists may not be saved");
        }
        self.overlay.shutdown().await;
    }
}

/// The part that this gateway has in the mesh.
fn part(config: &Config, mesh: &Mesh) -> crosstalk_overlay::Config {
    let member = |m: &crosstalk_gateway::config::Member| Member {
        id: m.id,
        addresses: m.addresses.clone(),
        networks: m.networks.clone(),
    };
    crosstalk_overlay::Config {
        listen: mesh.listen.clone(),
        advertise: mesh.advertise.clone(),
        networks: config.networks.keys().cloned().collect(),
        members: mesh.members.iter().map(member).collect(),
    }
}
