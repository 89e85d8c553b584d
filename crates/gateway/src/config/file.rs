//! Fields of the TOML file, and their conversion into a [`Config`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crosstalk_core::{Defaults, GATEWAY_NETWORK, HostPort, NetworkId, OWN_NETWORKS};
use crosstalk_networks::NETWORKS;
use serde::Deserialize;

use super::allow::HostPattern;
use super::network::{Direct, NetworkConfig};
use super::report::Problem;
use super::{
    Api, Config, DEFAULT_PROXY, DEFAULT_SUFFIX, Limits, Mesh, Outbox, Proxy, Services, Tls,
    Transparent, text,
};

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    data: Option<PathBuf>,
    suffix: Option<String>,
    control: Option<bool>,
    log: Option<String>,
    proxy: Option<Vec<Proxy>>,
    transparent: Vec<Transparent>,
    networks: BTreeMap<NetworkId, Table>,
    tls: Tls,
    api: Api,
    outbox: Outbox,
    limits: Limits,
    services: Services,
    mesh: Option<Mesh>,
}

/// A `[networks.ID]` table.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    protocol: Option<String>,
    enabled: Option<bool>,
    hosts: Option<Vec<HostPattern>>,
    ports: Option<Vec<u16>>,
    #[serde(deserialize_with = "text::map")]
    servers: BTreeMap<String, HostPort>,
    direct: Vec<Direct>,
    options: Vec<String>,
    pass: Vec<String>,
}

impl File {
    /// Fills in what the file left out; relative paths start at `base`.
    pub(super) fn resolve(self, base: &Path, data: PathBuf) -> Result<Config, Problem> {
        let data = self.data.map_or(data, |own| base.join(own));
        let mut tls = self.tls;
        tls.authority = place(base, &tls.authority, || data.join("ca"));
        tls.roots.iter_mut().for_each(|root| *root = base.join(&*root));
        for certificate in &mut tls.certificates {
            certificate.chain = base.join(&certificate.chain);
            certificate.key = base.join(&certificate.key);
        }
        let mut services = self.services;
        services.location.databases.iter_mut().for_each(|file| *file = base.join(&*file));
        services.flows.archive = services.flows.archive.map(|dir| base.join(dir));
        services.key_file = services.key_file.map(|file| base.join(file));
        Ok(Config {
            suffix: self.suffix.unwrap_or_else(|| DEFAULT_SUFFIX.to_owned()),
            control: self.control.unwrap_or(true),
            log: self.log.unwrap_or_else(|| "info".to_owned()),
            proxies: self.proxy.unwrap_or_else(|| vec![Proxy::open(DEFAULT_PROXY)]),
            transparent: self.transparent,
            networks: networks(self.networks)?,
            tls,
            api: self.api,
            outbox: self.outbox,
            limits: self.limits,
            services,
            mesh: self.mesh,
            data,
        })
    }
}

/// `own` under `base`, or the usual place where it is not set.
fn place(base: &Path, own: &Path, usual: impl FnOnce() -> PathBuf) -> PathBuf {
    if own.as_os_str().is_empty() { usual() } else { base.join(own) }
}

/// The usual networks, changed and added to by `tables`.
fn networks(
    mut tables: BTreeMap<NetworkId, Table>,
) -> Result<BTreeMap<NetworkId, NetworkConfig>, Problem> {
    for usual in NETWORKS.iter().filter_map(|n| n.defaults().id.parse::<NetworkId>().ok()) {
        tables.entry(usual).or_default();
    }
    let mut networks = BTreeMap::new();
    for (id, table) in tables {
        if id.as_str() == GATEWAY_NETWORK {
            let what = "`gateway` is the control contact's network: call yours something else";
            return Err(Problem::new(format!("networks.{id}"), what));
        }
        if OWN_NETWORKS.contains(&id.as_str()) {
            let what =
                format!("`{id}` is a network of the gateway's own: call yours something else");
            return Err(Problem::new(format!("networks.{id}"), what));
        }
        if table.enabled != Some(false) {
            networks.insert(id.clone(), table.resolve(id)?);
        }
    }
    Ok(networks)
}

impl Table {
    fn resolve(self, id: NetworkId) -> Result<NetworkConfig, Problem> {
        let at = |key: &str| format!("networks.{id}.{key}");
        let protocol = match &self.protocol {
            Some(name) => crosstalk_networks::by_name(name).ok_or_else(|| {
                let known: Vec<_> = NETWORKS.iter().map(|n| n.name()).collect();
                Problem::unknown(at("protocol"), "protocol", name, &known)
            }),
            None => {
                NETWORKS.iter().copied().find(|n| n.defaults().id == id.as_str()).ok_or_else(|| {
                    Problem::new(
                        format!("networks.{id}"),
                        format!(
                            "{id} is not one of the usual networks, so its `protocol` must be named"
                        ),
                    )
                })
            }
        }?;
        let known = |key: &str, kind: &str, names: &[String], known: Vec<&'static str>| {
            let resolve =
                |(i, name): (usize, &String)| {
                    known.iter().copied().find(|k| k == name).ok_or_else(|| {
                        Problem::unknown(at(&format!("{key}.{i}")), kind, name, &known)
                    })
                };
            names.iter().enumerate().map(resolve).collect::<Result<Vec<_>, _>>()
        };
        let options = protocol.options().iter().map(|(name, _)| *name).collect();
        let unread = protocol.unread().iter().map(|unread| unread.name).collect();
        let usual = protocol.defaults();
        Ok(NetworkConfig {
            hosts: self.hosts.unwrap_or_else(|| usual_hosts(&id, &usual)),
            ports: self.ports.unwrap_or_else(|| usual.ports.to_vec()),
            servers: self.servers.into_iter().map(|(k, v)| (k.to_lowercase(), v)).collect(),
            direct: self.direct,
            options: known("options", "option", &self.options, options)?,
            pass: known("pass", "unread protocol", &self.pass, unread)?,
            protocol,
            id,
        })
    }
}

/// Servers that clients of network `id` connect to unless the configuration says otherwise.
fn usual_hosts(id: &NetworkId, usual: &Defaults) -> Vec<HostPattern> {
    if usual.id != id.as_str() {
        // A further network of the same protocol has servers of its own.
        Vec::new()
    } else if usual.hosts.is_empty() {
        // Anybody can have a server.
        vec![HostPattern::Any]
    } else {
        usual.hosts.iter().filter_map(|host| host.parse().ok()).collect()
    }
}
