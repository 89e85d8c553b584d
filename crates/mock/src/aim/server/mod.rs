//! The server: sign-on, BOS and the services it redirects to, all on one port.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};

use self::world::World;
use super::link::{Incoming, Outgoing};
use crate::server::{Listening, Recorder};
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
    listening: Listening,
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
        let world = Arc::new(Mutex::new(World::new(users)));
        let shared = Shared { addr: listener.local_addr()?, world };
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
        vec![self.shared.world().secret()]
    }
}

/// One connection: greets, then does what the client's greeting asks for.
async fn connection(stream: TcpStream, shared: Shared, recorder: Recorder) -> io::Result<()> {
    let (read, write) = stream.into_split();
    let mut incoming = Incoming::new(read, Some(recorder));
    let mut outgoing = Outgoing::new(write, 100);
    let Some(pass) = sign_on::welcome(&shared, &mut incoming, &mut outgoing).await? else {
        outgoing.close().await;
        return Ok(());
    };
    session::run(&shared, pass, incoming, outgoing).await
}
