//! Queue of bytes to be written to one side.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::Stream;

/// The most pieces given to one write.
const PIECES: usize = 32;

/// The most pieces for which a queue on which nothing waits keeps its room.
const KEPT: usize = 4;

/// Bytes of memory in front of the waiting ones from which on it is given back.
const SPENT: usize = 16 * 1024;

/// Bytes on the way to one side.
#[derive(Default)]
pub(crate) struct Outbox {
    /// Bytes that the other end was not ready for. Boxed, since mostly there are none.
    backlog: Option<Box<Backlog>>,
    /// TLS has records that TCP did not take yet.
    unflushed: bool,
    /// Number of bytes ever written.
    written: u64,
}

/// Bytes that the other end was not ready for, at least one, in memory of their own: a piece of a
/// read buffer that had to wait would keep the whole buffer.
struct Backlog {
    bytes: BytesMut,
    /// Bytes of memory in front of them, taken by what was written since.
    spent: usize,
}

impl Outbox {
    /// Number of bytes that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.backlog().len()
    }

    /// Bytes of memory that it takes.
    pub(crate) fn capacity(&self) -> usize {
        self.backlog.as_ref().map_or(0, |backlog| backlog.bytes.capacity() + backlog.spent)
    }

    /// Number of bytes that the other end's system has taken so far.
    pub(crate) const fn written(&self) -> u64 {
        self.written
    }

    /// Whether everything is written.
    pub(crate) const fn is_empty(&self) -> bool {
        self.backlog.is_none() && !self.unflushed
    }

    /// Adds bytes to those that wait.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let backlog = self
            .backlog
            .get_or_insert_with(|| Box::new(Backlog { bytes: BytesMut::new(), spent: 0 }));
        backlog.bytes.extend_from_slice(bytes);
    }

    /// Forgets what waits, since nobody will read it.
    pub(crate) fn discard(&mut self) {
        (self.backlog, self.unflushed) = (None, false);
    }

    /// Takes out what waits, for somebody else to write.
    pub(crate) fn take(&mut self) -> BytesMut {
        self.backlog.take().map_or_else(BytesMut::new, |backlog| backlog.bytes)
    }

    fn backlog(&self) -> &[u8] {
        self.backlog.as_ref().map_or(&[], |backlog| &backlog.bytes)
    }

    /// Writes what waits and then `bytes`; what is not written of them waits.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        mut bytes: &[u8],
    ) -> Poll<io::Result<()>> {
        // The common case copies nothing: bytes go from the worker's buffer to the socket.
        if self.backlog.is_none() && !bytes.is_empty() {
            self.unflushed = matches!(stream, Stream::Tls(_));
            if let Poll::Ready(n) = Pin::new(&mut *stream).poll_write(cx, bytes)? {
                self.written += n as u64;
                bytes = bytes.get(n..).unwrap_or_default();
            }
        }
        self.push(bytes);
        self.poll_pieces(cx, stream, &mut VecDeque::new())
    }

    /// Writes what waits and then `queue`. `queue` is empty afterwards, whatever comes out.
    pub(crate) fn poll_write_all(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        queue: &mut VecDeque<Bytes>,
    ) -> Poll<io::Result<()>> {
        let done = self.poll_pieces(cx, stream, queue);
        for piece in queue.drain(..) {
            self.push(&piece);
        }
        // A burst's queue is given back; an idle connection keeps the room for a message.
        if queue.capacity() > KEPT {
            queue.shrink_to_fit();
        }
        done
    }

    fn poll_pieces(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        queue: &mut VecDeque<Bytes>,
    ) -> Poll<io::Result<()>> {
        if self.is_empty() && queue.is_empty() {
            return Poll::Ready(Ok(()));
        }
        // Set before the write, which may leave a record half-way out and return an error or
        // nothing.
        self.unflushed = matches!(stream, Stream::Tls(_));
        let mut stream = Pin::new(stream);
        while self.backlog.is_some() || !queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            slices[0] = IoSlice::new(self.backlog());
            for (slot, piece) in slices[1..].iter_mut().zip(queue.iter()) {
                *slot = IoSlice::new(piece);
            }
            let used = queue.len().min(PIECES - 1) + 1;
            let first = usize::from(self.backlog.is_none());
            let n = ready!(stream.as_mut().poll_write_vectored(cx, &slices[first..used]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += n as u64;
            self.advance(queue, n);
        }
        if self.unflushed {
            ready!(stream.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, queue: &mut VecDeque<Bytes>, mut n: usize) {
        if let Some(backlog) = &mut self.backlog {
            let from_backlog = n.min(backlog.bytes.len());
            backlog.bytes.advance(from_backlog);
            backlog.spent += from_backlog;
            n -= from_backlog;
            if backlog.bytes.is_empty() {
                self.backlog = None;
            } else if backlog.spent >= backlog.bytes.len() && backlog.spent >= SPENT {
                // No more is copied than was written since the last time.
                **backlog = Backlog { bytes: BytesMut::from(&backlog.bytes[..]), spent: 0 };
            }
        }
        while let Some(piece) = queue.front_mut()
            && n > 0
        {
            let from_piece = n.min(piece.len());
            piece.advance(from_piece);
            n -= from_piece;
            if piece.is_empty() {
                queue.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_given_back_before_all_of_it_is() {
        let mut outbox = Outbox::default();
        outbox.push(&vec![0; 1 << 20]);
        for written in 1..256 {
            outbox.advance(&mut VecDeque::new(), 4096);
            assert_eq!(outbox.waiting(), (1 << 20) - written * 4096);
            assert!(outbox.capacity() <= 2 * outbox.waiting() + SPENT, "{written}");
        }
        outbox.advance(&mut VecDeque::new(), 4096);
        assert_eq!((outbox.waiting(), outbox.capacity()), (0, 0));
    }
}
