//! Accepting connections, within limits.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::admission::Admission;
use crate::connection_permits::ConnectionPermits;
use crate::dial::keep_alive;
use crate::ingress::Ingress;
use crate::shared::Shared;

/// Pause after the system had no file descriptor or memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// The connections the system keeps ready for us to accept.
const BACKLOG: i32 = 4096;

/// A bound listener.
pub(crate) struct Listener {
    socket: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Listener {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::STREAM,
            Some(socket2::Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        // The connections it accepts inherit this.
        keep_alive(&socket)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let socket = TcpListener::from_std(socket.into())?;
        Ok(Self { address: socket.local_addr()?, socket })
    }

    /// Serves whoever comes until told to stop; then waits for `drain` and cuts off the rest.
    pub(crate) async fn run(
        self,
        shared: Arc<Shared>,
        way: Ingress,
        permits: Arc<ConnectionPermits>,
        mut stop: watch::Receiver<bool>,
    ) {
        let admission = Arc::new(Admission { shared, way: Arc::new(way), permits });
        let mut connections = JoinSet::new();
        // Dropped with each connection, wherever it is served by then.
        let (open, mut none_open) = mpsc::channel::<Infallible>(1);
        let mut failing = false;
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((tcp, peer)) => {
                    failing = false;
                    admission.admit(tcp, peer, &open, &mut connections);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "cannot accept connections for now");
                    }
                    // A connection that made nothing of its descriptor gives it to the one that
                    // waits.
                    admission.permits.shed();
                    sleep(PAUSE).await;
                }
            }
        }
        // Closed before the wait, so that clients find another gateway meanwhile.
        drop((self.socket, open));
        let all = async {
            while connections.join_next().await.is_some() {}
            none_open.recv().await;
        };
        let _ = tokio::time::timeout(admission.shared.config.limits.drain, all).await;
        connections.shutdown().await;
    }
}

/// Whether accepting failed for the sake of the one connection that was to be accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
