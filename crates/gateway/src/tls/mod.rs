//! TLS that ends here: as server towards clients, as client towards servers.

pub mod ca;
mod certificate_files;
mod certificates;
mod channel_binding;
mod own_host;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use crosstalk_core::{Fault, TlsFacts};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::server::{Accepted, Acceptor, ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::server::StartHandshake;
use tokio_rustls::{TlsConnector, TlsStream};

use crate::client_origin::ClientOrigin;
use crate::config;
use crate::fair::{FairPermit, FairSemaphore};
use crate::stream::Stream;
use certificates::CertificateStore;
pub use own_host::OwnTls;

/// Factor by which a client may take longer for the rest of the handshake than for its hello: some
/// ask their owner about the certificate in the midst of it.
const ASKING: u32 = 6;
/// The largest hello of a client, in bytes.
const MAX_HELLO: usize = 16 * 1024;
/// The most handshakes at once, and how many of them are one client's. Each holds some ten
/// kilobytes, and takes a worker a millisecond or two.
const HANDSHAKES: usize = 512;
const SHARE: usize = 64;
/// A fatal alert, `unrecognized_name` (RFC 6066, section 3; RFC 8446, section 6), as the first
/// record of a server, whose version every client takes.
const UNRECOGNIZED_NAME: [u8; 7] = [0x15, 3, 1, 0, 2, 2, 112];

/// Reason why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The private authority is unusable.
    #[error(transparent)]
    Authority(#[from] ca::Error),
    /// A configured file is unusable.
    #[error("{0}: {1}")]
    Certificate(PathBuf, String),
    /// The TLS library refuses its settings.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
    /// Hosts are to be terminated for which there is no certificate.
    #[error(
        "TLS is to end here for {0}, but there is neither a certificate for it nor a private \
         certificate authority in {1}: run `crosstalk ca init`"
    )]
    NoAuthority(String, PathBuf),
}

/// Makes and takes TLS connections.
pub(crate) struct Tls {
    config: config::Tls,
    patience: Duration,
    certificates: CertificateStore,
    client: ClientConfig,
    server: ServerConfig,
    handshakes: FairSemaphore,
}

/// Extensions of a client's hello: host, protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// The host it wants: the name in the hello, else the one it dialled.
    pub(crate) host: String,
    /// The application protocols it offers.
    pub(crate) alpn: Vec<Vec<u8>>,
}

/// A client that waits for our part of the handshake.
pub(crate) struct Opening {
    accepted: Accepted,
    tcp: TcpStream,
    early: BytesMut,
    /// The client's hello.
    pub(crate) hello: Hello,
}

/// Beginning of a client that should begin with TLS.
pub(crate) enum Heard {
    /// Its hello.
    Hello(Box<Opening>),
    /// Something else.
    Other(TcpStream, BytesMut),
}

impl Opening {
    /// The connection and what was read of it, for TLS that does not end here.
    pub(crate) fn undo(self) -> (TcpStream, BytesMut) {
        (self.tcp, self.early)
    }
}

/// Whether a client that begins so begins with TLS: a handshake record of any version.
pub(crate) fn is_hello(first: &[u8]) -> bool {
    matches!(first, [0x16, 0x03, ..])
}

