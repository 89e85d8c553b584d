//! One client's connection, from the way it came in to the line in the log.

mod open;
mod report;

use std::net::SocketAddr;
use std::sync::Arc;

use crosstalk_core::{Fault, HostPort, NetworkId};
use tokio::net::TcpStream;

use crate::config::Proxy;
use crate::policy::Asked;
use crate::session::{End, Leg, Session};
use crate::shared::Shared;
use crate::splice;
use crate::stream::Stream;
use report::Report;

/// How the clients of a listener come in.
pub(crate) enum Way {
    /// With a proxy protocol.
    Proxy(Proxy),
    /// Taking the listener for the server of a network.
    Direct {
        /// The network.
        network: NetworkId,
        /// Its server.
        upstream: HostPort,
        /// Where the listener says it is.
        advertise: HostPort,
    },
    /// Without knowing.
    Transparent,
}

/// What a connection turned out to be.
enum Road {
    /// One with an engine.
    Interpreted(Box<Session>),
    /// One without. In direct mode its server is not connected yet.
    Opaque(Box<(Leg, Leg)>),
}

/// Why a connection came to nothing.
enum Dead {
    /// The client left before it was clear what it wanted.
    Gone,
    /// Somebody did wrong.
    Fault(Fault),
}

impl From<Fault> for Dead {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Serves a connection to its end. Every stage is boxed, so that one does not cost the room of
/// all while it waits.
pub(crate) async fn serve(shared: Arc<Shared>, way: Arc<Way>, tcp: TcpStream, peer: SocketAddr) {
    let mut report = Report::new(peer, &way);
    let fault = match Box::pin(open::open(&shared, &way, tcp, &mut report)).await {
        Err(Dead::Gone) => None,
        Err(Dead::Fault(fault)) => Some(fault),
        Ok(Road::Opaque(legs)) => Box::pin(pass(&shared, &way, legs, &mut report)).await,
        Ok(Road::Interpreted(session)) => match Box::pin(interpret(session, &mut report)).await {
            (End::Closed, _) => None,
            (End::Silent, _) => Some(Fault::client("it never said who it is")),
            (End::Fault(fault), _) => Some(fault),
            (End::Opaque(fault), legs) => {
                let later = Box::pin(pass(&shared, &way, legs, &mut report)).await;
                fault.or(later)
            }
        },
    };
    report.log(fault.as_ref());
}

async fn interpret(mut session: Box<Session>, report: &mut Report) -> (End, Box<(Leg, Leg)>) {
    let end = session.run().await;
    report.user = session.user().cloned();
    let legs = session.into_legs();
    report.count(&legs);
    (end, legs)
}

/// Connects the two sides with nothing in between.
async fn pass(
    shared: &Shared,
    way: &Way,
    mut legs: Box<(Leg, Leg)>,
    report: &mut Report,
) -> Option<Fault> {
    let (client, server) = &mut *legs;
    if let (None, Way::Direct { upstream, .. }) = (&server.stream, way) {
        match shared.dialer.dial(Asked::Engine, upstream).await {
            Ok(dialled) => server.stream = Some(Stream::Plain(dialled.tcp)),
            Err(failed) => return Some(failed.fault(upstream)),
        }
    }
    let broken = splice::run(client, server).await;
    report.count(&legs);
    broken.map(|(side, error)| Fault::new(side.blame(), error.to_string()))
}
