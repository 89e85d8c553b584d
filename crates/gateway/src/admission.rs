//! Admission of connections, within the limits of the client that each is of.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use crosstalk_core::{Fault, Payer};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::abort::Abort;
use crate::client_origin::ClientOrigin;
use crate::connection;
use crate::connection_permits::{ConnectionPermit, ConnectionPermits, PermitKey};
use crate::ingress::{HandshakeError, Ingress, read_header};
use crate::memory::{Entry, OpenEntry};
use crate::shared::Shared;

/// A connection's permit, and its entry in the ledger of memory.
type Room = (ConnectionPermit, OpenEntry);

/// Kept by each connection as long as it is open.
type Open = mpsc::Sender<Infallible>;

/// Everything that the connections of one listener are served with.
pub(crate) struct Admission {
    pub(crate) shared: Arc<Shared>,
    pub(crate) way: Arc<Ingress>,
    pub(crate) permits: Arc<ConnectionPermits>,
}

impl Admission {
    /// Serves a connection from `peer` in a task of its own, if there is room for it. Over the
    /// limit, closing at once is all that costs nothing.
    pub(crate) fn admit(
        self: &Arc<Self>,
        tcp: TcpStream,
        peer: SocketAddr,
        open: &Open,
        connections: &mut JoinSet<()>,
    ) {
        if self.way.is_behind(peer.ip()) {
            return self.admit_balancer(tcp, peer, open, connections);
        }
        let Some(room) = self.room(peer) else { return };
        let keys = keys(&room);
        let task = connections.spawn(self.serve(tcp, peer, room, open.clone()));
        set_task(&keys, task);
    }

    /// The same of a load balancer's connection, which is another's as soon as that is read from it.
    fn admit_balancer(
        self: &Arc<Self>,
        mut tcp: TcpStream,
        balancer: SocketAddr,
        open: &Open,
        connections: &mut JoinSet<()>,
    ) {
        let Some(permit) = self.permits.take_for_many(ClientOrigin::of(balancer.ip())) else {
            return;
        };
        let room = self.with_memory(permit);
        let (keys, admission, open) = (keys(&room), Arc::clone(self), open.clone());
        let (say, own) = oneshot::channel();
        let task = connections.spawn(async move {
            let client = Box::pin(admission.client(&mut tcp, balancer)).await;
            let (Some(client), Ok(task)) = (client, own.await) else { return };
            // Before the client's own is taken, lest one connection count twice.
            drop(room);
            let Some(room) = admission.room(client) else { return };
            set_task(&self::keys(&room), task);
            admission.serve(tcp, client, room, open).await;
        });
        set_task(&keys, task.clone());
        // A task that is over by now needs it no more.
        let _ = say.send(task);
    }

    /// The client that a load balancer speaks for, which may be itself.
    async fn client(&self, tcp: &mut TcpStream, balancer: SocketAddr) -> Option<SocketAddr> {
        let header = timeout(self.shared.config.limits.handshake, read_header(tcp)).await;
        let why = match header {
            Ok(Ok(client)) => return Some(client.unwrap_or(balancer)),
            // As those do that only look whether somebody listens.
            Ok(Err(HandshakeError::Gone)) => return None,
            Ok(Err(HandshakeError::Refused(why))) => why,
            Err(_) => "it took too long to send a PROXY header",
        };
        connection::refuse(balancer, &self.way, &Fault::client(why));
        None
    }

    fn room(&self, client: SocketAddr) -> Option<Room> {
        self.permits.take(ClientOrigin::of(client.ip())).map(|permit| self.with_memory(permit))
    }

    fn with_memory(&self, permit: ConnectionPermit) -> Room {
        let memory = self.shared.router.memory().open(&Payer::Address(permit.origin.address));
        (permit, memory)
    }

    fn serve(
        &self,
        tcp: TcpStream,
        client: SocketAddr,
        (permit, memory): Room,
        open: Open,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (shared, way) = (Arc::clone(&self.shared), Arc::clone(&self.way));
        connection::serve(shared, way, tcp, client, (permit, memory, open))
    }
}

/// Keys to tell, when a task owns the room, which task to abort.
fn keys((permit, memory): &Room) -> (PermitKey, Entry) {
    (permit.key(), memory.entry().clone())
}

fn set_task((key, entry): &(PermitKey, Entry), task: AbortHandle) {
    key.is_served_by(Abort::Task(task.clone()));
    entry.is_served_by(Abort::Task(task));
}
