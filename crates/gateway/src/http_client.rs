//! HTTP/1.1 to what services call: one request a connection, within a deadline and a size, to public
//! addresses only unless the operator names another.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crosstalk_services::{Method, Request, Trouble};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::Uri;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, HeaderValue, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::client_origin::ClientOrigin;
use crate::config::{Allow, HostPattern};
use crate::dns::Dns;
use crate::policy::ranges::is_public;

/// Longest time for all of a request.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most bytes of a body that are read, and of all its headers.
pub(crate) const MAX_BODY: usize = 64 * 1024;
/// The most names that are looked up at once.
const LOOK_UPS: usize = 16;
/// The most addresses of one name that are tried.
const ADDRESSES: usize = 4;

/// A status and a body.
pub(crate) type Response = (u16, Vec<u8>);

/// A client of HTTP.
pub(crate) struct Http {
    dns: Dns,
    tls: TlsConnector,
    /// Places that may be called whatever their address is.
    allow: Vec<Allow>,
}

impl Http {
    pub(crate) fn new(allow: Vec<Allow>, tls: ClientConfig) -> Self {
        Self { dns: Dns::of_one(LOOK_UPS), tls: TlsConnector::from(Arc::new(tls)), allow }
    }

    /// Sends a request and reads the response. Redirects are not followed: a response that is one is
    /// returned.
    pub(crate) async fn send(&self, request: Request) -> Result<Response, Trouble> {
        timeout(PATIENCE, self.exchange(request)).await.unwrap_or(Err(Trouble::Timeout))
    }

    async fn exchange(&self, request: Request) -> Result<Response, Trouble> {
        let uri: Uri = request.url.0.parse().map_err(|_| Trouble::Unreachable)?;
        let is_https = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or(Trouble::Unreachable)?.trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let tcp = self.connect(host, port).await?;
        if !is_https {
            return exchange(tcp, &uri, request).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Trouble::Unreachable)?;
        let stream = self.tls.connect(name, tcp).await.map_err(|_| Trouble::Unreachable)?;
        exchange(stream, &uri, request).await
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Trouble> {
        // All of it is the gateway's own.
        let origin = ClientOrigin::of(IpAddr::from([0, 0, 0, 0]));
        let found = self.dns.addresses(&origin, host).await.map_err(|_| Trouble::Unreachable)?;
        // The address that is checked is the one that is connected to: a name may lead elsewhere
        // the next time it is looked up.
        let may = |ip: &&IpAddr| is_public(**ip) || self.is_allowed(host, **ip, port);
        for ip in found.iter().filter(may).take(ADDRESSES) {
            // Half of the time for one address, so that another gets its chance.
            let tried = timeout(PATIENCE / 2, TcpStream::connect(SocketAddr::new(*ip, port))).await;
            if let Ok(Ok(tcp)) = tried {
                return Ok(tcp);
            }
        }
        Err(Trouble::Unreachable)
    }

    /// Whether the operator names the host, or a range that the address is in.
    fn is_allowed(&self, host: &str, ip: IpAddr, port: u16) -> bool {
        let ip = ip.to_canonical().to_string();
        self.allow.iter().any(|rule| match rule.host {
            HostPattern::Name(_) => rule.permits(host, port),
            HostPattern::Net(_) => rule.permits(&ip, port),
            // Names that anybody may choose can lead to this machine.
            HostPattern::Any | HostPattern::Under(_) => false,
        })
    }
}

/// Sends a request for what is at `uri`, and reads the response to its end.
async fn exchange<S>(stream: S, uri: &Uri, request: Request) -> Result<Response, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut client = http1::Builder::new();
    client.max_buf_size(MAX_BODY);
    let opened = client.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = opened.map_err(|_| Trouble::Unreachable)?;
    let request = encode(uri, request).map_err(|_| Trouble::Unreachable)?;
    let talk = async move {
        let response = sender.send_request(request).await.map_err(|_| Trouble::Broken)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
        let body = body.map_err(|error| {
            let is_long = error.is::<LengthLimitError>();
            if is_long { Trouble::TooLarge } else { Trouble::Broken }
        })?;
        Ok((status, body.to_bytes().to_vec()))
    };
    let (mut talk, connection) = (pin!(talk), pin!(connection));
    tokio::select! {
        response = &mut talk => response,
        // What was read before it ended is there to be taken.
        _ = connection => talk.await,
    }
}

/// A request as HTTP/1.1 has it.
fn encode(uri: &Uri, request: Request) -> hyper::http::Result<hyper::Request<Full<Bytes>>> {
    let method = match request.method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
    };
    let mut encoded = hyper::Request::builder()
        .method(method)
        .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, uri.authority().map_or("", |authority| authority.as_str()))
        .header(USER_AGENT, concat!("CrossTalk/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "application/json");
    for (name, value) in request.headers {
        let mut value = HeaderValue::try_from(value.into_inner())?;
        value.set_sensitive(true);
        encoded = encoded.header(name, value);
    }
    encoded.body(Full::from(request.body))
}
