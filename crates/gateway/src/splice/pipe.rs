//! Pipes between two sockets.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use mio::net::TcpStream;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};

/// The most empty pipes a thread keeps.
const SPARE: usize = 16;
/// The most bytes asked for at once; a pipe takes what fits.
const MOST: usize = 1 << 20;

/// Number of pipes in the process, whose descriptors are limited.
static OPEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static POOL: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

/// A pipe with what is in it.
pub(super) struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    held: usize,
    _counted: Counted,
}

/// A pipe's place among the limited number of them, given back on drop.
struct Counted;

impl Counted {
    fn one_of(most: u16) -> Option<Self> {
        let counted = Self;
        // Counted first, so that giving up takes it back.
        (OPEN.fetch_add(1, Ordering::Relaxed) < usize::from(most)).then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pipe {
    /// An empty pipe; `None` where there are `most` already, or the system has no more.
    pub(super) fn take(most: u16) -> Option<Self> {
        POOL.with_borrow_mut(Vec::pop).or_else(|| {
            let counted = Counted::one_of(most)?;
            let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).ok()?;
            Some(Self { read, write, held: 0, _counted: counted })
        })
    }

    /// Ends the use of a pipe. One that is not empty must not be used again.
    pub(super) fn give_back(self) {
        POOL.with_borrow_mut(|pool| {
            if self.is_empty() && pool.len() < SPARE {
                pool.push(self);
            }
        });
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Bytes in the pipe, in memory of the kernel's.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Takes from `source` what fits into this empty pipe; zero at the source's end. Would block
    /// only where the source has nothing, since the pipe is empty.
    pub(super) fn fill(&mut self, source: &TcpStream) -> io::Result<usize> {
        self.held = splice(source, None, &self.write, None, MOST, SpliceFlags::NONBLOCK)?;
        Ok(self.held)
    }

    /// Gives `sink` what it takes of the pipe's content, and returns how much that was.
    pub(super) fn drain(&mut self, sink: &TcpStream) -> io::Result<usize> {
        let n = splice(&self.read, None, sink, None, self.held, SpliceFlags::NONBLOCK)?;
        self.held = self.held.saturating_sub(n);
        if n == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(n) }
    }
}
