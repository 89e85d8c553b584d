//! Warnings of settings that work and may not be meant.

use super::report::Problem;
use super::{Allow, Config, HostPattern, NetworkConfig};

impl Config {
    /// Warnings for an operator about a configuration that a gateway starts with, in the order of
    /// the documentation.
    pub fn warnings(&self) -> Vec<Problem> {
        let believing = self.believing();
        if believing.is_empty() {
            return Vec::new();
        }
        let help =
            "name the hosts that are needed, or leave these networks out with `enabled = false`";
        let rules = self.proxies.iter().enumerate().flat_map(|(i, proxy)| {
            let anywhere = proxy.allow.iter().enumerate().filter(|(_, rule)| self.opens_all(rule));
            anywhere.map(move |(j, _)| (format!("proxy.{i}.allow.{j}"), "this rule lets a client"))
        });
        let redirected = self.transparent.iter().enumerate().map(|(i, _)| {
            (format!("transparent.{i}"), "a client whose connection is redirected here can")
        });
        let warn = |(at, who): (String, &str)| {
            let what = format!(
                "{who} dial any host, and one of its own can say that it is anybody on {believing}, \
                 whose names belong to no domain"
            );
            Problem::new(at, what).help(help)
        };
        rules.chain(redirected).map(warn).collect()
    }

    /// The networks whose servers are believed about every name, in words.
    fn believing(&self) -> String {
        let believing = self.networks.values().filter(|n| n.protocol.services().is_empty());
        let ids: Vec<_> = believing.map(|n| n.id.as_str()).collect();
        match &ids[..] {
            [] => String::new(),
            [one] => (*one).to_owned(),
            [front @ .., last] => format!("{} or {last}", front.join(", ")),
        }
    }

    /// Whether `rule` lets every host be dialled at a port where it does not belong to a network
    /// whose servers speak for their own domains only.
    fn opens_all(&self, rule: &Allow) -> bool {
        let anywhere = |network: &&NetworkConfig| network.hosts.contains(&HostPattern::Any);
        let bound = |port| {
            let mut networks = self.networks.values().filter(anywhere);
            networks.any(|n| n.ports.contains(&port) && !n.protocol.services().is_empty())
        };
        rule.host.is_anywhere() && !(rule.ports.0..=rule.ports.1).all(bound)
    }
}
