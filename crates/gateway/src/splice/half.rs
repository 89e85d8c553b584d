//! One side of a spliced connection, and what it is ready for.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::event::Event;
use mio::net::TcpStream;

use super::PlainSide;
use super::pipe::Pipe;

/// One side. The selector tells only of changes, so that what it is ready for is kept here.
pub(super) struct Half {
    pub(super) tcp: TcpStream,
    /// Number of bytes that it sent.
    pub(super) received: u64,
    is_readable: bool,
    is_writable: bool,
    sending: Sending,
}

/// How far a side has come with what it sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// More may come.
    GoesOn,
    /// The selector told of its end: reads go on until they find it.
    Ending,
    /// It sends nothing more.
    Ended,
}

impl Half {
    pub(super) fn new(side: PlainSide) -> io::Result<Self> {
        Ok(Self {
            tcp: TcpStream::from_std(side.tcp.into_std()?),
            received: side.received,
            // What can be read is told when it is registered; what waits is written at once.
            is_readable: false,
            is_writable: true,
            sending: if side.ended { Sending::Ended } else { Sending::GoesOn },
        })
    }

    /// Notes what the selector says it is ready for.
    pub(super) fn heard(&mut self, event: &Event) {
        self.is_readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.is_writable |= event.is_writable() || event.is_write_closed() || event.is_error();
        if self.sending == Sending::GoesOn && (event.is_read_closed() || event.is_error()) {
            self.sending = Sending::Ending;
        }
    }

    /// Whether a read may find something.
    pub(super) const fn is_readable(&self) -> bool {
        self.is_readable
    }

    /// Whether a write may find room.
    pub(super) const fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Whether it sends nothing more.
    pub(super) fn has_ended(&self) -> bool {
        self.sending == Sending::Ended
    }

    /// Records that it sends nothing more.
    pub(super) const fn end(&mut self) {
        self.sending = Sending::Ended;
    }

    /// Reads once; nothing is its end, and `None` that it is not ready.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let n = attempt(&mut self.is_readable, || self.tcp.read(buffer))?;
        if let Some(n) = n {
            // A stream that gave less than there was room for has no more, and the selector tells
            // of what comes; its end it may have told already.
            let is_all = n < buffer.len() && self.sending == Sending::GoesOn && cfg!(unix);
            self.is_readable = !is_all;
            self.sent(n);
        }
        Ok(n)
    }

    /// Moves what there is into an empty pipe, as [`read`](Self::read).
    pub(super) fn read_into(&mut self, pipe: &mut Pipe) -> io::Result<Option<usize>> {
        let n = attempt(&mut self.is_readable, || pipe.fill(&self.tcp))?;
        if let Some(n) = n {
            self.sent(n);
        }
        Ok(n)
    }

    const fn sent(&mut self, n: usize) {
        self.received += n as u64;
        if n == 0 {
            self.end();
        }
    }

    /// Writes at least a byte of some; `None` if it is not ready.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        match attempt(&mut self.is_writable, || self.tcp.write(bytes))? {
            Some(0) => Err(io::ErrorKind::WriteZero.into()),
            n => Ok(n),
        }
    }

    /// Writes at least a byte of those in a pipe, as [`write`](Self::write).
    pub(super) fn write_from(&mut self, pipe: &mut Pipe) -> io::Result<Option<usize>> {
        attempt(&mut self.is_writable, || pipe.drain(&self.tcp))
    }

    /// Tells it the end. One that is not connected any more knows it.
    pub(super) fn shut(&self) -> io::Result<()> {
        match self.tcp.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            told => told,
        }
    }
}

/// Attempts to move bytes, and returns how many were; `None` if the side is not ready, which is
/// noted.
fn attempt(
    is_ready: &mut bool,
    mut call: impl FnMut() -> io::Result<usize>,
) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(n) => return Ok(Some(n)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                *is_ready = false;
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
