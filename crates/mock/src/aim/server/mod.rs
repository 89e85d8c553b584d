//! The server: sign-on, BOS and the services it redirects to, all on one port.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::debug;

use self::world::World;
use super::link::{Incoming, Outgoing};
use crate::{Account, Record};

mod feedbag;
mod locate;
mod messages;
mod presence;
mod session;
mod setup;
mod sign_on;
mod world;

/// An AIM server in this process.
pub struct Server {
    shared: Shared,
    record: Record,
    accepting: tokio::task::JoinHandle<()>,
}

/// What every connection of a server shares.
#[derive(Clone)]
struct Shared {
    /// Where clients are sent for BOS and other services.
    addr: SocketAddr,
    world: Arc<Mutex<World>>,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Listens at `addr`, for `users`.
    pub async fn start(addr: SocketAddr, users: &[Account]) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let record = Record::default();
        let shared = Shared { addr, world: Arc::new(Mutex::new(World::new(users))) };
        let accepting = tokio::spawn(accept(listener, shared.clone(), record.clone()));
        Ok(Self { shared, record, accepting })
    }
}

impl crate::Server for Server {
    fn addr(&self) -> SocketAddr {
        self.shared.addr
    }

    fn record(&self) -> &Record {
        &self.record
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.shared.world().secret()]
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
                        debug!(%from, %error, "AIM connection broke");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection: greets, then does what the client's greeting asks for.
async fn connection(
    stream: TcpStream,
    shared: Shared,
    recorder: crate::server::Recorder,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    let mut incoming = Incoming::new(read, Some(recorder));
    let mut outgoing = Outgoing::new(write, 100);
    let Some(pass) = sign_on::welcome(&shared, &mut incoming, &mut outgoing).await? else {
        outgoing.close().await;
        return Ok(());
    };
    session::run(&shared, pass, incoming, outgoing).await
}
