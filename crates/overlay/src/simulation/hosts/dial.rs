//! Connections between hosts, in place of libp2p: both of a pair dial until they are connected, and
//! the lower says which connection carries the link.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};
use tokio_util::io::InspectReader;
use turmoil::net::{TcpListener, TcpStream};

use super::super::machine::id;
use super::host::Host;
use crate::transport::link::{self, Greeting};

const PORT: u16 = 7000;
/// Longest time for a connection to come up.
const HANDSHAKE: Duration = Duration::from_secs(10);
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LAST_WAIT: Duration = Duration::from_secs(10);

/// The name of a host.
pub(super) fn name(n: usize) -> String {
    format!("gateway{n}")
}

/// Dials a gateway whenever there is no link to it.
pub(super) async fn dial(host: Rc<Host>, peer: usize) {
    let mut failures = 0;
    loop {
        let wait = FIRST_WAIT.saturating_mul(1 << failures.min(8)).min(LAST_WAIT);
        let wait = host.shared.borrow_mut().dice.within(wait / 2, wait);
        sleep(wait).await;
        while host.hub.linked().contains(&id(peer)) {
            failures = 0;
            sleep(FIRST_WAIT * 4).await;
        }
        failures += 1;
        if let Ok(Ok(stream)) = timeout(HANDSHAKE, call(&host, peer)).await {
            carry(host.clone(), peer, stream).await;
        }
    }
}

async fn call(host: &Host, peer: usize) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect((name(peer), PORT)).await?;
    stream.write_u8(host.n as u8).await?;
    Ok(stream)
}

/// Lets others connect.
pub(super) async fn listen(host: Rc<Host>) {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        host.spawn(answer(host.clone(), stream));
    }
}

async fn answer(host: Rc<Host>, mut stream: TcpStream) {
    if let Ok(Ok(peer)) = timeout(HANDSHAKE, stream.read_u8()).await {
        carry(host, peer.into(), stream).await;
    }
}

async fn carry(host: Rc<Host>, peer: usize, mut stream: TcpStream) {
    if host.n < peer {
        if !host.linking.borrow_mut().insert(peer) {
            return;
        }
        if stream.write_u8(1).await.is_ok() {
            run_link(&host, peer, stream).await;
        }
        host.linking.borrow_mut().remove(&peer);
    } else if matches!(timeout(HANDSHAKE, stream.read_u8()).await, Ok(Ok(_))) {
        run_link(&host, peer, stream).await;
    }
}

async fn run_link(host: &Rc<Host>, peer: usize, stream: TcpStream) {
    let (n, shared) = (host.n, host.shared.clone());
    let stream = InspectReader::new(stream, move |bytes: &[u8]| {
        let mut ledger = shared.borrow_mut();
        ledger.record.totals.frames += 1;
        ledger.trace((n, peer, bytes));
    });
    link::run(host.hub.clone(), id(peer), stream, Arc::new(Greeting::new(Vec::new()))).await;
    host.shared.borrow_mut().record.totals.breaks += 1;
}
