//! Connections: accepted, and served until they end or the gateway does.

use std::fs::{File, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use crosstalk_gateway::subscriber;
use crosstalk_gateway::tls::OwnTls;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::caller::{Client, Door};
use super::connection::{PATIENCE, serve};
use super::shares::Shares;

/// Pause after the system had nothing left for a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// The most connections to one door.
const CONNECTIONS: usize = 256;
/// How many of those of other machines are one client's.
const OF_CLIENT: usize = 64;
/// The protocols that TLS is asked for (RFC 7301).
const PROTOCOLS: &[&[u8]] = &[b"h2", b"http/1.1"];

/// The socket in the data directory.
pub(crate) struct OwnDoor {
    listener: UnixListener,
    /// A descriptor for whoever comes while there is no other left.
    spare: Option<File>,
    path: PathBuf,
}

impl OwnDoor {
    /// Opens it. The store is held by this process, so a socket that is there is left over.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        // The directory is closed to others, unless it was there before and open.
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Self { listener, spare: spare(), path: path.to_owned() })
    }

    /// Serves whoever comes, until it is dropped.
    pub(crate) async fn serve(mut self, router: Router) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                // Over the limit, closing at once is all that costs nothing.
                Ok(_) if connections.len() >= CONNECTIONS => {}
                Ok((socket, _)) => {
                    let served = serve(socket, router.clone(), Door::Own);
                    if self.spare.is_some() {
                        connections.spawn(served);
                    } else {
                        // One at a time and not for long, which leaves its descriptor to the next.
                        let _ = tokio::time::timeout(PATIENCE, served).await;
                        self.spare = spare();
                    }
                }
                // What is left of them may be taken by others between here and the next try.
                Err(_) if self.spare.take().is_some() => {}
                Err(error) => {
                    tracing::debug!(%error, "no program can ask the gateway for now");
                    sleep(PAUSE).await;
                    self.spare = spare();
                }
            }
        }
    }
}

/// A descriptor that can be given up for another.
fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

impl Drop for OwnDoor {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Addresses at which programs of other machines come, or of this one without its socket.
pub struct Listen {
    /// The addresses. Port 0 takes a free one.
    pub at: Vec<SocketAddr>,
    /// TLS, which is spoken then and nothing else.
    pub tls: Option<OwnTls>,
}

/// A bound address.
pub(crate) struct FarDoor {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    tls: Option<OwnTls>,
}

impl FarDoor {
    /// Binds an address.
    pub(crate) async fn open(at: SocketAddr, tls: Option<OwnTls>) -> io::Result<Self> {
        let listener = TcpListener::bind(at).await?;
        Ok(Self { address: listener.local_addr()?, listener, tls })
    }

    /// Serves whoever comes, until it is dropped.
    pub(crate) async fn serve(self, router: Router) {
        let mut connections = JoinSet::new();
        let mut shares = Shares::new(CONNECTIONS, OF_CLIENT);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(left) = connections.join_next_with_id() => {
                    let task = left.map_or_else(|error| error.id(), |(task, ())| task);
                    shares.leave(task);
                    continue;
                }
            };
            let Ok((tcp, peer)) = accepted else {
                sleep(PAUSE).await;
                continue;
            };
            let client = subscriber(peer.ip());
            // Over the limit, closing at once is all that costs nothing.
            if !shares.has_room(client) {
                continue;
            }
            let router = router.clone().layer(axum::Extension(Client(client)));
            let tls = self.tls.clone();
            let task = connections.spawn(async move {
                match tls {
                    None => serve(tcp, router, Door::Far).await,
                    Some(tls) => {
                        // How a client ends its handshake is its own business.
                        if let Ok(stream) = tls.accept(tcp, PROTOCOLS).await {
                            serve(stream, router, Door::Far).await;
                        }
                    }
                }
            });
            shares.enter(task.id(), client);
        }
    }
}
