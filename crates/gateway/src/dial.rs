//! Connecting to servers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Blame, Fault, HostPort, NetworkId};
use socket2::{SockRef, Socket, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client_origin::ClientOrigin;
use crate::dns::{Dns, Unresolved};
use crate::policy::{Asked, Policy, Refusal};

/// The most addresses of one name that are tried.
const ADDRESSES: usize = 8;

/// Reason why connecting failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The policy does not allow it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The name leads to no address.
    #[error("{0}")]
    Unresolved(#[from] Unresolved),
    /// The server did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The system could not connect.
    #[error("{0}")]
    Connect(io::Error),
}

impl Failed {
    /// The fault of a session that needed the connection.
    pub(crate) fn fault(&self, to: &HostPort) -> Fault {
        let blame = match self {
            // It asked for something it may not have.
            Self::Refused(_) => Blame::Client,
            Self::Unresolved(Unresolved::Unconfigured) => Blame::Gateway,
            _ => Blame::Server,
        };
        let help = match self {
            Self::Refused(Refusal::NotConfigured) => {
                format!(": `allow = [\"{to}\"]` under [[proxy]] lets clients dial it")
            }
            _ => String::new(),
        };
        Fault::new(blame, format!("{to}: {self}{help}"))
    }
}

/// A server that is connected.
pub(crate) struct Dialled {
    /// The connection.
    pub(crate) tcp: TcpStream,
    /// The network it belongs to, where that is known.
    pub(crate) network: Option<NetworkId>,
}

/// Enables TCP keep-alive, which finds out within five minutes that the other end of an idle
/// connection has vanished.
pub(crate) fn keep_alive(socket: &Socket) -> io::Result<()> {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_mins(3))
        .with_interval(Duration::from_secs(30))
        .with_retries(4);
    socket.set_tcp_keepalive(&keepalive)
}

/// Resolves names and connects, as the policy allows.
pub(crate) struct Dialer {
    policy: Arc<Policy>,
    dns: Arc<Dns>,
    patience: Duration,
}

impl Dialer {
    pub(crate) fn new(policy: Arc<Policy>, dns: Arc<Dns>, patience: Duration) -> Self {
        Self { policy, dns, patience }
    }

    /// Connects to `target`, or to what the operator put in its place, for a client of `origin`.
    pub(crate) async fn dial(
        &self,
        origin: &ClientOrigin,
        asked: Asked<'_>,
        target: &HostPort,
    ) -> Result<Dialled, Failed> {
        let permit = self.policy.judge(asked, target)?;
        let connect = async {
            let mut failed = Unresolved::Unknown.into();
            let HostPort { host, port } = &permit.upstream;
            for ip in self.dns.addresses(origin, host).await?.iter().take(ADDRESSES) {
                let address = SocketAddr::new(*ip, *port);
                // Judged again by address: a name that anybody may choose can lead to the machine
                // itself.
                let tried = match self.policy.admit(asked, &permit, address) {
                    Ok(()) => self.connect(address).await,
                    Err(refusal) => Err(refusal.into()),
                };
                match tried {
                    Ok(tcp) => return Ok(tcp),
                    Err(why) => failed = why,
                }
            }
            Err(failed)
        };
        // One limit for looking up and all addresses together: a client waits for its sum.
        let tcp = timeout(self.patience, connect).await.map_err(|_| Failed::Timeout)??;
        Ok(Dialled { tcp, network: permit.network })
    }

    async fn connect(&self, address: SocketAddr) -> Result<TcpStream, Failed> {
        // Half of the time for one address, so that another gets its chance.
        let tcp = timeout(self.patience / 2, TcpStream::connect(address)).await;
        let tcp = tcp.map_err(|_| Failed::Timeout)?.map_err(Failed::Connect)?;
        let set = tcp.set_nodelay(true).and_then(|()| keep_alive(&SockRef::from(&tcp)));
        set.map_err(Failed::Connect)?;
        Ok(tcp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Allow;

    #[test]
    fn who_reads_of_a_refusal_reads_the_rule_that_lifts_it() {
        for (place, rule) in [
            (HostPort::new("upload.example.org", 443), "upload.example.org:443"),
            (HostPort::new("2001:db8::7", 5190), "[2001:db8::7]:5190"),
        ] {
            let said = Failed::from(Refusal::NotConfigured).fault(&place).what;
            assert!(said.contains(&format!("`allow = [\"{rule}\"]` under [[proxy]]")), "{said}");
            assert!(rule.parse::<Allow>().unwrap().permits(&place.host, place.port));
        }
        let said = Failed::from(Refusal::Itself).fault(&HostPort::new("localhost", 1080)).what;
        assert!(!said.contains("allow"), "{said}");
    }
}
