use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use crosstalk_gateway::config::Config;
use crosstalk_gateway::tls::ca;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio_rustls::{TlsAcceptor, TlsConnector, client};

use crate::support::{Running, gateway, line, server, socks5};

/// The server's own authority and the gateway's, as files.
struct Authorities {
    dir: TempDir,
    server: Arc<ServerConfig>,
}

impl Authorities {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        ca::init(&dir.path().join("ca")).unwrap();
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = root.self_signed(&root_key).unwrap();
        std::fs::write(dir.path().join("root.pem"), certificate.pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["lines.test".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &Issuer::new(root, root_key)).unwrap();
        let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        server.alpn_protocols = vec![b"lines".to_vec()];
        Self { dir, server: Arc::new(server) }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// A server of lines under TLS, and a gateway where that TLS ends.
    async fn gateway(&self, change: impl FnOnce(&mut Config)) -> (std::net::SocketAddr, Running) {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.server));
        let server = server(move |tcp| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                let (mut read, mut write) = tokio::io::split(tls);
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            }
        })
        .await;
        let gateway = gateway(server, |config| {
            config.tls.terminate =
                vec!["lines.test".parse().unwrap(), "127.0.0.1".parse().unwrap()];
            config.tls.authority = self.path("ca");
            config.tls.roots = vec![self.path("root.pem")];
            change(config);
        });
        (server, gateway)
    }
}

/// Does a handshake for `lines.test` as one who trusts only `root`.
async fn handshake(
    tcp: TcpStream,
    root: &Path,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<client::TlsStream<TcpStream>> {
    handshake_for("lines.test", tcp, root, version).await
}

/// The same for another host.
async fn handshake_for(
    host: &'static str,
    tcp: TcpStream,
    root: &Path,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<client::TlsStream<TcpStream>> {
    handshake_with(&["other", "lines"], host, tcp, root, version).await
}

/// The same with an offer of application protocols.
async fn handshake_with(
    offer: &[&str],
    host: &'static str,
    tcp: TcpStream,
    root: &Path,
    version: &'static SupportedProtocolVersion,
) -> std::io::Result<client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = offer.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(host).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

#[tokio::test]
async fn tls_of_a_configured_host_ends_at_the_gateway_on_both_sides() {
    let authorities = Authorities::new();
    let (server, gateway) = authorities.gateway(|_| {}).await;
    for version in [&TLS12, &TLS13] {
        for proxied in [true, false] {
            let tcp = if proxied {
                socks5(gateway.proxies[0], server).await
            } else {
                TcpStream::connect(gateway.direct[0].1).await.unwrap()
            };
            let mut tls = handshake(tcp, &authorities.path("ca/ca.pem"), version).await.unwrap();
            assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"lines"[..]), "as the server chose");
            tls.write_all(b"hello\n").await.unwrap();
            if !proxied {
                let exporter = version.version == TLS13.version;
                assert_eq!(line(&mut tls).await, format!("encrypted Client {exporter} true"));
                assert_eq!(line(&mut tls).await, "encrypted Server true true");
            }
            assert_eq!(line(&mut tls).await, "hello");
            tls.shutdown().await.unwrap();
            assert_eq!(tls.read(&mut [0; 10]).await.unwrap(), 0, "a clean end");
        }
    }
}

