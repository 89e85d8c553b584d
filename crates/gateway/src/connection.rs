//! A client's connection, from the way it came in to its line in the log.

mod open;
mod report;

use std::net::SocketAddr;
use std::sync::Arc;

use crosstalk_core::Fault;
use tokio::net::TcpStream;

use crate::connection_permits::ConnectionPermit;
use crate::ingress::Ingress;
use crate::memory::Account;
use crate::policy::Asked;
use crate::session::{End, Endpoint, Peer, Session};
use crate::shared::Shared;
use crate::splice::Splice;
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

/// State that is kept as long as a connection lasts.
struct Connection {
    shared: Arc<Shared>,
    way: Arc<Ingress>,
    report: Report,
    /// Its session, while that lasts.
    session: Option<Box<Session>>,
    /// Reason of its end, where somebody is to blame.
    fault: Option<Box<Fault>>,
    /// Its account of memory.
    account: Account,
    /// Its permit among all, and who is behind it.
    permit: ConnectionPermit,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Ended from outside, it had no time to say so.
        let ended = self.account.close();
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
    (permit, account): (ConnectionPermit, Account),
) -> impl Future<Output = ()> + Send + 'static {
    let report = Report::new(peer, &way);
    let connection =
        Connection { shared, way, report, session: None, fault: None, account, permit };
    let mut connection = Box::new(connection);
    let opening = Box::pin(async move {
        let Connection { shared, way, report, permit, account, .. } = &mut *connection;
        let opened = open::open(shared, way, tcp, (permit, account), report).await;
        (connection, opened)
    });
    async move {
        let (mut connection, opened) = opening.await;
        connection.permit.key().is_known();
        let fault = match opened {
            Err(OpenError::Gone) => None,
            Err(OpenError::Fault(fault)) => Some(fault),
            Ok(Opened::Opaque(legs)) => Box::pin(connection.pass(legs)).await,
            Ok(Opened::Interpreted(session)) => {
                let (end, legs) = Box::pin(connection.interpret(session)).await;
                // Boxed once more: it is rare, and what it holds would be room in every connection.
                Box::pin(connection.finish(end, legs)).await
            }
        };
        connection.fault = fault.map(Box::new);
    }
}

impl Connection {
    async fn interpret(&mut self, session: Box<Session>) -> (End, Box<(Endpoint, Endpoint)>) {
        let session = self.session.insert(session);
        let end = session.run().await;
        self.report.user = session.user().cloned();
        let legs = self.session.take().map(|session| session.into_legs()).unwrap_or_default();
        self.report.count(&legs);
        (end, legs)
    }

    /// Goes on after a session: with another, or with nothing in between, or not at all.
    async fn finish(&mut self, end: End, legs: Box<(Endpoint, Endpoint)>) -> Option<Fault> {
        let (end, legs) = Box::pin(self.reconsider(end, legs)).await;
        match end {
            End::Closed => None,
            End::Silent => Some(Fault::client("it never said who it is")),
            End::Fault(fault) => Some(fault),
            End::Opaque(fault) => {
                let later = Box::pin(self.pass(legs)).await;
                fault.or(later)
            }
        }
    }

    /// Asks whether a client of whom an engine took nothing speaks what must not pass unread.
    async fn reconsider(
        &mut self,
        end: End,
        legs: Box<(Endpoint, Endpoint)>,
    ) -> (End, Box<(Endpoint, Endpoint)>) {
        let (End::Opaque(Some(_)) | End::Fault(_)) = &end else { return (end, legs) };
        let (client, server) = &*legs;
        let first = &client.inbox;
        // Only where all that the client sent is still there can another engine judge it from its
        // beginning.
        let is_first = !first.is_empty() && client.received == first.len() as u64;
        let target = self.report.target.as_ref().filter(|_| is_first && !tls::is_hello(first));
        let known = self.report.network.as_ref();
        let undialled = server.stream.is_none();
        let watch = target.and_then(|at| Some((self.shared.watch(known, at, undialled)?, at)));
        let Some((watch, target)) = watch else { return (end, legs) };
        let peer = Peer::new(&self.way, &self.permit, target);
        let charge = self.account.entry().charge();
        let session = Session::new(Arc::clone(&self.shared), watch, *legs, peer, charge);
        let (later, legs) = self.interpret(Box::new(session)).await;
        match (end, later) {
            // What cannot pass any more is not passed; but there may be more to say of it.
            (End::Fault(fault), End::Opaque(_) | End::Closed) => (End::Fault(fault), legs),
            (End::Opaque(fault), End::Opaque(None)) => (End::Opaque(fault), legs),
            (_, later) => (later, legs),
        }
    }

    /// Connects the two sides with nothing in between.
    async fn pass(&mut self, mut legs: Box<(Endpoint, Endpoint)>) -> Option<Fault> {
        let (client, server) = &mut *legs;
        if let (None, Ingress::Direct { upstream, .. }) = (&server.stream, &*self.way) {
            match Box::pin(self.shared.dialer.dial(&self.permit.origin, Asked::Engine, upstream))
                .await
            {
                Ok(dialled) => server.stream = Some(Stream::Plain(dialled.tcp)),
                Err(failed) => return Some(failed.fault(upstream)),
            }
        }
        let (patience, pipes) = (self.shared.config.limits.handshake, self.shared.pipes);
        let broken = Splice::new((client, server), self.account.charge(), patience, pipes).await;
        self.report.count(&legs);
        broken.map(|(side, error)| Fault::new(side.blame(), error.to_string()))
    }
}
