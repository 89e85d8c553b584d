//! Checks of the parts of a configuration against each other.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use crosstalk_core::NetworkId;

use super::report::{MAKE_CA, Problem};
use super::{Config, HostPattern, Memory, Proxy};

/// Log levels, from the fewest lines to the most, and `off`.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// The first level in `filter` that is none. A filter is a level, or several with commas
/// between them, each for a part as in `crosstalk_gateway=debug` or for the rest.
pub fn bad_level(filter: &str) -> Option<&str> {
    let levels = filter.split(',').map(|part| part.rsplit('=').next().unwrap_or(part));
    levels.into_iter().find(|level| !LEVELS.contains(level))
}

/// A proxy that would connect whoever can reach it to every public host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "whoever can reach {listen} could be connected to every host on the internet, since \
     `{network}` has no `hosts` but *"
)]
pub struct OpenProxy {
    /// Address at which the proxy would listen.
    pub listen: SocketAddr,
    /// The network whose servers can be anywhere.
    pub network: NetworkId,
}

impl Config {
    /// Everything that cannot work, in the order of the documentation.
    pub(super) fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_suffix(&mut problems);
        self.check_log(&mut problems);
        self.check_networks(&mut problems);
        self.check_listeners(&mut problems);
        self.check_proxies(&mut problems);
        self.check_tls(&mut problems);
        self.check_api(&mut problems);
        self.check_limits(&mut problems);
        self.services.check(&mut problems);
        self.check_mesh(&mut problems);
        problems
    }

    fn check_suffix(&self, problems: &mut Vec<Problem>) {
        let letters = self.suffix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if self.suffix.len() < 2 || self.suffix.len() > 32 || !letters {
            problems.push(Problem::new(
                "suffix",
                "the suffix is 2 to 32 of a-z and 0-9, without a dot",
            ));
        }
    }

    fn check_log(&self, problems: &mut Vec<Problem>) {
        if let Some(level) = bad_level(&self.log) {
            problems.push(Problem::unknown("log", "log level", level, &LEVELS));
        }
    }

    fn check_networks(&self, problems: &mut Vec<Problem>) {
        for network in self.networks.values() {
            let at = format!("networks.{}", network.id);
            if network.ports.is_empty() {
                problems.push(Problem::new(
                    format!("{at}.ports"),
                    "a network without ports cannot be dialled",
                ));
            }
            for (i, direct) in network.direct.iter().enumerate() {
                if direct.advertise.is_none() && direct.listen.ip().is_unspecified() {
                    problems.push(Problem::new(
                        format!("{at}.direct.{i}"),
                        format!(
                            "clients cannot dial {}: say with `advertise` how they reach it",
                            direct.listen.ip()
                        ),
                    ));
                }
            }
        }
    }

    /// Two listeners on one port, and none at all.
    fn check_listeners(&self, problems: &mut Vec<Problem>) {
        let listeners = self.listeners();
        if listeners.is_empty() {
            problems.push(Problem::new("proxy", "no listener is left, so no client can come in"));
        }
        let mut taken: HashMap<u16, Vec<(SocketAddr, &str)>> = HashMap::new();
        for (at, listen) in &listeners {
            let others = taken.entry(listen.port()).or_default();
            let clash = others.iter().find(|(other, _)| overlap(*other, *listen));
            if let Some((_, other)) = clash.filter(|_| listen.port() != 0) {
                let what = format!("{listen} is taken by `{other}` already");
                problems.push(Problem::new(at, what));
            }
            others.push((*listen, at));
        }
    }

    fn check_proxies(&self, problems: &mut Vec<Problem>) {
        for (i, proxy) in self.proxies.iter().enumerate() {
            if let Some(open) = self.opens(proxy) {
                problems.push(Problem::new(format!("proxy.{i}.listen"), open.to_string()).help(
                    format!(
                        "give the proxy `users`, or say in [networks.{}] which `hosts` its \
                         clients may dial",
                        open.network
                    ),
                ));
            }
        }
    }

    /// Reason why `proxy` would be an open one, if it would.
    ///
    /// A network whose servers can be anywhere lets a proxy client dial every public host. That
    /// is for those who are known: for people on this machine, and for `users`.
    pub fn opens(&self, proxy: &Proxy) -> Option<OpenProxy> {
        // Behind a load balancer are people of other machines, wherever the balancer is.
        let is_local = proxy.listen.ip().to_canonical().is_loopback() && proxy.behind.is_empty();
        if !proxy.users.is_empty() || is_local {
            return None;
        }
        let network = self.networks.values().find(|n| n.hosts.contains(&HostPattern::Any))?;
        Some(OpenProxy { listen: proxy.listen, network: network.id.clone() })
    }

    /// Every TCP listener and the key that set it.
    fn listeners(&self) -> Vec<(String, SocketAddr)> {
        let proxies = self.proxies.iter().enumerate();
        let transparent = self.transparent.iter().enumerate();
        let direct = self.networks.values().flat_map(|n| {
            let at = move |i| format!("networks.{}.direct.{i}.listen", n.id);
            n.direct.iter().enumerate().map(move |(i, d)| (at(i), d.listen))
        });
        let mesh = self.mesh.iter().flat_map(|m| m.listen.iter().enumerate());
        let api = self.api.listen.iter().enumerate();
        proxies
            .map(|(i, p)| (format!("proxy.{i}.listen"), p.listen))
            .chain(transparent.map(|(i, t)| (format!("transparent.{i}.listen"), t.listen)))
            .chain(direct)
            .chain(mesh.map(|(i, listen)| (format!("mesh.listen.{i}"), *listen)))
            .chain(api.map(|(i, listen)| (format!("api.listen.{i}"), *listen)))
            .collect()
    }

    fn check_tls(&self, problems: &mut Vec<Problem>) {
        for (i, certificate) in self.tls.certificates.iter().enumerate() {
            for (key, file) in [("chain", &certificate.chain), ("key", &certificate.key)] {
                if !file.is_file() {
                    let what = format!("there is no file {}", file.display());
                    problems.push(Problem::new(format!("tls.certificate.{i}.{key}"), what));
                }
            }
        }
        for (i, root) in self.tls.roots.iter().enumerate().filter(|(_, root)| !root.is_file()) {
            let what = format!("there is no file {}", root.display());
            problems.push(Problem::new(format!("tls.roots.{i}"), what));
        }
        let bare = self.tls.uncovered().filter(|_| !self.tls.authority.is_dir());
        if let Some((i, host)) = bare {
            let what =
                format!("no certificate covers {host}, and there is no private CA to make one");
            problems.push(
                Problem::new(format!("tls.terminate.{i}"), what)
                    .help(format!("run `{MAKE_CA}`, or add a [[tls.certificate]] for it")),
            );
        }
    }

    fn check_api(&self, problems: &mut Vec<Problem>) {
        let Some(host) = &self.api.host else {
            let listen = self.api.listen.iter().enumerate();
            for (i, at) in listen.filter(|(_, at)| !at.ip().to_canonical().is_loopback()) {
                let what = format!("{at} can be reached from elsewhere, and tokens would be read");
                problems.push(
                    Problem::new(format!("api.listen.{i}"), what)
                        .help("listen on 127.0.0.1, or name the `host` under which TLS is spoken"),
                );
            }
            return;
        };
        if self.tls.certificate(host).is_none() && !self.tls.authority.is_dir() {
            let what =
                format!("no certificate covers {host}, and there is no private CA to make one");
            problems.push(
                Problem::new("api.host", what)
                    .help(format!("run `{MAKE_CA}`, or add a [[tls.certificate]] for it")),
            );
        }
    }

    fn check_limits(&self, problems: &mut Vec<Problem>) {
        let limits = &self.limits;
        if limits.memory.bytes() < Memory::LEAST.bytes() {
            let (given, least) = (limits.memory, Memory::LEAST);
            let what = format!("{given} is too little: {least} is the least that works");
            problems.push(Problem::new("limits.memory", what));
        }
        let sizes = [
            ("connections", limits.connections, 1),
            ("connections_per_client", limits.connections_per_client, 1),
            ("threads", limits.threads, 1),
            ("buffer", limits.buffer, 4096),
            ("texts", limits.texts as usize, 1),
            ("texts_per_second", limits.texts_per_second as usize, 1),
        ];
        for (key, value, least) in sizes.into_iter().filter(|(_, value, least)| value < least) {
            let what = format!("{value} is too little: {least} is the least that works");
            problems.push(Problem::new(format!("limits.{key}"), what));
        }
        let times = [("handshake", limits.handshake), ("dial", limits.dial)];
        for (key, _) in times.into_iter().filter(|(_, time)| time.is_zero()) {
            problems.push(Problem::new(format!("limits.{key}"), "nothing can be done in no time"));
        }
    }

    fn check_mesh(&self, problems: &mut Vec<Problem>) {
        let Some(mesh) = &self.mesh else { return };
        let mut ids = BTreeSet::new();
        let known = self.speaks_for();
        for (i, member) in mesh.members.iter().enumerate() {
            if !ids.insert(&member.id) {
                problems.push(Problem::new(
                    format!("mesh.member.{i}.id"),
                    "this gateway is listed twice",
                ));
            }
            for (j, network) in member.networks.iter().enumerate() {
                if !known.contains(network) {
                    let known: Vec<_> = known.iter().map(NetworkId::as_str).collect();
                    let at = format!("mesh.member.{i}.networks.{j}");
                    problems.push(Problem::unknown(at, "network", network.as_str(), &known));
                }
            }
        }
        let has_list = !mesh.members.is_empty();
        if has_list && mesh.listen.is_empty() && mesh.members.iter().all(|m| m.addresses.is_empty())
        {
            problems.push(Problem::new(
                "mesh",
                "nobody can call this gateway and it has nobody to call",
            ));
        }
    }
}

/// Whether one of two listeners would keep the other from its port.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}
