//! Programs on other machines, by TLS.

use std::path::Path;
use std::sync::Arc;

use crosstalk_api::{Api, Listen};
use crosstalk_gateway::config::Config;
use crosstalk_gateway::router::{Options, Router};
use crosstalk_gateway::tls::ca;
use crosstalk_overlay::Overlay;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::door::names;

/// A client that trusts the private CA, and speaks that protocol.
async fn connect(home: &Path, at: std::net::SocketAddr, alpn: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(home.join("ca/ca.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let tcp = TcpStream::connect(at).await.unwrap();
    let name = "gateway.test".try_into().unwrap();
    let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(alpn));
    tls
}

fn status(token: &str) -> Request<Empty<Bytes>> {
    let request = Request::builder().uri("https://gateway.test/v1/status");
    let request = request.header("host", "gateway.test");
    let request = match token {
        "" => request,
        token => request.header("authorization", format!("Bearer {token}")),
    };
    request.body(Empty::new()).unwrap()
}

async fn json_of(answer: Response<hyper::body::Incoming>) -> Value {
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn programs_elsewhere_speak_tls_and_are_nobody_without_a_token() {
    let home = tempfile::tempdir().unwrap();
    ca::init(&home.path().join("ca")).unwrap();
    let (overlay, inbound) = Overlay::alone(home.path()).unwrap();
    let router = Router::new(overlay.clone(), inbound, names(), Options::default());
    let mut config = Config::alone(home.path().into());
    config.proxies[0].listen = "127.0.0.1:0".parse().unwrap();
    let gateway = crosstalk_gateway::Gateway::start(config, router.clone()).unwrap();
    let tls = Some(gateway.own_tls("gateway.test"));
    let listen = Listen { at: vec!["127.0.0.1:0".parse().unwrap()], tls };
    let api = Api::start(home.path(), listen, overlay, router, names()).await.unwrap();
    let made: Value = crosstalk_api::client::post(
        &crosstalk_api::socket(home.path()),
        "/v1/tokens",
        &json!({"who": "monitor@apps", "scopes": ["operator"]}),
    )
    .await
    .unwrap();
    let token = made["secret"].as_str().unwrap();

    let stream = connect(home.path(), api.at[0], b"h2").await;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let nobody = sender.send_request(status("")).await.unwrap();
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    let known = sender.send_request(status(token)).await.unwrap();
    assert_eq!(json_of(known).await["is_running"], json!(true));

    let stream = connect(home.path(), api.at[0], b"http/1.1").await;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let known = sender.send_request(status(token)).await.unwrap();
    assert_eq!(json_of(known).await["is_running"], json!(true));
}
