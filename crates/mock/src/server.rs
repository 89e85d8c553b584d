//! Interface of every base server, whatever its network.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tracing::debug;

use crate::Web;

/// A base server in this process. Dropping it stops it and cuts its connections.
pub trait Server: Send + Sync {
    /// The socket where its clients begin.
    fn listening(&self) -> &Listening;

    /// Address it listens on.
    fn addr(&self) -> SocketAddr {
        self.listening().addr
    }

    /// Every byte it received, connection by connection in order of arrival.
    fn record(&self) -> &Record {
        &self.listening().record
    }

    /// Web server of the network under TLS, if it has one.
    fn web(&self) -> Option<&Web> {
        None
    }

    /// Strings that no log may hold: cookies handed out, and credentials as they cross the wire.
    fn secrets(&self) -> Vec<String>;
}

/// State shared by all connections of a server.
pub(crate) struct Shared<W> {
    /// Address the server listens on.
    pub(crate) addr: SocketAddr,
    state: Arc<Mutex<W>>,
}

impl<W> Clone for Shared<W> {
    fn clone(&self) -> Self {
        Self { addr: self.addr, state: Arc::clone(&self.state) }
    }
}

impl<W> Shared<W> {
    pub(crate) fn new(addr: SocketAddr, state: W) -> Self {
        Self { addr, state: Arc::new(Mutex::new(state)) }
    }

    /// Everything the server knows.
    pub(crate) fn state(&self) -> MutexGuard<'_, W> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves every connection that comes to `addr` by `serve`, in one `state`.
pub(crate) async fn host<W, C>(
    addr: SocketAddr,
    state: W,
    serve: fn(TcpStream, Shared<W>, Recorder) -> C,
) -> io::Result<(Shared<W>, Listening)>
where
    W: Send + 'static,
    C: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind(addr).await?;
    let shared = Shared::new(listener.local_addr()?, state);
    let serving = shared.clone();
    let listening = Listening::begin(listener, move |stream, recorder| {
        serve(stream, serving.clone(), recorder)
    })?;
    Ok((shared, listening))
}

/// The most bytes a record keeps of one connection.
const KEPT: usize = 1 << 20;

/// Bytes that came on some connections, plaintext where TLS was in between.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Vec<Vec<u8>>>>);

impl Record {
    /// Every byte received, connection by connection. Of each connection the first mebibyte.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().concat()
    }

    /// Whether the same connections brought the same bytes, in whatever order they came.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        let sorted = |record: &Self| {
            let mut all = record.lock().clone();
            all.sort();
            all
        };
        sorted(self) == sorted(other)
    }

    /// Whether any connection brought `needle`, in any case, as bytes or as UTF-16.
    pub fn contains(&self, needle: &str) -> bool {
        let narrow = needle.to_ascii_lowercase().into_bytes();
        let wide: Vec<u8> =
            needle.to_ascii_lowercase().encode_utf16().flat_map(u16::to_be_bytes).collect();
        self.lock().iter().any(|seen| {
            let seen = seen.to_ascii_lowercase();
            [&narrow, &wide].iter().any(|n| seen.windows(n.len().max(1)).any(|w| w == n.as_slice()))
        })
    }

    /// A place for the bytes of one more connection.
    pub(crate) fn open(&self) -> Recorder {
        let mut all = self.lock();
        all.push(Vec::new());
        Recorder { record: self.clone(), index: all.len() - 1 }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes one connection's part of a [`Record`].
pub(crate) struct Recorder {
    record: Record,
    index: usize,
}

impl Recorder {
    pub(crate) fn received(&self, bytes: &[u8]) {
        let mut all = self.record.lock();
        if let Some(kept) = all.get_mut(self.index) {
            let room = KEPT.saturating_sub(kept.len()).min(bytes.len());
            kept.extend_from_slice(&bytes[..room]);
        }
    }
}

/// A listening socket and its connections. Dropping it ends them all.
#[derive(Debug)]
pub struct Listening {
    pub(crate) addr: SocketAddr,
    pub(crate) record: Record,
    accepting: JoinHandle<()>,
}

impl Listening {
    /// Serves every connection that comes to `listener` by `serve`.
    pub(crate) fn begin<F, C>(listener: TcpListener, serve: F) -> io::Result<Self>
    where
        F: Fn(TcpStream, Recorder) -> C + Send + 'static,
        C: Future<Output = io::Result<()>> + Send + 'static,
    {
        Self::recording(listener, Record::default(), serve)
    }

    /// The same, for a server that listens in several places and has one record.
    pub(crate) fn recording<F, C>(
        listener: TcpListener,
        record: Record,
        serve: F,
    ) -> io::Result<Self>
    where
        F: Fn(TcpStream, Recorder) -> C + Send + 'static,
        C: Future<Output = io::Result<()>> + Send + 'static,
    {
        let addr = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, record.clone(), serve));
        Ok(Self { addr, record, accepting })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<F, C>(listener: TcpListener, record: Record, serve: F)
where
    F: Fn(TcpStream, Recorder) -> C,
    C: Future<Output = io::Result<()>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, from)) = accepted else { continue };
                // Without it the last small write of a burst waits for an acknowledgement.
                let _ = stream.set_nodelay(true);
                let serving = serve(stream, record.open());
                connections.spawn(async move {
                    if let Err(error) = serving.await {
                        debug!(%from, %error, "a connection to a base server broke");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
