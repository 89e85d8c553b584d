//! Connections that are not interpreted.
//!
//! Plain ones are served by threads of their own, each a loop over the system's selector: a
//! connection on which nothing happens takes less than half of the memory there that a task with
//! two registrations takes, and a message wakes one thread once. What is small is copied
//! through the thread's buffer; a direction that fills it is moved inside the kernel by splice(2),
//! through a pipe that is held only while there is something in it.
//!
//! Where TLS ends here, the connection's own task copies ([`CopyTls`]).

mod connection;
mod flow;
mod half;
#[cfg(target_os = "linux")]
mod pipe;
#[cfg(not(target_os = "linux"))]
#[path = "no_pipe.rs"]
mod pipe;
mod thread;
mod tls;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::BytesMut;
use crosstalk_core::Side;
use tokio::net::TcpStream;

use crate::memory::Charge;
use crate::session::Endpoint;
use crate::stream::Stream;
use connection::Spliced;
pub(crate) use thread::AbortSplice;
use thread::{Inbox, Thread};
pub(crate) use tls::CopyTls;

/// Side that failed, and its error.
pub(crate) type Broken = (Side, io::Error);

/// Limits of what is spliced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpliceLimits {
    /// For how long a connection may be silent on which one side never said anything, or has
    /// ended. One on which both sides spoke may be silent for ever.
    pub(crate) patience: Duration,
    /// The most pipes at once in the process.
    pub(crate) pipes: u16,
}

/// One plain side of a connection that is to be spliced.
#[derive(Debug)]
pub(crate) struct PlainSide {
    tcp: TcpStream,
    /// Bytes for the other side that are not sent yet.
    unsent: BytesMut,
    /// Number of bytes that this side sent so far.
    received: u64,
    /// It sends nothing more.
    ended: bool,
}

/// Takes the two sides out of their endpoints, with what waits in these, where both are plain.
pub(crate) fn plain_sides(
    client: &mut Endpoint,
    server: &mut Endpoint,
) -> Option<(PlainSide, PlainSide)> {
    let (Some(Stream::Plain(_)), Some(Stream::Plain(_))) = (&client.stream, &server.stream) else {
        return None;
    };
    Some((PlainSide::of(client, server)?, PlainSide::of(server, client)?))
}

impl PlainSide {
    fn of(from: &mut Endpoint, to: &mut Endpoint) -> Option<Self> {
        let Some(Stream::Plain(tcp)) = from.stream.take() else { return None };
        to.outbox.push(&std::mem::take(&mut from.inbox));
        let (unsent, received, ended) = (to.outbox.take(), from.received, from.ended);
        Some(Self { tcp, unsent, received, ended })
    }
}

/// Owner of a spliced connection, which pays for what waits on it and is dropped at its end.
pub(crate) trait Owner: Send {
    /// The charge for what waits.
    fn charge(&mut self) -> &mut Charge;

    /// The connection is over: `received` bytes came from the client and from the server, and
    /// `broken` is the side that ended it by an error.
    fn ended(&mut self, received: (u64, u64), broken: Option<Broken>);
}

/// The threads that splice. All they serve ends with this.
#[derive(Debug)]
pub(crate) struct Splicer {
    threads: Vec<JoinHandle<()>>,
    handle: SplicerHandle,
}

/// Gives connections to the threads of a [`Splicer`], one after the other.
#[derive(Clone, Debug)]
pub(crate) struct SplicerHandle(Arc<Inboxes>);

#[derive(Debug)]
struct Inboxes {
    all: Vec<Arc<Inbox>>,
    next: AtomicUsize,
}

impl Splicer {
    /// Starts `threads` threads, within the runtime that is entered.
    pub(crate) fn start(threads: usize, limits: SpliceLimits) -> io::Result<Self> {
        let runtime = tokio::runtime::Handle::current();
        let made = (0..threads.max(1)).map(|_| Thread::new(limits));
        let (made, all): (Vec<_>, Vec<_>) =
            made.collect::<io::Result<Vec<_>>>()?.into_iter().unzip();
        let handle = SplicerHandle(Arc::new(Inboxes { all, next: AtomicUsize::new(0) }));
        // Dropped where the system has no more threads, it ends those that it has.
        let mut splicer = Self { threads: Vec::new(), handle };
        for (number, thread) in made.into_iter().enumerate() {
            let (runtime, log) = (runtime.clone(), tracing::dispatcher::get_default(Clone::clone));
            let serve = move || {
                // What is charged may have to be said later, by a task of the runtime.
                let _runtime = runtime.enter();
                tracing::dispatcher::with_default(&log, || thread.run());
            };
            let named = std::thread::Builder::new().name(format!("splice-{number}"));
            splicer.threads.push(named.spawn(serve)?);
        }
        Ok(splicer)
    }

    pub(crate) fn handle(&self) -> SplicerHandle {
        self.handle.clone()
    }

    /// Ends every connection, and waits until that is done.
    pub(crate) async fn stop(mut self) {
        self.close();
        let threads = std::mem::take(&mut self.threads);
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        let _ = tokio::task::spawn_blocking(join).await;
    }

    fn close(&self) {
        self.handle.0.all.iter().for_each(|inbox| inbox.close());
    }
}

impl Drop for Splicer {
    fn drop(&mut self) {
        self.close();
    }
}

impl SplicerHandle {
    /// Connects two plain sides until both directions ended. Returns two handles that end it;
    /// `None` where the threads are stopped, and `owner` is dropped.
    pub(crate) fn splice(
        &self,
        sides: (PlainSide, PlainSide),
        owner: Box<dyn Owner>,
    ) -> io::Result<Option<[AbortSplice; 2]>> {
        let spliced = Box::new(Spliced::new(sides, owner)?);
        let Inboxes { all, next } = &*self.0;
        let turn = next.fetch_add(1, Ordering::Relaxed) % all.len().max(1);
        Ok(all.get(turn).and_then(|inbox| inbox.splice(spliced)))
    }
}
