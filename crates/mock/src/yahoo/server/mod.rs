//! The server: the look-up over HTTP and YMSG, both on one port.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;

use self::session::Session;
use self::state::ServerState;
use super::packet::{NotYmsg, Packet};
use crate::Account;
use crate::incoming::{Incoming, invalid};
use crate::server::{Listening, Recorder, host};

mod list;
mod message;
mod presence;
mod session;
mod sign_on;
mod state;

/// A Yahoo server in this process.
pub struct Server {
    shared: Shared,
    listening: Listening,
}

/// State shared by all connections of a server.
type Shared = crate::server::Shared<ServerState>;

/// Packets on their way to one client.
type Line = mpsc::Sender<Vec<u8>>;

/// The most packets that wait for a client that does not read.
const QUEUE: usize = 4096;
/// The longest request of the look-up, in bytes.
const LONGEST_REQUEST: usize = 4096;

/// Request of a client.
enum Request {
    Packet(Packet),
    /// The whole request for the server's address.
    LookUp,
}

impl Server {
    /// Listens at `addr`, for `users`.
    pub async fn start(addr: SocketAddr, users: &[Account]) -> io::Result<Self> {
        let (shared, listening) = host(addr, ServerState::new(users), connection).await?;
        Ok(Self { shared, listening })
    }
}

impl crate::Server for Server {
    fn listening(&self) -> &Listening {
        &self.listening
    }

    fn secrets(&self) -> Vec<String> {
        self.shared.state().secrets()
    }
}

async fn connection(stream: TcpStream, shared: Shared, recorder: Recorder) -> io::Result<()> {
    let (read, write) = stream.into_split();
    let mut incoming = Incoming::new(read, Some(recorder));
    let (line, queue) = mpsc::channel(QUEUE);
    let reading = async {
        let mut session = Session::new(line);
        let outcome = loop {
            match incoming.next(request).await {
                Ok(Some(Request::Packet(packet))) => match session.handle(&shared, &packet) {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(wrong) => break Err(invalid(wrong)),
                },
                Ok(Some(Request::LookUp)) => {
                    session.say_raw(address(shared.addr));
                    break Ok(());
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        session.leave(&shared);
        outcome
    };
    let (read, written) = tokio::join!(reading, write_all(write, queue));
    read.and(written)
}

fn request(buffer: &mut BytesMut) -> Result<Option<Request>, NotYmsg> {
    if !buffer.starts_with(b"G") {
        return Ok(Packet::take(buffer)?.map(Request::Packet));
    }
    let whole = buffer.ends_with(b"\r\n\r\n");
    if buffer.len() > LONGEST_REQUEST || whole && !buffer.starts_with(b"GET /capacity HTTP/1.") {
        return Err(NotYmsg::Magic);
    }
    Ok(whole.then(|| {
        buffer.clear();
        Request::LookUp
    }))
}

/// The answer to a look-up.
fn address(addr: SocketAddr) -> Vec<u8> {
    let body = format!("COLO_CAPACITY=1\r\nCS_IP_ADDRESS={}\r\n", addr.ip());
    let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length:";
    format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn write_all(
    mut write: OwnedWriteHalf,
    mut queue: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(packet) = queue.recv().await {
        write.write_all(&packet).await?;
    }
    write.shutdown().await
}
