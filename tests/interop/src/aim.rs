//! Our AIM server, and what it was sent.

use std::net::SocketAddr;

use crosstalk_mock::{Account, Server, aim};
use tokio::runtime::{Builder, Runtime};

/// An AIM server on loopback, with a runtime of its own.
pub struct AimServer {
    server: aim::Server,
    _runtime: Runtime,
}

impl AimServer {
    /// Starts one with `users`, each with a password.
    pub fn start(users: &[(&str, &str)]) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let accounts: Vec<_> =
            users.iter().map(|(name, pass)| Account::new(*name, *pass)).collect();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = runtime.block_on(aim::Server::start(anywhere, &accounts)).unwrap();
        Self { server, _runtime: runtime }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.server.addr().port()
    }

    /// Whether it ever received `text`.
    pub fn has_heard(&self, text: &str) -> bool {
        self.server.record().contains(text)
    }
}
