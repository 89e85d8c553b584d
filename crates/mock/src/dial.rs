//! Routes from a client to its server.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crosstalk_core::HostPort;
use fast_socks5::client::{Config, Socks5Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::Record;
use crate::server::Recorder;

/// The port of web pages under TLS.
const HTTPS: u16 = 443;

/// A way to a server, or to a gateway in front of it.
#[derive(Clone, Debug)]
pub enum Route {
    /// Straight to an address: the server itself or a gateway's direct listener.
    Direct(SocketAddr),
    /// The same, and to another address for the web pages of the network.
    Hosts {
        /// The server or the listener.
        server: SocketAddr,
        /// Address of the web pages, or of the listener for them.
        web: SocketAddr,
    },
    /// Through a SOCKS5 proxy, which resolves the server's name.
    Socks5 {
        /// The proxy.
        proxy: SocketAddr,
        /// The server.
        server: HostPort,
    },
    /// Another way, with a record of all that the client sends.
    Kept(Box<Self>, Record),
}

/// A byte stream in both directions, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

impl Route {
    /// Connects to the server that the way was made for.
    pub async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Direct(addr) | Self::Hosts { server: addr, .. } => tcp(*addr).await,
            Self::Socks5 { proxy, server } => socks5(*proxy, server).await,
            Self::Kept(way, record) => Ok(kept(Box::pin(way.dial()).await?, record)),
        }
    }

    /// Connects to a place that the server named.
    pub async fn dial_to(&self, server: &HostPort) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Direct(_) | Self::Hosts { .. } => {
                let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Socks5 { proxy, .. } => socks5(*proxy, server).await,
            Self::Kept(way, record) => Ok(kept(Box::pin(way.dial_to(server)).await?, record)),
        }
    }

    /// Connects to the web pages of `host`, under TLS.
    pub(crate) async fn dial_web(&self, host: &str) -> io::Result<Box<dyn Stream>> {
        let stream = match self {
            Self::Direct(_) => return Err(io::Error::other("no way to the web")),
            Self::Hosts { web, .. } => tcp(*web).await?,
            Self::Socks5 { proxy, .. } => socks5(*proxy, &HostPort::new(host, HTTPS)).await?,
            Self::Kept(way, record) => {
                return Ok(kept(Box::pin(way.dial_web(host)).await?, record));
            }
        };
        crate::web::encrypt(stream, host).await
    }

    /// The host name the client believes it talks to.
    pub fn host(&self) -> String {
        self.server().host
    }

    /// The server the client believes it talks to.
    pub(crate) fn server(&self) -> HostPort {
        match self {
            Self::Direct(addr) | Self::Hosts { server: addr, .. } => {
                HostPort::new(addr.ip().to_string(), addr.port())
            }
            Self::Socks5 { server, .. } => server.clone(),
            Self::Kept(way, _) => way.server(),
        }
    }
}

fn kept(stream: Box<dyn Stream>, record: &Record) -> Box<dyn Stream> {
    Box::new(Kept { stream, recorder: record.open() })
}

/// A stream whose other end hears what is also written down.
struct Kept {
    stream: Box<dyn Stream>,
    recorder: Recorder,
}

impl AsyncRead for Kept {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Kept {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.recorder.received(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

async fn tcp(addr: SocketAddr) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

async fn socks5(proxy: SocketAddr, server: &HostPort) -> io::Result<Box<dyn Stream>> {
    let stream = Socks5Stream::connect(proxy, server.host.clone(), server.port, Config::default())
        .await
        .map_err(io::Error::other)?;
    stream.get_socket_ref().set_nodelay(true)?;
    Ok(Box::new(stream))
}
