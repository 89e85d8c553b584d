//! The server: a dispatch server, and behind it notification and switchboards on one port and
//! what clients ask on the web on another.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crosstalk_core::Side;
use crosstalk_networks::msnp::wire::Command;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use self::state::ServerState;
use super::book::HOST;
use super::link::Incoming;
use crate::server::{Listening, Recorder};
use crate::{Account, Web};

mod book;
mod dispatch;
mod lists;
mod notification;
mod presence;
mod sign_on;
mod state;
mod switchboard;
mod web;

/// An MSN server in this process.
pub struct Server {
    shared: Shared,
    /// The dispatch server, where every client begins.
    dispatch: Listening,
    _beside: [Listening; 2],
}

/// State shared by all connections of a server.
#[derive(Clone)]
struct Shared {
    /// Address that clients are sent to to sign on, and for conversations.
    addr: SocketAddr,
    /// Web server that gives clients their tickets and keeps their lists.
    web: Web,
    tls: TlsAcceptor,
    state: Arc<Mutex<ServerState>>,
}

/// Commands on their way to one client.
type Line = mpsc::Sender<String>;

/// The most lines that wait for a client that does not read.
const QUEUE: usize = 4096;

impl Shared {
    fn state(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Listens at `addr`, for `users`.
    pub async fn start(addr: SocketAddr, users: &[Account]) -> io::Result<Self> {
        let dispatch = TcpListener::bind(addr).await?;
        let anywhere = SocketAddr::new(addr.ip(), 0);
        let (inner, web) = (TcpListener::bind(anywhere).await?, TcpListener::bind(anywhere).await?);
        let (pages, tls) = Web::new(web.local_addr()?, HOST)?;
        let state = Arc::new(Mutex::new(ServerState::new(users)));
        let shared = Shared { addr: inner.local_addr()?, web: pages, tls, state };

        let serving = shared.clone();
        let dispatch = Listening::begin(dispatch, move |stream, recorder| {
            connection(stream, serving.clone(), recorder, Handler::dispatch)
        })?;
        let (serving, record) = (shared.clone(), dispatch.record.clone());
        let inner = Listening::recording(inner, record.clone(), move |stream, recorder| {
            connection(stream, serving.clone(), recorder, Handler::new)
        })?;
        let serving = shared.clone();
        let web = Listening::recording(web, record, move |stream, recorder| {
            web::connection(stream, serving.clone(), recorder)
        })?;
        Ok(Self { shared, dispatch, _beside: [inner, web] })
    }

    /// The page where clients of MSNP8 to 14 begin to get a ticket.
    pub fn nexus(&self) -> String {
        format!("http://{}{}", self.shared.web.addr, web::NEXUS)
    }
}

impl crate::Server for Server {
    fn listening(&self) -> &Listening {
        &self.dispatch
    }

    fn web(&self) -> Option<&Web> {
        Some(&self.shared.web)
    }

    fn secrets(&self) -> Vec<String> {
        self.shared.state().secrets()
    }
}

/// One connection: its first command says what it is for.
async fn connection(
    stream: TcpStream,
    shared: Shared,
    recorder: Recorder,
    handler: fn(&Command, Line) -> Handler,
) -> io::Result<()> {
    let (read, write) = stream.into_split();
    let mut incoming = Incoming::new(read, Side::Client, Some(recorder));
    let (line, queue) = mpsc::channel(QUEUE);
    let reading = async {
        let Some(first) = incoming.next().await? else { return Ok(()) };
        let mut handler = handler(&first, line);
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

/// Kind of a connection, once its first command is known.
enum Handler {
    Dispatch(Line),
    Notification(notification::Session),
    Switchboard(switchboard::Seat),
}

impl Handler {
    const fn dispatch(_: &Command, line: Line) -> Self {
        Self::Dispatch(line)
    }

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
            Self::Dispatch(line) => dispatch::handle(line, shared, command),
            Self::Notification(session) => session.handle(shared, command),
            Self::Switchboard(seat) => seat.handle(shared, command),
        }
    }

    fn leave(self, shared: &Shared) {
        match self {
            Self::Dispatch(_) => {}
            Self::Notification(session) => session.leave(shared),
            Self::Switchboard(seat) => seat.leave(shared),
        }
    }
}
