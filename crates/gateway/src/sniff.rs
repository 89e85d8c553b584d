//! Recognising a protocol by what either side says first.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use crosstalk_core::Network;
use crosstalk_networks::{Verdict, sniff};
use tokio::time::{Instant, timeout_at};

use crate::session::Endpoint;
use crate::tls;

/// The most bytes of one side that are looked at; every network decides within 64.
const ENOUGH: usize = 1024;

/// Protocol recognised from the first bytes.
pub(crate) enum Recognised {
    /// A protocol of ours.
    Network(&'static dyn Network),
    /// A client that begins with TLS.
    Tls,
    /// No protocol of ours.
    Unknown,
    /// Too little was said, or not in time.
    Unclear,
    /// Neither side sent anything.
    Nothing,
}

/// Waits for the first bytes, at most for `handshake`, and then at most `patience` until they are
/// clear. They stay in the endpoints' inboxes.
pub(crate) async fn recognise(
    client: &mut Endpoint,
    server: &mut Endpoint,
    handshake: Duration,
    patience: Duration,
) -> Recognised {
    let (first, mut until) = (Instant::now() + handshake, None);
    loop {
        if let Some(clear) = judge(client, server) {
            return clear;
        }
        let silent = client.inbox.is_empty() && server.inbox.is_empty();
        let more = poll_fn(|cx| poll_either(cx, client, server));
        let until =
            if silent { first } else { *until.get_or_insert_with(|| Instant::now() + patience) };
        let ended = match timeout_at(until, more).await {
            Ok(ended) => ended,
            Err(_) if silent => return Recognised::Nothing,
            Err(_) => return Recognised::Unclear,
        };
        if ended {
            let said = !client.inbox.is_empty() || !server.inbox.is_empty();
            let unclear = if said { Recognised::Unclear } else { Recognised::Nothing };
            return judge(client, server).unwrap_or(unclear);
        }
    }
}

fn judge(client: &Endpoint, server: &Endpoint) -> Option<Recognised> {
    if tls::is_hello(&client.inbox) {
        return Some(Recognised::Tls);
    }
    match sniff(&client.inbox, &server.inbox) {
        Verdict::Known(network) => Some(Recognised::Network(network)),
        Verdict::Unknown => Some(Recognised::Unknown),
        Verdict::Undecided if client.inbox.len().max(server.inbox.len()) > ENOUGH => {
            Some(Recognised::Unknown)
        }
        Verdict::Undecided => None,
    }
}

/// Reads from whichever side has something; true when one ended.
fn poll_either(cx: &mut Context<'_>, client: &mut Endpoint, server: &mut Endpoint) -> Poll<bool> {
    for endpoint in [client, server] {
        if let Poll::Ready(read) = endpoint.poll_read(cx, ENOUGH) {
            let before = endpoint.inbox.len();
            crate::stream::settle(&mut endpoint.inbox, before);
            return Poll::Ready(!matches!(read, Ok(n) if n > 0));
        }
    }
    Poll::Pending
}

/// The first bytes of a client that takes us for its server, without waiting long for them.
pub(crate) async fn first_of_client(client: &mut Endpoint, patience: Duration) {
    let mut nobody = Endpoint::default();
    let _ =
        timeout_at(Instant::now() + patience, poll_fn(|cx| poll_either(cx, client, &mut nobody)))
            .await;
}
