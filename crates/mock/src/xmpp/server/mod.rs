//! The server.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tracing::debug;

use self::world::World;
use super::link::Link;
use super::sasl;
use crate::server::Recorder;
use crate::{Account, Record};

mod iq;
mod message;
mod negotiate;
mod presence;
mod roster;
mod session;
mod world;

/// An XMPP server for [`super::DOMAIN`] in this process.
pub struct Server {
    addr: SocketAddr,
    record: Record,
    world: Arc<Mutex<World>>,
    accepting: JoinHandle<()>,
}

/// What every connection of a server shares.
#[derive(Clone)]
struct Shared {
    /// Where it is set, clients must encrypt before they sign on.
    tls: Option<TlsAcceptor>,
    world: Arc<Mutex<World>>,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Listens at `addr`, for `users`, without encryption.
    pub async fn start(addr: SocketAddr, users: &[Account]) -> io::Result<Self> {
        Self::listen(addr, users, None).await
    }

    /// Listens at `addr`, for `users`, and requires STARTTLS.
    pub async fn start_encrypted(
        addr: SocketAddr,
        users: &[Account],
        tls: Arc<ServerConfig>,
    ) -> io::Result<Self> {
        Self::listen(addr, users, Some(tls.into())).await
    }

    async fn listen(
        addr: SocketAddr,
        users: &[Account],
        tls: Option<TlsAcceptor>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let record = Record::default();
        let world = Arc::new(Mutex::new(World::new(users)));
        let shared = Shared { tls, world: Arc::clone(&world) };
        let accepting = tokio::spawn(accept(listener, shared, record.clone()));
        Ok(Self { addr, record, world, accepting })
    }
}

impl crate::Server for Server {
    fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn record(&self) -> &Record {
        &self.record
    }

    fn secrets(&self) -> Vec<String> {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let local = |jid: &String| jid.split('@').next().unwrap_or_default().to_owned();
        let plain = |(jid, user): (_, &world::User)| {
            sasl::encode(&sasl::plain(&local(jid), user.password.expose()))
        };
        world.users.iter().map(plain).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves until it is aborted, which ends the connections with it.
async fn accept(listener: TcpListener, shared: Shared, record: Record) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, from)) = accepted else { continue };
                let (shared, recorder) = (shared.clone(), record.open());
                connections.spawn(async move {
                    if let Err(error) = connection(stream, shared, recorder).await {
                        debug!(%from, %error, "XMPP connection broke");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Shared, recorder: Recorder) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let link = Link::new(Box::new(stream), Some(recorder));
    match negotiate::run(&shared, link).await? {
        Some((link, user)) => session::run(&shared, link, user).await,
        None => Ok(()),
    }
}
