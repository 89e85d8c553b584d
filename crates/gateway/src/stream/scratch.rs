//! Reading into a buffer of the worker's, so that a connection that waits holds none.

use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::{BufMut, BytesMut};
use tokio::io::AsyncReadExt;

use super::Stream;

/// The size of a worker's buffer, and the most that is read at once, in bytes.
const SCRATCH: usize = 64 * 1024;
/// The least room a read gets, in bytes.
const ROOM: usize = 8 * 1024;
/// Up to this size, what is left of a read is put in front of the next one in the worker's buffer;
/// a larger rest is read on where it is, so that a long frame in small pieces is not copied for
/// each of them.
const MOVED: usize = 4 * 1024;

thread_local! {
    static BUFFER: RefCell<BytesMut> = RefCell::default();
}

/// Reads once, behind what `inbox` holds, at most `room` bytes and at least one. Zero is the end of
/// the stream.
///
/// After the bytes were dealt with, [`settle`] the inbox.
pub(crate) fn poll_read(
    cx: &mut Context<'_>,
    stream: &mut Stream,
    inbox: &mut BytesMut,
    room: usize,
) -> Poll<io::Result<usize>> {
    let room = room.clamp(1, SCRATCH);
    if inbox.len() > MOVED {
        inbox.reserve(ROOM);
        return pin!(stream.read_buf(&mut inbox.limit(room))).poll(cx);
    }
    let mut buffer = BUFFER.take();
    if buffer.capacity() < ROOM + inbox.len() {
        buffer.reserve(SCRATCH);
    }
    // A short rest is copied in front of the next bytes, so that an engine always sees one piece.
    buffer.extend_from_slice(inbox);
    let before = buffer.len();
    let read = pin!(stream.read_buf(&mut (&mut buffer).limit(room))).poll(cx);
    if buffer.len() > before {
        *inbox = buffer;
    } else {
        buffer.clear();
        BUFFER.replace(buffer);
    }
    read
}

/// Keeps only what is unread, and gives the worker its buffer back. `before` is how much there was
/// before it was dealt with.
///
/// A rest from which nothing was taken stays where it is, unless most of its buffer is empty.
/// So nothing is copied twice before something was taken, and what a buffer takes is at most
/// about twice what is in it.
pub(crate) fn settle(inbox: &mut BytesMut, before: usize) {
    let len = inbox.len();
    let is_tight = len == before && inbox.capacity() <= 2 * (len + ROOM);
    if inbox.capacity() == 0 || len > MOVED && is_tight {
        return;
    }
    let rest = if inbox.is_empty() { BytesMut::new() } else { BytesMut::from(&inbox[..]) };
    let mut buffer = std::mem::replace(inbox, rest);
    buffer.clear();
    BUFFER.with_borrow_mut(|slot| {
        // One that grew with a long frame is too large to be kept by every worker.
        if slot.capacity() < buffer.capacity() && buffer.capacity() <= 2 * SCRATCH {
            *slot = buffer;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_gives_back_what_it_once_held() {
        let mut grown = BytesMut::with_capacity(1 << 20);
        grown.extend_from_slice(&[0; 6000]);
        settle(&mut grown, 6000);
        assert!(grown.len() == 6000 && grown.capacity() < 2 * (6000 + ROOM));
        // The frame in front was taken: its memory is not kept for the sake of the rest.
        let mut taken = BytesMut::from(&vec![1; 1 << 20][..]);
        drop(taken.split_to((1 << 20) - 5000));
        settle(&mut taken, 1 << 20);
        assert_eq!((taken.len(), taken.capacity()), (5000, 5000));
        assert!(BUFFER.take().capacity() <= 2 * SCRATCH);
    }

    #[test]
    fn a_long_frame_in_small_pieces_is_not_copied_for_each() {
        let mut inbox = BytesMut::from(&[0; 5000][..]);
        let mut copies = 0;
        for _ in 0..1000 {
            inbox.reserve(ROOM);
            let at = inbox.as_ptr();
            inbox.extend_from_slice(&[0; 1000]);
            let before = inbox.len();
            settle(&mut inbox, before);
            copies += u32::from(inbox.as_ptr() != at);
        }
        assert!(inbox.len() == 1_005_000 && copies == 0, "{copies}");
        assert!(inbox.capacity() <= 2 * (inbox.len() + ROOM));
    }
}
