//! Connections that are not interpreted.
//!
//! What is small is copied through the worker's buffer; a direction that fills it is moved inside
//! the kernel by splice(2), through a pipe that is held only while there is something in it.

#[cfg(target_os = "linux")]
mod pipe;
#[cfg(not(target_os = "linux"))]
#[path = "no_pipe.rs"]
mod pipe;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crosstalk_core::Side;
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep, sleep};

use crate::memory::Charge;
use crate::session::Endpoint;
use crate::stream::{Stream, settle};
use pipe::Pipe;

/// Number of bytes in one read from which on a direction is moved inside the kernel.
const BULK: usize = 16 * 1024;

/// Side that failed, and its error.
pub(crate) type Broken = (Side, io::Error);

/// Moves bytes both ways, those that were read or queued before first, until both directions
/// ended. A direction ends with its source, and the other goes on. What waits meanwhile is charged.
///
/// A connection on which both sides said something may be silent for ever. Before that, and after
/// one side has ended, it may be silent for `patience`.
///
/// A future by hand: most connections are in this state most of the time, and what an `async fn`
/// makes of it keeps each argument twice.
pub(crate) struct Splice<'a> {
    client: &'a mut Endpoint,
    server: &'a mut Endpoint,
    charge: &'a mut Charge,
    patience: Duration,
    up: Flow,
    down: Flow,
    silence: Option<Silence>,
}

impl<'a> Splice<'a> {
    /// Connects the two. No more than `pipes` are open at once in the process.
    pub(crate) fn new(
        (client, server): (&'a mut Endpoint, &'a mut Endpoint),
        charge: &'a mut Charge,
        patience: Duration,
        pipes: u16,
    ) -> Self {
        server.outbox.push(&std::mem::take(&mut client.inbox));
        client.outbox.push(&std::mem::take(&mut server.inbox));
        let (up, down) = (Flow::from(Side::Client, pipes), Flow::from(Side::Server, pipes));
        Self { client, server, charge, patience, up, down, silence: None }
    }
}

impl Future for Splice<'_> {
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
        let piped = [&*up, &*down].map(|flow| flow.pipe.as_ref().map_or(0, Pipe::held));
        charge.set(client.capacity() + server.capacity() + piped[0] + piped[1]);
        match ended {
            [Poll::Ready(()), Poll::Ready(())] => {}
            [Poll::Pending, Poll::Pending] if client.received > 0 && server.received > 0 => {
                *silence = None;
                return Poll::Pending;
            }
            _ => {
                // Compared by amounts instead of marking each read: a direction that is stuck on
                // its sink moves nothing, whatever its source sends.
                let moved = Moved::by(client, server, [&*up, &*down]);
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
    in_pipes: usize,
}

impl Moved {
    fn by(client: &Endpoint, server: &Endpoint, flows: [&Flow; 2]) -> Self {
        let held = |flow: &Flow| flow.pipe.as_ref().map_or(0, Pipe::held);
        Self {
            received: client.received + server.received,
            written: client.outbox.written() + server.outbox.written(),
            in_pipes: flows.map(held).iter().sum(),
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
    pipe: Option<Pipe>,
    pipes: u16,
    bulk: bool,
    ended: bool,
    broken: Option<Broken>,
}

impl Flow {
    const fn from(source: Side, pipes: u16) -> Self {
        Self { source, pipe: None, pipes, bulk: false, ended: false, broken: None }
    }

    /// Moves what it can; ready once the direction has ended and its sink was told.
    fn poll(&mut self, cx: &mut Context<'_>, from: &mut Endpoint, to: &mut Endpoint) -> Poll<()> {
        while !self.ended {
            if let Err(error) = ready!(self.poll_drain(cx, from.ended, to)) {
                self.broken = Some((self.source.other(), error));
                self.pipe = None;
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
    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        last: bool,
        to: &mut Endpoint,
    ) -> Poll<io::Result<()>> {
        let Some(stream) = &mut to.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        // Copied bytes are older than those in the pipe.
        ready!(to.outbox.poll_write(cx, stream, &[]))?;
        if let Some(pipe) = &mut self.pipe {
            while !pipe.is_empty() {
                ready!(pipe.poll_drain(cx, stream.tcp()))?;
            }
        }
        if let Some(pipe) = self.pipe.take() {
            pipe.give_back();
        }
        if last { Pin::new(stream).poll_shutdown(cx) } else { Poll::Ready(Ok(())) }
    }

    /// Takes more, now that nothing is held.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Endpoint,
        to: &mut Endpoint,
    ) -> Poll<io::Result<()>> {
        let (Some(source), Some(sink)) = (&from.stream, &mut to.stream) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if self.bulk
            && let (Stream::Plain(source), Stream::Plain(_)) = (source, &*sink)
        {
            // Only now is a pipe taken: while a source sends nothing, others can use it.
            ready!(source.poll_read_ready(cx))?;
            if let Some(pipe) = Pipe::take(self.pipes) {
                let n = ready!(self.pipe.insert(pipe).poll_fill(cx, source))?;
                from.received += n as u64;
                from.ended = n == 0;
                self.bulk = n >= BULK;
                return Poll::Ready(Ok(()));
            }
        }
        let n = ready!(from.poll_read(cx, usize::MAX))?;
        self.bulk = n >= BULK;
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
