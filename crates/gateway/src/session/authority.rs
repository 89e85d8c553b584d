//! Authority of a server over names. Where anybody can have a server, a name is worth what its
//! domain is worth, so that a server speaks for the domains it is shown to be a server of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Address, Fault, HostPort};
use tokio::time::timeout;

use super::{End, Session};
use crate::client_origin::ClientOrigin;
use crate::config::NetworkConfig;
use crate::dns::{Dns, Unresolved, is_same};
use crate::stream::Stream;

/// Longest time for the look-ups that tell whether a server is a domain's.
const PATIENCE: Duration = Duration::from_secs(8);

/// Facts about a server that the operator did not name for its network.
pub(crate) struct Unnamed {
    /// Host that the client dialled, which was resolved here.
    dialled: HostPort,
    /// The hosts that its TLS was verified for.
    verified: Vec<String>,
}

impl Unnamed {
    /// Nothing is known yet of the server that a client dialled.
    pub(crate) const fn new(dialled: HostPort) -> Self {
        Self { dialled, verified: Vec::new() }
    }

    /// Its TLS was verified for `host`.
    pub(crate) fn verify(&mut self, host: &str) {
        if !self.verified.iter().any(|verified| verified == host) {
            self.verified.push(host.to_owned());
        }
    }

    /// Whether it is known without asking to be a server of `domain`: its certificate says so, or
    /// the client dialled the domain itself, at one of the `ports` of the network.
    fn is_of(&self, domain: &str, ports: &[u16]) -> bool {
        let dialled = is_same(&self.dialled.host, domain) && ports.contains(&self.dialled.port);
        dialled || self.verified.iter().any(|host| is_same(host, domain))
    }
}

/// Look-up that tells whether a server speaks for a domain.
struct Question {
    domain: String,
    server: SocketAddr,
}

impl Session {
    /// Lets `user` in, if the server is one that may say so.
    pub(super) async fn check(&mut self, user: &Address) -> Result<(), End> {
        self.is_believed(user).await?;
        self.peer.permit.has_signed_on();
        Ok(())
    }

    /// Whether the server is one that may accept `user`. Nobody is signed in meanwhile.
    async fn is_believed(&mut self, user: &Address) -> Result<(), End> {
        let Some(Question { domain, server }) = self.question(user) else { return Ok(()) };
        let (shared, origin) = (Arc::clone(&self.shared), self.peer.origin.clone());
        let Some(network) = shared.config.networks.get(user.network()) else { return Ok(()) };
        let asked = Box::pin(leads_to(&shared.dns, &origin, &domain, network, server));
        let answer = timeout(PATIENCE, asked).await.unwrap_or(Err(Unresolved::Silent));
        let what = format!("it is not known to be a server of {user}: name it in `hosts`");
        let fault = match answer {
            Ok(true) => return Ok(()),
            Ok(false) => Fault::server(what),
            Err(why @ Unresolved::Unconfigured) => Fault::gateway(format!("{domain}: {why}")),
            Err(why) => Fault::server(format!("{what}; {domain}: {why}")),
        };
        Err(self.at_fault(fault))
    }

    /// Look-up that is needed before `user` may sign in; `None` where the server is known.
    fn question(&self, user: &Address) -> Option<Question> {
        let known = self.peer.unnamed.as_ref()?;
        let network = self.shared.config.networks.get(user.network())?;
        let domain = match user.local().rsplit_once('@') {
            Some((_, domain)) => domain,
            // A name that belongs to no domain, or the domain itself.
            None if network.protocol.services().is_empty() => return None,
            None => user.local(),
        };
        if known.is_of(domain, &network.ports) {
            return None;
        }
        // One that is gone is no server of anybody's.
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let tcp = self.server.stream.as_ref().map(Stream::tcp);
        let server = tcp.and_then(|tcp| tcp.peer_addr().ok()).unwrap_or(nowhere);
        Some(Question { domain: domain.to_owned(), server })
    }
}

