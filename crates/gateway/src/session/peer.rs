//! Facts about a session's server besides its stream.

use std::sync::Arc;

use crosstalk_core::{Address, HostPort, Origin, Side, TlsFacts};

use super::Unnamed;
use crate::client_origin::ClientOrigin;
use crate::connection_permits::{ConnectionPermit, PermitKey};
use crate::ingress::Ingress;
use crate::policy::Asked;
use crate::stream::Stream;
use crate::tls;

/// Facts about a session's server that are known before and besides the stream.
pub(crate) struct Peer {
    /// Way in which the client came in.
    way: Arc<Ingress>,
    /// Origin of the client, as far as costs go.
    pub(crate) origin: ClientOrigin,
    /// Its permit among all connections.
    pub(super) permit: PermitKey,
    /// The host that certificates are made for and checked against, unless the client names
    /// another in its hello.
    pub(crate) host: String,
    /// TLS from the first byte: how it was negotiated with the client, and what the engine
    /// is told of it.
    pub(crate) tls: Option<Box<tls::Hello>>,
    /// The two facts of that TLS.
    pub(crate) facts: Vec<(Side, TlsFacts)>,
    /// A connection made ahead of [`Event::Dial`], and to where.
    pub(crate) ready: Option<Box<(HostPort, Stream, TlsFacts)>>,
    /// Facts that the server has shown of itself. `None` where the operator knows it for the
    /// network's.
    pub(crate) unnamed: Option<Box<Unnamed>>,
}

impl Peer {
    /// Facts about the server at `host` of the client with `permit` that came in by `way`.
    pub(crate) fn new(way: &Arc<Ingress>, permit: &ConnectionPermit, host: &HostPort) -> Self {
        let (way, host) = (Arc::clone(way), host.host.clone());
        let (origin, permit) = (permit.origin.clone(), permit.key());
        Self { way, origin, permit, host, tls: None, facts: Vec::new(), ready: None, unnamed: None }
    }

    /// Question to the policy for a server that the engine wants: what the client may have.
    pub(super) fn asks(&self) -> Asked<'_> {
        match &*self.way {
            Ingress::Proxy(proxy) => Asked::Proxy(&proxy.allow),
            Ingress::Transparent => Asked::Transparent,
            Ingress::Direct { .. } => Asked::Engine,
        }
    }

    /// The server's TLS was verified for `host`.
    pub(crate) fn prove(&mut self, host: &str) {
        self.unnamed.iter_mut().for_each(|server| server.verify(host));
    }

    /// The origin whose domain pays for what waits for `user`: one that the operator does not know.
    pub(super) fn payer_of(&self, user: &Address) -> Option<Origin> {
        self.unnamed.as_ref().map(|_| Origin::of(user))
    }
}
