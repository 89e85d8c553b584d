//! Text for somebody who starts a gateway.

use std::fmt::{self, Display, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crosstalk_core::{Address, HostPort};
use crosstalk_gateway::config::{Config, Direct, NetworkConfig};

/// A few lines that say what to enter in a client, and how many `others` are in the mesh.
pub(crate) fn welcome(config: &Config, others: usize) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_to(&mut text, config, others);
    text
}

fn write_to(text: &mut String, config: &Config, others: usize) -> fmt::Result {
    let titles: Vec<_> = config.networks.values().map(|n| n.protocol.defaults().title).collect();
    writeln!(text, "CrossTalk {} is up, for {}.\n", env!("CARGO_PKG_VERSION"), listed(&titles))?;
    write_ways_in(text, config)?;
    write_names(text, config)?;
    if config.tls.terminate.is_empty() {
        text.push_str(ENCRYPTED);
    }
    if config.mesh.is_some() {
        writeln!(
            text,
            "\n  Other gateways in the mesh: {others}. `crosstalk mesh status` says more."
        )?;
    }
    write!(text, "\n  State is kept in {}. Ctrl-C ends this.", config.data.display())
}

/// Note printed where no encryption ends at the gateway.
const ENCRYPTED: &str = "
  What clients encrypt passes through unread, and Jabber clients encrypt. For those,
  run `crosstalk ca init` once and start with --terminate SERVER; docs/clients has the steps.
";

fn write_ways_in(text: &mut String, config: &Config) -> fmt::Result {
    for proxy in &config.proxies {
        let (host, port) = (reachable(proxy.listen.ip()), proxy.listen.port());
        let who = if proxy.users.is_empty() { "" } else { ", and your name and password for it" };
        writeln!(
            text,
            "  In your client's proxy settings: SOCKS 5, host {host}, port {port}{who}"
        )?;
    }
    for network in config.networks.values() {
        for HostPort { host, port } in network.direct.iter().map(Direct::advertised) {
            writeln!(
                text,
                "  Or, for {}, as its server: host {host}, port {port}",
                title(network)
            )?;
        }
    }
    Ok(())
}

fn write_names(text: &mut String, config: &Config) -> fmt::Result {
    text.push_str(
        "\n  Sign on as usual. People on other networks are added as buddies, under names like\n",
    );
    for network in config.networks.values() {
        if let Some(name) = example(config, network) {
            writeln!(text, "    {name:<32} somebody on {}", title(network))?;
        }
    }
    if config.control {
        let control = config.names().universal(&Address::control());
        writeln!(text, "  Send /help to {control} to see what else you can do.")?;
    }
    Ok(())
}

fn title(network: &NetworkConfig) -> impl Display {
    network.protocol.defaults().title
}

/// `A, B and C`.
fn listed(words: &[&str]) -> String {
    match words {
        [front @ .., last] if !front.is_empty() => format!("{} and {last}", front.join(", ")),
        words => words.concat(),
    }
}

/// A listener on every address is reached at its loopback address by those who read this.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// Example of the spelling of a person on `network`.
fn example(config: &Config, network: &NetworkConfig) -> Option<String> {
    let names = config.names();
    let address = ["sam", "sam@example.org"]
        .iter()
        .find_map(|local| names.address(local, &network.id).ok())?;
    Some(names.universal(&address))
}
