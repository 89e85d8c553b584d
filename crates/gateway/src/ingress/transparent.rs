//! Connections that a Linux firewall redirected here, to a server that the client named.

use std::io;
use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::TcpStream;

/// Address that the client of `tcp` dialled: `SO_ORIGINAL_DST`, `IP6T_SO_ORIGINAL_DST`.
#[cfg(target_os = "linux")]
pub(crate) fn original_destination(tcp: &TcpStream) -> io::Result<SocketAddr> {
    let socket = SockRef::from(tcp);
    let local = tcp.local_addr()?;
    let is_v4 = local.ip().to_canonical().is_ipv4();
    let original =
        if is_v4 { socket.original_dst_v4() } else { socket.original_dst_v6() }?.as_socket();
    original.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

/// Address that the client of `tcp` dialled: known on Linux only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn original_destination(_: &TcpStream) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
