//! A connection that came with a cookie: BOS, or a service beside it.

use std::io;

use crosstalk_networks::oscar::wire::{Channel, Snac};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::state::{BOS, Pass};
use super::{Shared, feedbag, locate, messages, presence, setup};
use crate::aim::link::{Incoming, Outgoing};

/// The most messages that wait for a client that does not read.
const QUEUE: usize = 4096;

/// Serves the connection to its end.
pub(super) async fn run<R, W>(
    shared: &Shared,
    pass: Pass,
    incoming: Incoming<R>,
    mut outgoing: Outgoing<W>,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (out, mut queue) = mpsc::channel(QUEUE);
    let service = pass.service;
    let _ = out.try_send(setup::families(service));
    let id = shared.state().begin(pass.user, out);
    let reading = read(shared, id, service, incoming);
    let writing = async {
        while let Some(snac) = queue.recv().await {
            outgoing.snac(&snac).await?;
        }
        Ok(())
    };
    let ended = tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
    };
    presence::leave(&mut shared.state(), id);
    let _ = outgoing.frame(Channel::SignOff, &[]).await;
    outgoing.close().await;
    ended
}

async fn read<R: AsyncRead + Unpin>(
    shared: &Shared,
    id: u64,
    service: u16,
    mut incoming: Incoming<R>,
) -> io::Result<()> {
    while let Some(snac) = incoming.snac().await? {
        if service == BOS {
            handle(shared, id, &snac);
        } else {
            handle_beside(shared, id, service, &snac);
        }
    }
    Ok(())
}

/// A message on BOS. What nobody here knows is ignored, as servers do.
fn handle(shared: &Shared, id: u64, snac: &Snac) {
    let mut state = shared.state();
    match snac.family {
        0x01 => setup::handle(&mut state, shared.addr, id, snac),
        0x02 => locate::handle(&mut state, id, snac),
        0x03 => presence::handle(&mut state, id, snac),
        0x04 => messages::handle(&mut state, id, snac),
        0x09 => setup::privacy(&state, id, snac),
        0x13 => feedbag::handle(&mut state, id, snac),
        _ => {}
    }
}

/// A message on a service beside BOS, which is there so that clients find it: it has nothing.
fn handle_beside(shared: &Shared, id: u64, service: u16, snac: &Snac) {
    let mut state = shared.state();
    match snac.kind() {
        // Ready here does not mean signed on.
        (0x01, 0x02) => {}
        (0x01, _) => setup::handle(&mut state, shared.addr, id, snac),
        (family, _) if family == service => setup::not_here(&state, id, snac),
        _ => {}
    }
}
