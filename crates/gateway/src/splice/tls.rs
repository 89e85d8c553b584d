//! Connections that are not interpreted and whose TLS ends here: their own task copies.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crosstalk_core::Side;
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep, sleep};

use super::Broken;
use crate::memory::Charge;
use crate::session::Endpoint;
use crate::stream::settle;

/// Moves bytes both ways, those that were read or queued before first, until both directions
/// ended. A direction ends with its source, and the other goes on. What waits meanwhile is charged.
///
/// A connection on which both sides said something may be silent for ever. Before that, and after
/// one side has ended, it may be silent for `patience`.
///
/// A future by hand: most connections are in this state most of the time, and what an `async fn`
/// makes of it keeps each argument twice.
pub(crate) struct CopyTls<'a> {
    client: &'a mut Endpoint,
    server: &'a mut Endpoint,
    charge: &'a mut Charge,
    patience: Duration,
    up: Flow,
    down: Flow,
    silence: Option<Silence>,
}

impl<'a> CopyTls<'a> {
    /// Connects the two.
    pub(crate) fn new(
        (client, server): (&'a mut Endpoint, &'a mut Endpoint),
        charge: &'a mut Charge,
        patience: Duration,
    ) -> Self {
        server.outbox.push(&std::mem::take(&mut client.inbox));
        client.outbox.push(&std::mem::take(&mut server.inbox));
        let (up, down) = (Flow::from(Side::Client), Flow::from(Side::Server));
        Self { client, server, charge, patience, up, down, silence: None }
    }
}

impl Future for CopyTls<'_> {
    type Output = Option<Broken>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Broken>> {
        let Self { client, server, charge, patience, up, down, silence } = &mut *self;
        // As in a session, asking again ends soon; a connection without an engine counts as one on
        // which nobody signed on.
        if charge.is_closed(false) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let ended = [up.poll(cx, client, server), down.poll(cx, server, client)];
        charge.set(client.capacity() + server.capacity());
        match ended {
            [Poll::Ready(()), Poll::Ready(())] => {}
            [Poll::Pending, Poll::Pending] if client.received > 0 && server.received > 0 => {
                *silence = None;
                return Poll::Pending;
            }
            _ => {
                // Compared by amounts instead of marking each read: a direction that is stuck on
                // its sink moves nothing, whatever its source sends.
                let moved = Moved::by(client, server);
                let silence = silence.get_or_insert_with(|| Silence::of(*patience));
                ready!(silence.poll(cx, moved, *patience));
            }
        }
        Poll::Ready(up.broken.take().or_else(|| down.broken.take()))
    }
}

/// Bytes read and written so far: a count that changes as long as anything moves.
#[derive(PartialEq)]
struct Moved {
    received: u64,
    written: u64,
}

impl Moved {
    fn by(client: &Endpoint, server: &Endpoint) -> Self {
        Self {
            received: client.received + server.received,
            written: client.outbox.written() + server.outbox.written(),
        }
    }
}

/// For how long nothing was moved.
struct Silence(Box<(Pin<Box<Sleep>>, Option<Moved>)>);

impl Silence {
    fn of(patience: Duration) -> Self {
        Self(Box::new((Box::pin(sleep(patience)), None)))
    }

    /// Ready when it is longer than `patience` since the last change of what was moved.
    fn poll(&mut self, cx: &mut Context<'_>, now: Moved, patience: Duration) -> Poll<()> {
        let (timer, before) = &mut *self.0;
        if before.as_ref() != Some(&now) {
            *before = Some(now);
            timer.as_mut().reset(Instant::now() + patience);
        }
        timer.as_mut().poll(cx)
    }
}

/// One direction.
struct Flow {
    source: Side,
    ended: bool,
    broken: Option<Broken>,
}

impl Flow {
    const fn from(source: Side) -> Self {
        Self { source, ended: false, broken: None }
    }

    /// Moves what it can; ready once the direction has ended and its sink was told.
    fn poll(&mut self, cx: &mut Context<'_>, from: &mut Endpoint, to: &mut Endpoint) -> Poll<()> {
        while !self.ended {
            if let Err(error) = ready!(Self::poll_drain(cx, from.ended, to)) {
                self.broken = Some((self.source.other(), error));
                self.ended = true;
            } else if from.ended {
                self.ended = true;
            } else if let Err(error) = ready!(self.poll_fill(cx, from, to)) {
                self.broken = Some((self.source, error));
                from.ended = true;
            }
        }
        Poll::Ready(())
    }

    /// Writes what is held, and with `last` the end.
    fn poll_drain(cx: &mut Context<'_>, last: bool, to: &mut Endpoint) -> Poll<io::Result<()>> {
        let Some(stream) = &mut to.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        ready!(to.outbox.poll_write(cx, stream, &[]))?;
        if last { Pin::new(stream).poll_shutdown(cx) } else { Poll::Ready(Ok(())) }
    }

    /// Takes more, now that nothing is held.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Endpoint,
        to: &mut Endpoint,
    ) -> Poll<io::Result<()>> {
        let Some(sink) = &mut to.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let n = ready!(from.poll_read(cx, usize::MAX))?;
        let written = to.outbox.poll_write(cx, sink, &from.inbox);
        from.inbox.clear();
        settle(&mut from.inbox, n);
        if let Poll::Ready(Err(error)) = written {
            self.broken = Some((self.source.other(), error));
            (self.ended, to.shut) = (true, true);
        }
        Poll::Ready(Ok(()))
    }
}