/// Whether `domain` leads to the server at `server`: by its own address, at one of the ports of
/// its `network`, or by one of its service records.
async fn leads_to(
    dns: &Dns,
    origin: &ClientOrigin,
    domain: &str,
    network: &NetworkConfig,
    server: SocketAddr,
) -> Result<bool, Unresolved> {
    let ip = server.ip().to_canonical();
    // Name servers that are silent about one record of a domain are not waited for again.
    if network.ports.contains(&server.port())
        && some(dns.addresses(origin, domain).await)?.contains(&ip)
    {
        return Ok(true);
    }
    for service in network.protocol.services() {
        let targets = some(dns.servers(origin, service, domain).await)?;
        for target in targets.iter().filter(|target| target.port == server.port()) {
            if some(dns.addresses(origin, &target.host).await)?.contains(&ip) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The records found, none where it is known that there are none.
fn some<T>(found: Result<Arc<[T]>, Unresolved>) -> Result<Arc<[T]>, Unresolved> {
    match found {
        Err(Unresolved::Unknown) => Ok(Arc::default()),
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::dns::tests::Server;

    /// The usual network of Jabber, whose servers can be anywhere.
    fn jabber() -> NetworkConfig {
        Config::alone("/nonexistent".into()).networks.remove(&"jabber".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_name_that_was_dialled_or_certified_is_worth_that_very_domain() {
        let ports = jabber().ports;
        for (dialled, verified, is_of) in [
            ("chat.test:5222", None, true),
            ("Chat.TEST.:5223", None, true),
            ("chat.test:9999", None, false),
            ("pc17.dhcp.chat.test:5222", None, false),
            ("xmpp.chat.test:5222", None, false),
            ("test:5222", None, false),
            ("evilchat.test:5222", None, false),
            ("192.0.2.1:5222", None, false),
            ("192.0.2.1:9999", Some("chat.test"), true),
            ("192.0.2.1:5222", Some("pc17.chat.test"), false),
            ("192.0.2.1:5222", Some("test"), false),
        ] {
            let mut server = Unnamed::new(dialled.parse().unwrap());
            if let Some(host) = verified {
                server.verify(host);
            }
            assert_eq!(server.is_of("chat.test", &ports), is_of, "{dialled} {verified:?}");
        }
        let international = Unnamed::new("xn--bcher-kva.test:5222".parse().unwrap());
        assert!(international.is_of("b\u{fc}cher.test", &ports));
    }

    #[tokio::test]
    async fn a_server_speaks_for_a_domain_that_leads_to_it() {
        let names = Server::start().await;
        let (dns, network) = (names.dns(), jabber());
        let origin = ClientOrigin::of([198, 51, 100, 1].into());
        for (domain, server, expected) in [
            ("chat.test", "192.0.2.1:5222", Ok(true)),
            ("chat.test", "[::ffff:192.0.2.1]:5223", Ok(true)),
            ("chat.test", "192.0.2.1:9999", Ok(false)),
            ("chat.test", "192.0.2.2:5222", Ok(true)),
            ("chat.test", "192.0.2.2:15222", Ok(false)),
            ("chat.test", "192.0.2.3:15222", Ok(true)),
            ("chat.test", "192.0.2.3:5222", Ok(false)),
            ("chat.test", "192.0.2.17:5222", Ok(false)),
            ("sub.chat.test", "192.0.2.1:5222", Ok(false)),
            ("192.0.2.17", "192.0.2.17:5222", Ok(true)),
            ("192.0.2.17", "192.0.2.18:5222", Ok(false)),
            ("in-hosts.test", "192.0.2.9:5222", Ok(true)),
            ("none.test", "192.0.2.1:5222", Ok(false)),
            ("dead.test", "192.0.2.1:5222", Err(Unresolved::Silent)),
        ] {
            let at = server.parse().unwrap();
            let leads = leads_to(&dns, &origin, domain, &network, at).await;
            assert_eq!(leads, expected, "{domain} {server}");
        }
    }
}
