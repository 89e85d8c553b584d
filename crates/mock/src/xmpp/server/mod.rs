//! The server.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use self::world::World;
use super::link::Link;
use super::sasl;
use crate::server::{Listening, Recorder};
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
    shared: Shared,
    listening: Listening,
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
        let shared = Shared { tls, world: Arc::new(Mutex::new(World::new(users))) };
        let serving = shared.clone();
        let serve = move |stream, recorder| connection(stream, serving.clone(), recorder);
        Ok(Self { shared, listening: Listening::begin(listener, serve)? })
    }
}

impl crate::Server for Server {
    fn addr(&self) -> SocketAddr {
        self.listening.addr
    }

    fn record(&self) -> &Record {
        &self.listening.record
    }

    fn secrets(&self) -> Vec<String> {
        let world = self.shared.world();
        let local = |jid: &String| jid.split('@').next().unwrap_or_default().to_owned();
        let plain = |(jid, user): (_, &world::User)| {
            sasl::encode(&sasl::plain(&local(jid), user.password.expose()))
        };
        world.users.iter().map(plain).collect()
    }
}

async fn connection(stream: TcpStream, shared: Shared, recorder: Recorder) -> io::Result<()> {
    let link = Link::new(Box::new(stream), Some(recorder));
    match negotiate::run(&shared, link).await? {
        Some((link, user)) => session::run(&shared, link, user).await,
        None => Ok(()),
    }
}
