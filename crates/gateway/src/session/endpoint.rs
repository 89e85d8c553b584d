//! One side of a session.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWrite;

use crate::stream::{self, Outbox, Stream};

/// A side's stream with what was read of it and not consumed, and what waits to be written.
#[derive(Default)]
pub(crate) struct Endpoint {
    /// `None` before the server is connected.
    pub(crate) stream: Option<Stream>,
    /// Read and not consumed yet.
    pub(crate) inbox: BytesMut,
    /// Not written yet.
    pub(crate) outbox: Outbox,
    /// Number of bytes that this side sent.
    pub(crate) received: u64,
    /// It sends nothing more.
    pub(crate) ended: bool,
    /// The engine knows that, and the other side may be told.
    pub(crate) known: bool,
    /// It takes nothing more: it was told the end, or it is gone.
    pub(crate) shut: bool,
    /// Since when it takes nothing although something waits, and what it had taken by then.
    stuck: Option<Box<(Instant, u64)>>,
}

impl Endpoint {
    /// A connected side that already sent `early`.
    pub(crate) fn new(stream: Stream, early: BytesMut) -> Self {
        Self { stream: Some(stream), received: early.len() as u64, inbox: early, ..Self::default() }
    }

    /// Reads once, at most `room` bytes. Zero bytes or an error end the side's sending.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
    ) -> Poll<io::Result<usize>> {
        let Some(stream) = self.stream.as_mut().filter(|_| !self.ended) else {
            return Poll::Pending;
        };
        let read = stream::poll_read(cx, stream, &mut self.inbox, room);
        match read {
            Poll::Ready(Ok(n)) if n > 0 => self.received += n as u64,
            Poll::Ready(_) => self.ended = true,
            Poll::Pending => {}
        }
        read
    }

    /// Writes what waits and `queue`, as far as it goes. A side that is gone swallows both.
    /// With `last`, tells the side the end once all is written.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        queue: &mut VecDeque<Bytes>,
        last: bool,
    ) -> Poll<()> {
        let Some(stream) = &mut self.stream else {
            // Kept, in order, for the server that is still to be connected.
            queue.drain(..).for_each(|piece| self.outbox.push(&piece));
            return if self.outbox.is_empty() { Poll::Ready(()) } else { Poll::Pending };
        };
        if self.shut {
            queue.clear();
            return Poll::Ready(());
        }
        let mut written = self.outbox.poll_write_all(cx, stream, queue);
        if last && matches!(written, Poll::Ready(Ok(()))) {
            written = Pin::new(stream).poll_shutdown(cx);
            self.shut = matches!(written, Poll::Ready(Ok(())));
        }
        match written {
            Poll::Ready(Ok(())) => {
                self.stuck = None;
                Poll::Ready(())
            }
            Poll::Ready(Err(_)) => {
                (self.shut, self.stuck) = (true, None);
                self.outbox.discard();
                Poll::Ready(())
            }
            Poll::Pending => {
                // Stuck means that nothing at all is taken: a side that takes a few bytes now and
                // then is slow, and may be.
                let taken = self.outbox.written();
                if self.stuck.as_ref().is_none_or(|stuck| stuck.1 != taken) {
                    self.stuck = Some(Box::new((Instant::now(), taken)));
                }
                Poll::Pending
            }
        }
    }

    /// Since when the side takes nothing although something waits for it.
    pub(crate) fn stuck_since(&self) -> Option<Instant> {
        self.stuck.as_ref().map(|stuck| stuck.0)
    }

    /// Number of bytes that wait: those that it sent and nobody took, and those that it did not
    /// take.
    pub(crate) fn waiting(&self) -> usize {
        self.inbox.len() + self.outbox.waiting()
    }

    /// Bytes of memory that its buffers take.
    pub(crate) fn capacity(&self) -> usize {
        let stream = self.stream.as_ref().map_or(0, Stream::weight);
        self.inbox.capacity() + self.outbox.capacity() + stream
    }

    /// Whether nothing will come of this side and nothing more can go to it.
    pub(crate) const fn is_over(&self) -> bool {
        self.ended && self.shut
    }
}
