//! Our MSN server, and what it was sent.

use std::net::SocketAddr;

use crosstalk_mock::{Account, Server, msn};
use tokio::runtime::{Builder, Runtime};

/// An MSN server on loopback, with a runtime of its own.
pub struct MsnServer {
    server: msn::Server,
    _runtime: Runtime,
}

impl MsnServer {
    /// Starts one with `users`, each with a password.
    pub fn start(users: &[(&str, &str)]) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let accounts: Vec<_> =
            users.iter().map(|(name, pass)| Account::new(*name, *pass)).collect();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = runtime.block_on(msn::Server::start(anywhere, &accounts)).unwrap();
        Self { server, _runtime: runtime }
    }

    /// Port of its dispatch server.
    pub fn port(&self) -> u16 {
        self.server.addr().port()
    }

    /// URL of the page at which clients begin to get their tickets.
    pub fn nexus(&self) -> String {
        self.server.nexus()
    }

    /// Whether it ever received `text`.
    pub fn has_heard(&self, text: &str) -> bool {
        self.server.record().contains(text)
    }

    /// The tickets and the keys to conversations that it gave out.
    pub fn secrets(&self) -> Vec<String> {
        self.server.secrets()
    }
}
