//! The server: notification and switchboards, all on one port.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crosstalk_core::Side;
use crosstalk_networks::msnp::wire::Command;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use self::world::World;
use super::link::Incoming;
use crate::server::{Listening, Recorder};
use crate::{Account, Record};

mod notification;
mod switchboard;
mod world;

/// An MSN server in this process.
pub struct Server {
    shared: Shared,
    listening: Listening,
}

/// What every connection of a server shares.
#[derive(Clone)]
struct Shared {
    /// Where clients are sent for conversations.
    addr: SocketAddr,
    world: Arc<Mutex<World>>,
}

/// What is on its way to one client.
type Line = mpsc::Sender<String>;

/// The most lines that wait for a client that does not read.
const QUEUE: usize = 4096;

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

    /// Sets the ticket that `user` signs on with, in place of the one that follows from the
    /// password.
    pub fn set_ticket(&self, user: &str, ticket: &str) {
        self.shared.world().set_ticket(&super::passport(user), ticket);
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
        self.shared.world().secrets()
    }
}

/// One connection: its first command says what it is for.
async fn connection(stream: TcpStream, shared: Shared, recorder: Recorder) -> io::Result<()> {
    let (read, write) = stream.into_split();
    let mut incoming = Incoming::new(read, Side::Client, Some(recorder));
    let (line, queue) = mpsc::channel(QUEUE);
    let reading = async {
        let Some(first) = incoming.next().await? else { return Ok(()) };
        let mut handler = Handler::new(&first, line);
        let mut next = Some(first);
        while let Some(command) = next {
            if !handler.handle(&shared, &command) {
                break;
            }
            // A connection that breaks is left as one that ends.
            next = incoming.next().await.unwrap_or(None);
        }
        handler.leave(&shared);
        Ok(())
    };
    let (read, written) = tokio::join!(reading, write_all(write, queue));
    read.and(written)
}

async fn write_all(mut write: OwnedWriteHalf, mut queue: mpsc::Receiver<String>) -> io::Result<()> {
    while let Some(line) = queue.recv().await {
        write.write_all(line.as_bytes()).await?;
    }
    write.shutdown().await
}

/// What a connection turned out to be.
enum Handler {
    Notification(notification::Session),
    Switchboard(switchboard::Seat),
}

impl Handler {
    fn new(first: &Command, line: Line) -> Self {
        if first.verb() == "VER" {
            Self::Notification(notification::Session::new(line))
        } else {
            Self::Switchboard(switchboard::Seat::new(line))
        }
    }

    /// Returns whether the connection goes on.
    fn handle(&mut self, shared: &Shared, command: &Command) -> bool {
        match self {
            Self::Notification(session) => session.handle(shared, command),
            Self::Switchboard(seat) => seat.handle(shared, command),
        }
    }

    fn leave(self, shared: &Shared) {
        match self {
            Self::Notification(session) => session.leave(shared),
            Self::Switchboard(seat) => seat.leave(shared),
        }
    }
}
