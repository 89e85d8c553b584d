//! Reading into a buffer of the worker's, so that a connection that waits holds none.

use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use super::Stream;

/// The size of a worker's buffer, in bytes.
const SCRATCH: usize = 64 * 1024;
/// The least room a read gets, in bytes.
const ROOM: usize = 8 * 1024;
/// What is left of a read moves into memory of its own up to this size; a larger rest keeps
/// the buffer it is in, so that a long frame in small pieces is not copied for each of them.
const MOVED: usize = 4 * 1024;

thread_local! {
    static BUFFER: RefCell<BytesMut> = RefCell::default();
}

/// Reads once, behind what `inbox` holds. Zero is the end of the stream.
///
/// After the bytes were dealt with, [`settle`] the inbox.
pub(crate) fn poll_read(
    cx: &mut Context<'_>,
    stream: &mut Stream,
    inbox: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    if inbox.len() > MOVED {
        inbox.reserve(ROOM);
        return pin!(stream.read_buf(inbox)).poll(cx);
    }
    let mut buffer = BUFFER.take();
    if buffer.capacity() < ROOM + inbox.len() {
        buffer.reserve(SCRATCH);
    }
    buffer.extend_from_slice(inbox);
    let before = buffer.len();
    let read = pin!(stream.read_buf(&mut buffer)).poll(cx);
    if buffer.len() > before {
        *inbox = buffer;
    } else {
        buffer.clear();
        BUFFER.replace(buffer);
    }
    read
}

/// Gives the worker its buffer back and keeps only what is unread.
pub(crate) fn settle(inbox: &mut BytesMut) {
    if inbox.capacity() == 0 || inbox.len() > MOVED {
        return;
    }
    let rest = if inbox.is_empty() { BytesMut::new() } else { BytesMut::from(&inbox[..]) };
    let mut buffer = std::mem::replace(inbox, rest);
    buffer.clear();
    BUFFER.with_borrow_mut(|slot| {
        if slot.capacity() < buffer.capacity() {
            *slot = buffer;
        }
    });
}
