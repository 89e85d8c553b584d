//! The server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use self::state::ServerState;
use super::link::Link;
use super::sasl;
use crate::Account;
use crate::server::{Listening, Recorder, host};

mod iq;
mod message;
mod negotiate;
mod presence;
mod roster;
mod session;
mod state;
mod subscription;

/// An XMPP server for [`super::DOMAIN`] in this process.
pub struct Server {
    shared: Shared,
    listening: Listening,
}

/// State shared by all connections of a server.
type Shared = crate::server::Shared<ServerState>;

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
        let (shared, listening) = host(addr, ServerState::new(users, tls), connection).await?;
        Ok(Self { shared, listening })
    }
}

impl crate::Server for Server {
    fn listening(&self) -> &Listening {
        &self.listening
    }

    fn secrets(&self) -> Vec<String> {
        let state = self.shared.state();
        let local = |jid: &String| jid.split('@').next().unwrap_or_default().to_owned();
        let plain = |(jid, user): (_, &state::User)| {
            sasl::encode(&sasl::plain(&local(jid), user.password.expose()))
        };
        state.users.iter().map(plain).collect()
    }
}

async fn connection(stream: TcpStream, shared: Shared, recorder: Recorder) -> io::Result<()> {
    let link = Link::new(Box::new(stream), Some(recorder));
    match negotiate::run(&shared, link).await? {
        Some((link, user)) => session::run(&shared, link, user).await,
        None => Ok(()),
    }
}