impl Tls {
    pub(crate) fn new(config: &config::Tls, patience: Duration) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let certificates = CertificateStore::new(config, Arc::clone(&provider))?;
        if let Some((_, host)) = config.uncovered().filter(|_| !certificates.has_authority()) {
            return Err(Error::NoAuthority(host.to_string(), config.authority.clone()));
        }
        let client = client_config(config, Arc::clone(&provider))?;
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Show(None)));
        let handshakes = FairSemaphore::new(HANDSHAKES, SHARE);
        Ok(Self { config: config.clone(), patience, certificates, client, server, handshakes })
    }

    /// Whether TLS of `host` ends here.
    pub(crate) fn terminates(&self, host: &str) -> bool {
        self.config.terminates(host)
    }

    /// Whether any TLS ends here.
    pub(crate) fn terminates_any(&self) -> bool {
        !self.config.terminate.is_empty()
    }

    /// A place for the handshakes of a connection of `origin`, to be kept until they are over.
    pub(crate) async fn handshake(&self, origin: &ClientOrigin) -> Result<FairPermit<'_>, Fault> {
        timeout(self.patience, self.handshakes.acquire(origin))
            .await
            .map_err(|_| Fault::client("too many TLS handshakes of its address go on"))
    }

    /// Reads a client's hello, which begins with `early`. `host` is what the client dialled.
    pub(crate) async fn hear(
        &self,
        mut tcp: TcpStream,
        mut early: BytesMut,
        host: &str,
    ) -> Result<Heard, Fault> {
        let hello = timeout(self.patience, read_hello(&mut tcp, &mut early)).await;
        let accepted = hello.map_err(|_| Fault::client("its TLS hello took too long"))?;
        let Some(accepted) = accepted.map_err(|e| Fault::client(format!("TLS: {e}")))? else {
            return Ok(Heard::Other(tcp, early));
        };
        let hello = asked_for(&accepted.client_hello(), host);
        Ok(Heard::Hello(Box::new(Opening { accepted, tcp, early, hello })))
    }

    /// Finishes the handshake with a client, if it is for a host whose TLS ends here; whoever
    /// wants another is told so. `server` is the host that the server was verified for, and `alpn`
    /// what it chose.
    pub(crate) async fn accept(
        &self,
        mut opening: Box<Opening>,
        server: &str,
        alpn: Option<Vec<u8>>,
    ) -> Result<(Stream, TlsFacts), Fault> {
        // A client that takes the gateway for its server may ask for the gateway by name. Servers
        // show whoever asks for a host that they do not know the certificate that they have.
        let host = &opening.hello.host;
        let host = if self.terminates(host) { host } else { server };
        if !self.terminates(host) {
            let host = &opening.hello.host;
            let what = format!("it wants TLS with {host}, which is not under `terminate`");
            let _ = timeout(self.patience, opening.tcp.write_all(&UNRECOGNIZED_NAME)).await;
            return Err(Fault::client(what));
        }
        let shown = self.certificates.get(host).await;
        let leaf = shown.as_ref().and_then(|s| s.cert.first().cloned());
        let stream = self.finish(opening, shown, alpn).await?;
        let facts = channel_binding::channel_binding(stream.get_ref().1, leaf.as_ref());
        Ok((Stream::Tls(Box::new(TlsStream::Server(stream))), facts))
    }

    /// Turns a client away in the words of TLS.
    pub(crate) async fn refuse(&self, opening: Box<Opening>) {
        let _ = self.finish(opening, None, None).await;
    }

    async fn finish(
        &self,
        opening: Box<Opening>,
        shown: Option<Arc<CertifiedKey>>,
        alpn: Option<Vec<u8>>,
    ) -> Result<tokio_rustls::server::TlsStream<TcpStream>, Fault> {
        let mut config = self.server.clone();
        config.cert_resolver = Arc::new(Show(shown));
        config.alpn_protocols.extend(alpn);
        let start = StartHandshake::from_parts(opening.accepted, opening.tcp);
        match timeout(ASKING * self.patience, start.into_stream(Arc::new(config))).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(Fault::client(format!("TLS: {error}"))),
            Err(_) => Err(Fault::client("its TLS handshake took too long")),
        }
    }

    /// Starts TLS with a server as the client asked for it, and verifies who the server is.
    pub(crate) async fn connect(
        &self,
        tcp: TcpStream,
        hello: &Hello,
    ) -> Result<(Stream, TlsFacts), Fault> {
        let name = ServerName::try_from(hello.host.clone())
            .map_err(|_| Fault::client("it wants TLS with a host of no legal name"))?;
        let mut config = self.client.clone();
        config.alpn_protocols.clone_from(&hello.alpn);
        let connect = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let stream = match timeout(self.patience, connect).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Fault::server(format!("TLS: {error}"))),
            Err(_) => return Err(Fault::server("its TLS handshake took too long")),
        };
        let session = stream.get_ref().1;
        let leaf = session.peer_certificates().and_then(|c| c.first());
        let facts = channel_binding::channel_binding(session, leaf);
        Ok((Stream::Tls(Box::new(TlsStream::Client(stream))), facts))
    }
}

/// Reads until the hello is whole; `None` where it is none.
async fn read_hello<R: AsyncRead + Unpin>(
    client: &mut R,
    early: &mut BytesMut,
) -> io::Result<Option<Accepted>> {
    let mut acceptor = Acceptor::default();
    let mut seen = 0;
    loop {
        while seen < early.len() {
            let n = acceptor.read_tls(&mut &early[seen..])?;
            if n == 0 {
                return Ok(None);
            }
            seen += n;
            match acceptor.accept() {
                Ok(Some(accepted)) if seen == early.len() => return Ok(Some(accepted)),
                Ok(None) => {}
                Ok(Some(_)) | Err(_) => return Ok(None),
            }
        }
        if early.len() > MAX_HELLO || client.read_buf(early).await? == 0 {
            return Ok(None);
        }
    }
}

/// The host that the hello of a client asks for, which sends `read` and no more; `None` where it is
/// no whole hello.
#[cfg(feature = "fuzzing")]
pub(crate) async fn host_of_hello(mut read: &[u8]) -> Option<String> {
    let mut early = BytesMut::new();
    let accepted = read_hello(&mut read, &mut early).await.ok()??;
    Some(asked_for(&accepted.client_hello(), "dialled.test").host)
}

fn asked_for(hello: &ClientHello<'_>, dialled: &str) -> Hello {
    let alpn = hello.alpn().map(|offers| offers.map(<[u8]>::to_vec).collect());
    Hello {
        host: hello.server_name().unwrap_or(dialled).to_ascii_lowercase(),
        alpn: alpn.unwrap_or_default(),
    }
}

/// TLS towards servers that are no base servers, with the same roots.
pub(crate) fn client_of(config: &config::Tls) -> Result<ClientConfig, Error> {
    client_config(config, Arc::new(ring::default_provider()))
}

fn client_config(
    config: &config::Tls,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for path in &config.roots {
        let bad = |why: String| Error::Certificate(path.clone(), why);
        for root in CertificateDer::pem_file_iter(path).map_err(|e| bad(e.to_string()))? {
            let added = root
                .map_err(|e| e.to_string())
                .and_then(|r| roots.add(r).map_err(|e| e.to_string()));
            added.map_err(bad)?;
        }
    }
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Shows one certificate, or none.
#[derive(Debug)]
struct Show(Option<Arc<CertifiedKey>>);

impl ResolvesServerCert for Show {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
}
