//! Our Yahoo server, and people at our own client: nobody packages another one any more.

use std::net::SocketAddr;
use std::time::Duration;

use crosstalk_mock::{Account, Act, Client, Event, Network, Route, Server, by_id};
use tokio::runtime::{Builder, Runtime};

/// Longest wait for something that is to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Yahoo server on loopback, with a runtime of its own.
pub struct YahooServer {
    server: Box<dyn Server>,
    runtime: Runtime,
}

impl YahooServer {
    /// Starts one with `users`, each with a password.
    pub fn start(users: &[(&str, &str)]) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let accounts: Vec<_> =
            users.iter().map(|(name, pass)| Account::new(*name, *pass)).collect();
        let server = runtime.block_on(yahoo().serve(loopback(0), &accounts)).unwrap();
        Self { server, runtime }
    }

    /// Port it listens on.
    pub fn port(&self) -> u16 {
        self.server.addr().port()
    }

    /// A user, signed on through the gateway whose listener is at this port.
    pub(crate) fn user(&self, name: &str, password: &str, port: u16) -> YahooUser<'_> {
        let (account, way) = (Account::new(name, password), Route::Direct(loopback(port)));
        let client = self.runtime.block_on(yahoo().sign_on(&account, &way)).unwrap();
        YahooUser { client, runtime: &self.runtime }
    }
}

/// A person at our own client.
pub struct YahooUser<'a> {
    client: Client,
    runtime: &'a Runtime,
}

impl YahooUser<'_> {
    /// Says yes to the next one who asks.
    pub fn says_yes(&mut self) {
        self.runtime.block_on(async {
            let asked = self.client.expect(PATIENCE, |event| match event {
                Event::Asked { by, .. } => Some(by.clone()),
                _ => None,
            });
            let by = asked.await.unwrap();
            self.client.act(Act::Accept(by)).await;
        });
    }

    /// Says something to somebody.
    pub fn says(&self, to: &str, text: &str) {
        self.runtime.block_on(self.client.say(to, text));
    }

    /// Waits for a message with `part` in it.
    #[track_caller]
    pub fn reads(&mut self, part: &str) {
        let is_it = |event: &Event| {
            matches!(event, Event::Said { text, .. } if text.text().contains(part)).then_some(())
        };
        let read = self.runtime.block_on(self.client.expect(PATIENCE, is_it));
        read.unwrap_or_else(|| panic!("{part:?} never came"));
    }

    /// Goes away with a text.
    pub fn goes_away(&self, text: &str) {
        self.runtime.block_on(self.client.act(Act::Away(text.to_owned())));
    }
}

fn yahoo() -> &'static dyn Network {
    by_id("yahoo").unwrap()
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
