//! Accepting connections, within limits.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crosstalk_core::Payer;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::config;
use crate::connection::{Origin, Way, serve};
use crate::dial::keep_alive;
use crate::shared::Shared;

/// How long to wait after the system had no file descriptor or memory for a connection.
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
        way: Way,
        places: Arc<Places>,
        mut stop: watch::Receiver<bool>,
    ) {
        let (way, mut connections) = (Arc::new(way), JoinSet::new());
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
                    // Over the limit, closing at once is all that costs nothing.
                    let origin = Origin::of(peer.ip());
                    let Some(place) = places.take(origin.address) else { continue };
                    let account = shared.router.memory().open(&Payer::Address(origin.address));
                    let entry = account.entry().clone();
                    let (shared, way) = (Arc::clone(&shared), Arc::clone(&way));
                    let serving = serve(shared, way, tcp, peer, origin, (place, account));
                    entry.set_task(connections.spawn(serving));
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "cannot accept connections for now");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
        drop(self.socket);
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(shared.config.limits.drain, all).await;
        connections.shutdown().await;
    }
}

/// Whether accepting failed for the sake of the one connection that was to be accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// The connections that there may be at once.
pub(crate) struct Places {
    most: usize,
    most_per_client: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

impl Places {
    pub(crate) fn new(limits: &config::Limits) -> Arc<Self> {
        Arc::new(Self {
            most: limits.connections,
            most_per_client: limits.connections_per_client,
            taken: Mutex::default(),
        })
    }

    /// A place for `client`, an address that is one client's ([`Origin::address`]).
    fn take(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let mut taken = self.lock();
        let own = taken.by_client.get(&client).copied().unwrap_or_default();
        if taken.all >= self.most || own >= self.most_per_client {
            tracing::debug!(%client, "turned away: too many connections");
            return None;
        }
        taken.all += 1;
        taken.by_client.insert(client, own + 1);
        Some(Place { places: Arc::clone(self), client })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place taken by one connection.
pub(crate) struct Place {
    places: Arc<Places>,
    client: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(own) = taken.by_client.get_mut(&self.client) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_per_client_and_in_all_and_come_back() {
        let limits = config::Limits { connections: 3, connections_per_client: 2, ..<_>::default() };
        let places = Places::new(&limits);
        let take = |ip: &str| places.take(Origin::of(ip.parse().unwrap()).address);
        let (first, second) = (take("2001:db8::1"), take("2001:db8::2"));
        assert!(first.is_some() && second.is_some());
        assert!(take("2001:db8::3").is_none(), "one network is one client");
        let third = take("10.0.0.1");
        assert!(third.is_some() && take("10.0.0.2").is_none());
        drop(first);
        assert!(take("2001:db8::3").is_some());
    }
}
