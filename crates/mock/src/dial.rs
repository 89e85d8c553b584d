//! How a client reaches its server.

use std::io;
use std::net::SocketAddr;

use crosstalk_core::HostPort;
use fast_socks5::client::{Config, Socks5Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A way to a server, or to a gateway in front of it.
#[derive(Clone, Debug)]
pub enum Way {
    /// Straight to an address: the server itself or a gateway's direct listener.
    Direct(SocketAddr),
    /// Through a SOCKS5 proxy, which resolves the server's name.
    Socks5 {
        /// The proxy.
        proxy: SocketAddr,
        /// The server.
        server: HostPort,
    },
}

/// A byte stream in both directions, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

impl Way {
    /// Connects to the server that the way was made for.
    pub async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Direct(addr) => tcp(*addr).await,
            Self::Socks5 { proxy, server } => socks5(*proxy, server).await,
        }
    }

    /// Connects to a place that the server named.
    pub async fn dial_to(&self, server: &HostPort) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Direct(_) => {
                let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Socks5 { proxy, .. } => socks5(*proxy, server).await,
        }
    }

    /// The host name the client believes it talks to.
    pub fn host(&self) -> String {
        match self {
            Self::Direct(addr) => addr.ip().to_string(),
            Self::Socks5 { server, .. } => server.host.clone(),
        }
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