#[tokio::test]
async fn requests_under_tls_that_ends_here_are_looked_at_and_so_come_one_by_one() {
    let mut authorities = Authorities::new();
    Arc::get_mut(&mut authorities.server).unwrap().alpn_protocols =
        vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let jabber = Config::alone("/nonexistent".into()).networks;
    let (server, gateway) = authorities.gateway(|config| config.networks.extend(jabber)).await;
    let (tcp, root) = (socks5(gateway.proxies[0], server).await, authorities.path("ca/ca.pem"));
    let offer = ["h2", "http/1.1"];
    let mut tls = handshake_with(&offer, "lines.test", tcp, &root, &TLS13).await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    tls.write_all(b"GET / HTTP/1.1\n\n").await.unwrap();
    assert_eq!(line(&mut tls).await, "GET / HTTP/1.1", "as it was said");
    assert_eq!(line(&mut tls).await, "");
    tls.write_all(b"POST /http-bind HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(line(&mut tls).await, "HTTP/1.1 403 Forbidden\r");
}

#[tokio::test]
async fn pages_of_a_domain_whose_chat_ends_here_pass_unread() {
    let mut authorities = Authorities::new();
    Arc::get_mut(&mut authorities.server).unwrap().alpn_protocols =
        vec![b"h2".to_vec(), b"xmpp-client".to_vec()];
    let jabber = Config::alone("/nonexistent".into()).networks;
    let many = vec!["*.test".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let change = |config: &mut Config| {
        config.networks.extend(jabber);
        config.tls.terminate = many;
    };
    let (server, gateway) = authorities.gateway(change).await;
    for (offer, root) in [
        (&["h2", "http/1.1"][..], "root.pem"),
        (&["xmpp-client"], "ca/ca.pem"),
        (&["h2", "xmpp-client"], "ca/ca.pem"),
        (&[], "ca/ca.pem"),
    ] {
        let tcp = socks5(gateway.proxies[0], server).await;
        let root = authorities.path(root);
        let tls = handshake_with(offer, "lines.test", tcp, &root, &TLS13).await;
        assert!(tls.is_ok(), "{offer:?} {:?}", tls.err());
    }
}

#[tokio::test]
async fn tls_of_any_other_host_passes_through() {
    let authorities = Authorities::new();
    let (server, gateway) = authorities.gateway(|config| config.tls.terminate.clear()).await;
    let tcp = socks5(gateway.proxies[0], server).await;
    let mut tls = handshake(tcp, &authorities.path("root.pem"), &TLS13).await.unwrap();
    tls.write_all(b"hello\n").await.unwrap();
    assert_eq!(line(&mut tls).await, "hello");
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_is_not_shown_to_the_client() {
    let authorities = Authorities::new();
    let (server, gateway) = authorities.gateway(|config| config.tls.roots.clear()).await;
    let tcp = socks5(gateway.proxies[0], server).await;
    let refused = handshake(tcp, &authorities.path("ca/ca.pem"), &TLS13).await.unwrap_err();
    assert!(refused.to_string().contains("AccessDenied"), "{refused}");
}

#[tokio::test]
async fn an_engine_starts_tls_on_both_sides() {
    let authorities = Authorities::new();
    let (_, gateway) = authorities.gateway(|_| {}).await;
    let tcp = go_ahead(&gateway).await;
    let mut tls = handshake(tcp, &authorities.path("ca/ca.pem"), &TLS13).await.unwrap();
    tls.write_all(b"hello\n").await.unwrap();
    assert_eq!(line(&mut tls).await, "encrypted Client true true");
    assert_eq!(line(&mut tls).await, "encrypted Server true true");
    assert_eq!(line(&mut tls).await, "hello");
}

/// A client of an engine that starts TLS now.
async fn go_ahead(gateway: &Running) -> TcpStream {
    let mut tcp = TcpStream::connect(gateway.direct[0].1).await.unwrap();
    tcp.write_all(b"!tls lines.test\n").await.unwrap();
    assert_eq!(line(&mut tcp).await, "go");
    tcp
}

#[tokio::test]
async fn no_certificate_is_made_for_a_host_whose_tls_does_not_end_here() {
    let authorities = Authorities::new();
    let hosts = authorities.path("ca/hosts");
    let terminate = vec!["*.other.test".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let (server, gateway) = authorities.gateway(|config| config.tls.terminate = terminate).await;
    let root = authorities.path("ca/ca.pem");
    // STARTTLS, which has begun: it is refused in the words of TLS.
    let refused = handshake_for("made-up.test", go_ahead(&gateway).await, &root, &TLS13).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("UnrecognisedName"), "{refused}");
    // TLS from the first byte: it is the server's business, whatever host was dialled.
    let passed = socks5(gateway.proxies[0], server).await;
    let root = authorities.path("root.pem");
    let untrusted = handshake_for("made-up.test", passed, &root, &TLS13).await.unwrap_err();
    assert!(untrusted.to_string().contains("not valid for name"), "{untrusted}");
    assert!(!hosts.exists(), "nothing was made for anybody");
}

#[tokio::test]
async fn whoever_calls_the_server_by_another_name_is_shown_the_server_s_certificate() {
    let authorities = Authorities::new();
    let (_, gateway) = authorities.gateway(|_| {}).await;
    let root = authorities.path("ca/ca.pem");
    // As Pidgin does with the host of a direct listener.
    let shown = handshake_for("localhost", go_ahead(&gateway).await, &root, &TLS13).await;
    let shown = shown.unwrap_err().to_string();
    assert!(shown.contains("lines.test"), "{shown}");
    let made = authorities.path("ca/hosts").read_dir().unwrap();
    let made: Vec<_> = made.map(|file| file.unwrap().file_name()).collect();
    assert!(made.iter().all(|file| file.to_string_lossy().starts_with("lines.test")), "{made:?}");
}

#[test]
fn keys_are_readable_by_their_owner_only_and_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca");
    ca::init(&ca).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&ca), mode(&ca.join("ca.key"))), (0o700, 0o600));
    assert!(ca::export(&ca).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let before = ca::export(&ca).unwrap();
    assert!(matches!(ca::init(&ca), Err(ca::Error::Exists(_))));
    assert_eq!(ca::export(&ca).unwrap(), before);
}
