//! The one line that the log gets of a connection: who, where to, how long, and whose fault the
//! end was. Nothing of what was said.

use std::net::SocketAddr;
use std::time::Instant;

use crosstalk_core::{Address, Fault, HostPort, NetworkId};

use crate::ingress::Ingress;

/// Facts about a connection, gathered for its line in the log.
pub(super) struct Report {
    peer: SocketAddr,
    way: &'static str,
    since: Instant,
    /// Target that the client asked for, or the server behind its listener.
    pub(super) target: Option<HostPort>,
    /// The network whose engine interprets it.
    pub(super) network: Option<NetworkId>,
    /// Person who signed in.
    pub(super) user: Option<Address>,
    sent: (u64, u64),
}

impl Report {
    pub(super) fn new(peer: SocketAddr, way: &Ingress) -> Self {
        let (way, target) = match way {
            Ingress::Proxy(_) => ("proxy", None),
            Ingress::Direct { upstream, .. } => ("direct", Some(upstream.clone())),
            Ingress::Transparent => ("transparent", None),
        };
        let since = Instant::now();
        Self { peer, way, since, target, network: None, user: None, sent: (0, 0) }
    }

    /// Says by which proxy protocol the client came.
    pub(super) const fn came_by(&mut self, protocol: &'static str) {
        self.way = protocol;
    }

    /// Records how many bytes came from the client and from the server.
    pub(super) const fn count(&mut self, received: (u64, u64)) {
        self.sent = received;
    }

    pub(super) fn log(&self, fault: Option<&Fault>) {
        let Self { peer, way, sent: (up, down), .. } = self;
        let target = self.target.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let network = self.network.as_ref().map_or("-", NetworkId::as_str);
        let user = self.user.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let ms = self.since.elapsed().as_millis();
        if let Some(Fault { blame, what }) = fault {
            tracing::info!(
                %peer, way, target, network, user, up, down, ms, %blame, %what, "connection ended"
            );
        } else {
            tracing::debug!(%peer, way, target, network, user, up, down, ms, "connection ended");
        }
    }
}
