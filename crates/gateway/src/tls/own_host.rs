//! TLS of what the gateway itself serves under a name of its own, such as its API.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Show, Tls};

/// TLS of a host that is the gateway itself: with the operator's certificate for it, or one of the
/// private CA.
#[derive(Clone)]
pub struct OwnTls {
    tls: Arc<Tls>,
    host: Arc<str>,
}

impl OwnTls {
    pub(crate) fn new(tls: Arc<Tls>, host: &str) -> Self {
        Self { tls, host: host.into() }
    }

    /// The host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Does the server's part of the handshake with a client, which may speak one of the protocols
    /// `alpn`.
    pub async fn accept(&self, tcp: TcpStream, alpn: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
        // Asked for each time, since certificates of the CA are made anew before they expire.
        let shown = self.tls.certificates.get(&self.host).await;
        let mut config = self.tls.server.clone();
        config.cert_resolver = Arc::new(Show(shown));
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        let accepting = TlsAcceptor::from(Arc::new(config)).accept(tcp);
        timeout(self.tls.patience, accepting).await?
    }
}
