//! A client's connection, from the way it came in to its line in the log.

mod open;
mod report;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use crosstalk_core::Fault;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::abort::Abort;
use crate::connection_permits::ConnectionPermit;
use crate::ingress::Ingress;
use crate::memory::{Charge, OpenEntry};
use crate::policy::Asked;
use crate::session::{End, Endpoint, Peer, Session};
use crate::shared::Shared;
use crate::splice::{Broken, CopyTls, Owner, PlainSide, plain_sides};
use crate::stream::Stream;
use crate::tls;
use report::Report;

/// Interpretation of a connection, once its first bytes are known.
enum Opened {
    /// Connection with an engine.
    Interpreted(Box<Session>),
    /// Connection without an engine. In direct mode its server is not connected yet.
    Opaque(Box<(Endpoint, Endpoint)>),
}

/// Reason why a connection ended before it was interpreted.
enum OpenError {
    /// The client left before it was clear what it wanted.
    Gone,
    /// The client or the server broke the rules.
    Fault(Fault),
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Logs that `peer` was turned away before anything was known of it.
pub(crate) fn refuse(peer: SocketAddr, way: &Ingress, fault: &Fault) {
    Report::new(peer, way).log(Some(fault));
}

/// State that is kept as long as a connection lasts.
struct Connection {
    shared: Arc<Shared>,
    way: Arc<Ingress>,
    report: Report,
    /// Its session, while that lasts.
    session: Option<Box<Session>>,
    /// Reason of its end, where somebody is to blame.
    fault: Option<Box<Fault>>,
    /// Its entry in the ledger of memory.
    memory: OpenEntry,
    /// Its permit among all, and who is behind it.
    permit: ConnectionPermit,
    /// Tells its listener that it is over.
    _open: mpsc::Sender<Infallible>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Ended from outside, it had no time to say so.
        let ended = self.memory.close();
        if let Some(session) = &self.session {
            self.report.user = session.user().cloned();
        }
        self.report.log(ended.as_ref().or(self.fault.as_deref()));
    }
}

/// Serves a connection to its end, and keeps its permit until then.
///
/// Every stage is boxed, so that a connection that waits takes the room of the stage it is in and
/// not of the largest.
pub(crate) fn serve(
    shared: Arc<Shared>,
    way: Arc<Ingress>,
    tcp: TcpStream,
    peer: SocketAddr,
    (permit, memory, open): (ConnectionPermit, OpenEntry, mpsc::Sender<Infallible>),
) -> impl Future<Output = ()> + Send + 'static {
    let report = Report::new(peer, &way);
    let (session, fault) = (None, None);
    let connection =
        Connection { shared, way, report, session, fault, memory, permit, _open: open };
    let mut connection = Box::new(connection);
    let opening = Box::pin(async move {
        let Connection { shared, way, report, permit, memory, .. } = &mut *connection;
        let opened = open::open(shared, way, tcp, (permit, memory), report).await;
        (connection, opened)
    });
    async move {
        let (mut connection, opened) = opening.await;
        connection.permit.key().is_known();
        let (end, endpoints) = match opened {
            Err(OpenError::Gone) => return,
            Err(OpenError::Fault(fault)) => (End::Fault(fault), Box::default()),
            Ok(Opened::Opaque(endpoints)) => (End::Opaque(None), endpoints),
            Ok(Opened::Interpreted(session)) => {
                let (end, endpoints) = Box::pin(connection.interpret(session)).await;
                Box::pin(connection.reconsider(end, endpoints)).await
            }
        };
        let fault = match end {
            End::Closed => None,
            End::Silent => Some(Fault::client("it never said who it is")),
            End::Fault(fault) => Some(fault),
            End::Opaque(fault) => {
                connection.fault = fault.map(Box::new);
                return Box::pin(connection.pass(endpoints)).await;
            }
        };
        if let Some(fault) = fault {
            connection.blame(fault);
        }
    }
}

