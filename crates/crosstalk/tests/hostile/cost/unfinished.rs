//! Bound of 64 KiB on a connection on which nobody signed on, whatever it leaves unfinished.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::case::{Case, cases};
use crate::chat::Chat;
use crate::gateway::{Gateway, MIB};
use crate::jabber::client::{PORT, open};
use crate::jabber::server::listen;
use crate::jabber::{Client, Route, Server};
use crate::world::{FRIEND, HOLE};

const CONNECTIONS: u32 = 200;
/// Limit on the memory of a connection on either side, its sockets and tasks, and the two together.
const EACH: u64 = 192 << 10;

pub(crate) fn cases() -> Vec<Case> {
    cases![two_hundred_unfinished_megabytes_of_nobody_are_not_kept].into()
}

/// Most of a stanza.
pub(crate) fn unfinished() -> String {
    format!("<iq id='1'><a>{}", "x".repeat(1_000_000))
}

/// A server that begins like its clients.
pub(crate) async fn serve_unfinished(ip: [u8; 4]) {
    let listener = listen(SocketAddr::from((Ipv4Addr::from(ip), PORT)));
    let said: Arc<str> = (open(HOLE.0) + &unfinished()).into();
    let mut held = JoinSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let said = Arc::clone(&said);
        held.spawn(async move {
            if stream.write_all(said.as_bytes()).await.is_ok() {
                let _ = stream.read(&mut [0]).await;
            }
        });
    }
}

async fn two_hundred_unfinished_megabytes_of_nobody_are_not_kept() {
    let _friends = Server::start(FRIEND);
    let _server = tokio::spawn(serve_unfinished(HOLE.1));
    let mut gateway = Gateway::start().await;
    let mut chat = Chat::begin(FRIEND.0).await;
    let (before, begin, rest) = (gateway.memory(), open(HOLE.0), unfinished());
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut client = Client::dial(Route::to(HOLE.0).from(Ipv4Addr::new(127, 0, 2, 1))).await;
        let _ = timeout(Duration::from_millis(50), client.tries(&(begin.clone() + &rest))).await;
        held.push(client);
    }
    chat.once().await;
    let growth = gateway.peak().saturating_sub(before);
    assert!(gateway.is_up());
    assert!(growth < u64::from(CONNECTIONS) * EACH, "it grew by {} MiB", growth / MIB);
}
