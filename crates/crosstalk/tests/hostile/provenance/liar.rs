//! A client that lies in every field that it may fill, with an account of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use crosstalk_mock::{Account, Server, by_id};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::gateway::{Gateway, Plan, until};
use crate::jabber::{PATIENCE, Route};
use crate::world::VICTIM;

/// Owner of the account.
pub(super) const LIAR: &str = "mallory";
/// Name that the client claims.
pub(super) const VICTIMS_NAME: &str = "ceo";
pub(super) const PASSWORD: &str = "secret";
/// Name that clients take for the host of the server.
const HOST: &str = "server.test";
/// Time after which the consequence of the last lie would be there.
const A_WHILE: Duration = Duration::from_millis(2500);

/// A server that knows both people, and a gateway before it.
pub(super) struct Scene {
    gateway: Gateway,
    server: Box<dyn Server>,
}

/// A connection of the liar's.
pub(super) struct Line {
    stream: TcpStream,
    read: BytesMut,
}

impl Scene {
    /// Serves a network at its usual port.
    pub(super) async fn begin(network: &str, port: u16) -> Self {
        let at = SocketAddr::from((Ipv4Addr::from(VICTIM.1), port));
        let accounts = [LIAR, VICTIMS_NAME].map(|name| Account::new(name, PASSWORD));
        let server = by_id(network).unwrap().serve(at, &accounts).await.unwrap();
        let servers = format!("[networks.{network}.servers]\n\"{HOST}\" = \"{at}\"\n");
        let gateway = Plan::new().with(&servers).start().await;
        Self { gateway, server }
    }

    /// A connection past the gateway.
    pub(super) async fn directly(&self) -> Line {
        Line::new(TcpStream::connect(self.server.addr()).await.unwrap())
    }

    /// A connection through it.
    pub(super) async fn through(&self) -> Line {
        self.through_to(HOST, self.server.addr().port()).await
    }

    /// A connection through it to where the server sent its client.
    pub(super) async fn through_to(&self, host: &str, port: u16) -> Line {
        let way = Route::to(host).at(port);
        Line::new(way.dial().await.expect("a server that can be dialled"))
    }

    /// The liar is signed on, if anybody is.
    pub(super) async fn nobody_but_the_liar_is_signed_on(&self) {
        sleep(A_WHILE).await;
        let signed_in = self.gateway.signed_in();
        let all_true = signed_in.iter().all(|user| user.starts_with(LIAR));
        assert!(all_true, "{signed_in:?}\n{}", self.gateway.log());
    }

    /// The same, and that one is, since what the server says of it is clear.
    pub(super) async fn the_liar_is_signed_on(&self) {
        let is_any = until(PATIENCE, || !self.gateway.signed_in().is_empty()).await;
        assert!(is_any, "nobody is: {}", self.gateway.log());
        self.nobody_but_the_liar_is_signed_on().await;
    }
}

impl Line {
    fn new(stream: TcpStream) -> Self {
        Self { stream, read: BytesMut::new() }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        // The gateway may have had enough of it.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next thing that `take` finds, until the end.
    pub(super) async fn next<T>(
        &mut self,
        mut take: impl FnMut(&mut BytesMut) -> Option<T>,
    ) -> Option<T> {
        loop {
            if let Some(found) = take(&mut self.read) {
                return Some(found);
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await;
            if !matches!(read, Ok(Ok(count)) if count > 0) {
                return None;
            }
        }
    }

    /// The next line, without its end.
    pub(super) async fn line(&mut self) -> Option<String> {
        self.next(|read| {
            let end = memchr::memmem::find(read, b"\r\n")?;
            let line = String::from_utf8_lossy(&read.split_to(end)).into_owned();
            read.advance(2);
            Some(line)
        })
        .await
    }
}