impl Connection {
    async fn interpret(&mut self, session: Box<Session>) -> (End, Box<(Endpoint, Endpoint)>) {
        let session = self.session.insert(session);
        let end = session.run().await;
        self.report.user = session.user().cloned();
        let endpoints =
            self.session.take().map(|session| session.into_endpoints()).unwrap_or_default();
        self.report.count((endpoints.0.received, endpoints.1.received));
        (end, endpoints)
    }

    /// Asks whether a client of whom an engine took nothing speaks what must not pass unread.
    async fn reconsider(
        &mut self,
        end: End,
        endpoints: Box<(Endpoint, Endpoint)>,
    ) -> (End, Box<(Endpoint, Endpoint)>) {
        let (End::Opaque(Some(_)) | End::Fault(_)) = &end else { return (end, endpoints) };
        let (client, server) = &*endpoints;
        let first = &client.inbox;
        // Only where all that the client sent is still there can another engine judge it from its
        // beginning.
        let is_first = !first.is_empty() && client.received == first.len() as u64;
        let target = self.report.target.as_ref().filter(|_| is_first && !tls::is_hello(first));
        let known = self.report.network.as_ref();
        let undialled = server.stream.is_none();
        let watch = target.and_then(|at| Some((self.shared.watch(known, at, undialled)?, at)));
        let Some((watch, target)) = watch else { return (end, endpoints) };
        let peer = Peer::new(&self.way, &self.permit, target);
        let charge = self.memory.entry().charge();
        let session = Session::new(Arc::clone(&self.shared), watch, *endpoints, peer, charge);
        let (later, endpoints) = self.interpret(Box::new(session)).await;
        match (end, later) {
            // What cannot pass any more is not passed; but there may be more to say of it.
            (End::Fault(fault), End::Opaque(_) | End::Closed) => (End::Fault(fault), endpoints),
            (End::Opaque(fault), End::Opaque(None)) => (End::Opaque(fault), endpoints),
            (_, later) => (later, endpoints),
        }
    }

    /// Connects the two sides with nothing in between.
    async fn pass(mut self: Box<Self>, mut endpoints: Box<(Endpoint, Endpoint)>) {
        if let (None, Ingress::Direct { upstream, .. }) = (&endpoints.1.stream, &*self.way) {
            let origin = &self.permit.origin;
            match Box::pin(self.shared.dialer.dial(origin, Asked::Engine, upstream)).await {
                Ok(dialled) => endpoints.1.stream = Some(Stream::Plain(dialled.tcp)),
                Err(failed) => return self.blame(failed.fault(upstream)),
            }
        }
        let (client, server) = &mut *endpoints;
        if let Some(sides) = plain_sides(client, server) {
            return self.splice(sides);
        }
        let patience = self.shared.config.limits.handshake;
        let broken = CopyTls::new((client, server), self.memory.charge(), patience).await;
        self.ended((client.received, server.received), broken);
    }

    /// Leaves two plain sides to the threads for that; the task ends.
    fn splice(self: Box<Self>, sides: (PlainSide, PlainSide)) {
        let (key, entry) = (self.permit.key(), self.memory.entry().clone());
        let splicer = self.shared.splicer.clone();
        match splicer.splice(sides, self) {
            // From here on these end it; what they asked of the task before is asked again.
            Ok(Some(handles)) => {
                let [one, other] = handles.map(Abort::Splice);
                key.is_served_by(one);
                entry.is_served_by(other);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "a connection cannot pass through"),
        }
    }

    /// Records whose fault its end is: of two faults, the first.
    fn blame(&mut self, fault: Fault) {
        self.fault.get_or_insert_with(|| Box::new(fault));
    }
}

impl Owner for Connection {
    fn charge(&mut self) -> &mut Charge {
        self.memory.charge()
    }

    fn ended(&mut self, received: (u64, u64), broken: Option<Broken>) {
        self.report.count(received);
        if let Some((side, error)) = broken {
            self.blame(Fault::new(side.blame(), error.to_string()));
        }
    }
}
