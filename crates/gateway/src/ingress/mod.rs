//! Ways in which clients come in: by a proxy protocol, by taking the gateway for their server, or
//! by a firewall's redirection.

mod http;
mod proxy;
mod proxy_header;
mod socks4;
mod socks5;
mod transparent;

use std::net::IpAddr;

use bytes::BytesMut;
use crosstalk_core::{HostPort, NetworkId};
use ipnet::IpNet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::Proxy;
use crate::dial::Failed;

pub(crate) use proxy::greet;
pub(crate) use proxy_header::read as read_header;
pub(crate) use transparent::original_destination;

/// Kinds of listeners, by how their clients come in.
pub(crate) enum Ingress {
    /// By a proxy protocol.
    Proxy(Proxy),
    /// Taking the listener for the server of a network.
    Direct {
        /// The network.
        network: NetworkId,
        /// Its server.
        upstream: HostPort,
        /// Address under which the listener can be reached by its clients.
        advertise: HostPort,
        /// Load balancers in front of it.
        behind: Vec<IpNet>,
    },
    /// Without knowing.
    Transparent,
}

impl Ingress {
    /// Whether `ip` is a load balancer, whose connections begin with a PROXY header that says whose
    /// they are. Everybody else's are as they are, so that nobody can say to be another.
    pub(crate) fn is_behind(&self, ip: IpAddr) -> bool {
        let (Self::Proxy(Proxy { behind, .. }) | Self::Direct { behind, .. }) = self else {
            return false;
        };
        let ip = ip.to_canonical();
        behind.iter().any(|net| net.contains(&ip))
    }
}

/// The largest opening of a proxy protocol, in bytes.
const MAX_OPENING: usize = 8 * 1024;

/// Request of a proxy client, which is to be answered.
pub(crate) struct Request {
    /// Target to connect to.
    pub(crate) target: HostPort,
    /// Its name, where the proxy has users.
    pub(crate) user: Option<Box<str>>,
    /// The protocol it asked in.
    pub(crate) protocol: Protocol,
    /// Bytes that the client sent on without waiting for the answer.
    pub(crate) early: BytesMut,
}

/// A proxy protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Socks4,
    Socks5,
    Http,
}

impl Protocol {
    /// Name for the log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Socks4 => "SOCKS4",
            Self::Socks5 => "SOCKS5",
            Self::Http => "HTTP CONNECT",
        }
    }

    /// Tells the client how its request went.
    pub(crate) async fn answer(
        self,
        tcp: &mut TcpStream,
        result: Result<(), &Failed>,
    ) -> std::io::Result<()> {
        match self {
            Self::Socks4 => tcp.write_all(&socks4::answer(result)).await,
            Self::Socks5 => tcp.write_all(&socks5::answer(result)).await,
            Self::Http => tcp.write_all(http::answer(result).as_bytes()).await,
        }
    }
}

/// Result of parsing an opening so far.
#[derive(Debug, PartialEq, Eq)]
enum Parsed<T> {
    /// More bytes are needed.
    More,
    /// The whole opening, and its length in bytes.
    Whole(T, usize),
    /// A breach of the protocol's rules.
    Wrong(&'static str),
}

/// Number of bytes that each parser of openings takes off `read`, in the order in which a client
/// may need them; `None` where it wants more, or takes no such opening.
#[cfg(feature = "fuzzing")]
pub(crate) fn taken(read: &[u8], users: &proxy::Users) -> [Option<usize>; 6] {
    fn length<T>(parsed: &Parsed<T>) -> Option<usize> {
        if let Parsed::Whole(_, length) = parsed { Some(*length) } else { None }
    }
    [
        length(&socks4::parse(read)),
        length(&socks5::parse_methods(read)),
        length(&socks5::parse_password(read, |_, _| true)),
        length(&socks5::parse_request(read)),
        length(&http::parse(read, users)),
        length(&proxy_header::parse(read)),
    ]
}

/// Reason why a client does not get through the opening of its proxy protocol.
#[derive(Debug)]
pub(crate) enum HandshakeError {
    /// The client left, or sent nothing at all.
    Gone,
    /// The client broke the rules, or is not allowed in.
    Refused(&'static str),
}

impl From<std::io::Error> for HandshakeError {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

/// An opening that is read piece by piece.
struct Opening<'a> {
    tcp: &'a mut TcpStream,
    read: BytesMut,
}

impl Opening<'_> {
    /// Reads until `parse` has seen enough, and takes what it saw.
    async fn take<T>(&mut self, parse: impl Fn(&[u8]) -> Parsed<T>) -> Result<T, HandshakeError> {
        loop {
            match parse(&self.read) {
                Parsed::Whole(value, len) => {
                    let _ = self.read.split_to(len.min(self.read.len()));
                    return Ok(value);
                }
                Parsed::Wrong(why) => return Err(HandshakeError::Refused(why)),
                Parsed::More if self.read.len() >= MAX_OPENING => {
                    return Err(HandshakeError::Refused("its opening is too long"));
                }
                Parsed::More => {}
            }
            if self.tcp.read_buf(&mut self.read).await? == 0 {
                return Err(HandshakeError::Gone);
            }
        }
    }

    async fn send(&mut self, answer: &[u8]) -> Result<(), HandshakeError> {
        Ok(self.tcp.write_all(answer).await?)
    }
}
