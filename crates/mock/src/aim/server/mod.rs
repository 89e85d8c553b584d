//! The server: sign-on, BOS and the services it redirects to, all on one port.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;

use self::state::ServerState;
use super::link::{Incoming, Outgoing};
use crate::Account;
use crate::server::{Listening, Recorder, host};

mod feedbag;
mod locate;
mod messages;
mod presence;
mod session;
mod setup;
mod sign_on;
mod state;

/// An AIM server in this process.
pub struct Server {
    shared: Shared,
    listening: Listening,
}

/// State shared by all connections of a server.
type Shared = crate::server::Shared<ServerState>;

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
        vec![self.shared.state().secret()]
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
