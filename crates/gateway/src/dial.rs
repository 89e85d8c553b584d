//! Connecting to servers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Blame, Fault, HostPort, NetworkId};
use socket2::{SockRef, Socket, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::connection::Origin;
use crate::fair::FairSemaphore;
use crate::policy::{Asked, Policy, Refusal};

/// The most names resolved at once; each takes a thread.
const LOOKUPS: usize = 32;
/// The most names that one client has resolved at once.
const SHARE: usize = 4;
/// The most addresses of one name that are tried.
const ADDRESSES: usize = 8;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// It is not allowed.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The name has no address.
    #[error("the name cannot be resolved")]
    Unresolvable,
    /// Nobody answered in time.
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
            _ => Blame::Server,
        };
        Fault::new(blame, format!("{to}: {self}"))
    }
}

/// A server that is connected.
pub(crate) struct Dialled {
    /// The connection.
    pub(crate) tcp: TcpStream,
    /// The network it belongs to, where that is known.
    pub(crate) network: Option<NetworkId>,
}

/// Has the system find out about the other end of an idle connection that vanished, within five
/// minutes.
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
    patience: Duration,
    lookups: FairSemaphore,
}

impl Dialer {
    pub(crate) fn new(policy: Arc<Policy>, patience: Duration) -> Self {
        Self { policy, patience, lookups: FairSemaphore::new(LOOKUPS, SHARE) }
    }

    /// Connects to `target`, or to what the operator put in its place, for a client of `origin`.
    pub(crate) async fn dial(
        &self,
        origin: &Origin,
        asked: Asked<'_>,
        target: &HostPort,
    ) -> Result<Dialled, Failed> {
        let permit = self.policy.judge(asked, target)?;
        let connect = async {
            let mut failed = Failed::Unresolvable;
            for address in self.resolve(origin, &permit.upstream).await? {
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
        let tcp = timeout(self.patience, connect).await.map_err(|_| Failed::Timeout)??;
        Ok(Dialled { tcp, network: permit.network })
    }

    async fn resolve(&self, origin: &Origin, to: &HostPort) -> Result<Vec<SocketAddr>, Failed> {
        if let Ok(ip) = to.host.parse() {
            return Ok(vec![SocketAddr::new(ip, to.port)]);
        }
        let _permit = self.lookups.acquire(origin).await;
        let found = lookup_host((to.host.as_str(), to.port)).await;
        Ok(found.map_err(|_| Failed::Unresolvable)?.take(ADDRESSES).collect())
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
