//! One link: the stream between two gateways, from the greeting to its end.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Blame, Bucket, Fault, HostPort};
use futures::stream::{SplitSink, SplitStream};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::common::clock;
use crate::hub::{Hub, LinkHandle};
use crate::membership::GatewayId;
use crate::node::violations::Violation;
use crate::transport::rate_limit;
use crate::wire::frame::{Frame, Hello, MAX_FRAME, NEWEST, OLDEST};

/// Longest time for the greeting.
const GREETING: Duration = Duration::from_secs(5);
/// Longest time for a batch of frames to leave.
const WRITE: Duration = Duration::from_secs(20);
/// The most frames between two flushes.
const BATCH: usize = 256;
/// The most frames that are read before they are taken.
pub(crate) const READS: usize = 64;
/// The most addresses taken from a peer's greeting.
const MAX_ADDRESSES: usize = 8;

type Frames<S> = Framed<S, LengthDelimitedCodec>;

/// Reason of a link's end.
#[derive(Debug)]
enum End {
    /// The peer or the network closed it.
    Closed(io::Error),
    /// The peer broke the rules.
    Fault(Fault),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        // What the codec finds wrong: a length above the limit.
        if error.kind() == io::ErrorKind::InvalidData {
            Self::Fault(Fault::new(Blame::Peer, "a frame longer than allowed"))
        } else {
            Self::Closed(error)
        }
    }
}

/// State that a link leaves behind when it ends.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Whether the two greeted each other, and how long the link lasted after that.
    pub(crate) was_up: bool,
    pub(crate) lasted: Duration,
    /// Whether the peer broke the rules.
    pub(crate) at_fault: bool,
    /// Addresses at which the peer said that it can be dialled.
    pub(crate) addresses: Vec<HostPort>,
}

/// Facts that this gateway tells of itself on every link.
#[derive(Debug)]
pub(crate) struct Greeting {
    /// The oldest and the newest frame set to speak.
    pub(crate) versions: (u8, u8),
    /// Addresses at which it can be dialled, as `host:port`.
    pub(crate) addresses: Vec<String>,
}

impl Greeting {
    /// Everything this gateway can speak, and `addresses`.
    pub(crate) fn new(addresses: Vec<String>) -> Self {
        Self { versions: (OLDEST, NEWEST), addresses }
    }
}

/// Runs a link over `stream` to its end. `peer` is whom the transport authenticated.
pub(crate) async fn run<S>(hub: Arc<Hub>, peer: GatewayId, stream: S, ours: Arc<Greeting>) -> Left
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let codec = LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME).new_codec();
    let mut frames = Framed::new(stream, codec);
    // A member may connect and say nothing; it holds no link for that.
    let greeting = timeout(GREETING, greet(&hub, &mut frames, &ours)).await;
    let late = || Err(End::Closed(io::ErrorKind::TimedOut.into()));
    let (hello, version) = match greeting.unwrap_or_else(|_| late()) {
        Ok(agreed) => agreed,
        Err(end) => {
            tell(&hub, peer, &end);
            return Left { at_fault: matches!(end, End::Fault(_)), ..Left::default() };
        }
    };
    tracing::info!(%peer, version, "link up");
    let begun = Instant::now();
    let handle = hub.open(peer, hello.epoch, version);
    let (sink, stream) = frames.split();
    // In this order, so that a simulated link does the same in every run.
    let end = tokio::select! {
        biased;
        () = handle.closing.cancelled() => End::Closed(io::ErrorKind::ConnectionAborted.into()),
        end = write(&hub, &handle, sink) => end,
        end = read(&hub, &handle, stream) => end,
    };
    hub.close(&handle);
    tell(&hub, peer, &end);
    let addresses = hello.addresses.iter().take(MAX_ADDRESSES);
    Left {
        was_up: true,
        lasted: begun.elapsed(),
        at_fault: matches!(end, End::Fault(_)),
        addresses: addresses.filter_map(|a| a.parse().ok()).collect(),
    }
}

/// Both say hello at once, and agree on a version.
async fn greet<S>(
    hub: &Hub,
    frames: &mut Frames<S>,
    greeting: &Greeting,
) -> Result<(Hello, u8), End>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (oldest, newest) = greeting.versions;
    let addresses = greeting.addresses.clone();
    let ours = Hello { oldest, newest, epoch: hub.epoch, addresses };
    frames.send(ours.encode().unwrap_or_default()).await?;
    let bytes = frames.next().await.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))??;
    let theirs = Hello::decode(&bytes).map_err(End::Fault)?;
    let Some(version) = ours.agree(&theirs) else {
        let what = format!(
            "it speaks versions {} to {}, this gateway {oldest} to {newest}",
            theirs.oldest, theirs.newest
        );
        return Err(End::Fault(Fault::new(Blame::Peer, what)));
    };
    Ok((theirs, version))
}

async fn read<S>(hub: &Arc<Hub>, handle: &LinkHandle, mut frames: SplitStream<Frames<S>>) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bucket = Bucket::full(clock::now());
    let mut batch = Batch::default();
    loop {
        let mut next = frames.next().await;
        if next.is_none() {
            return End::Closed(io::ErrorKind::UnexpectedEof.into());
        }
        let now = clock::now();
        while let Some(read) = next {
            let may_go_on = batch.add(now, handle.version, read, &mut bucket);
            // Whatever came together is taken under one lock.
            next = if may_go_on { frames.next().now_or_never().flatten() } else { None };
        }
        let is_full = batch.frames.len() >= READS;
        let keeps_up = match hub.received(handle, batch.frames.drain(..)) {
            Ok(keeps_up) => keeps_up,
            Err(fault) => return End::Fault(fault),
        };
        if let Some(end) = batch.end.take() {
            return end;
        }
        if let Some(pause) = batch.pause.take() {
            hub.refuse(handle.peer, Violation::Flood, "it asks too much and is read more slowly");
            sleep(pause).await;
        }
        // Reading on would only move the peer's backlog into memory here: its socket tells it to
        // wait.
        if !keeps_up {
            hub.room_for(handle.peer).await;
        }
        if is_full {
            // Others are to answer meanwhile.
            tokio::task::yield_now().await;
        }
    }
}

/// Frames that came together.
#[derive(Default)]
struct Batch {
    frames: Vec<Frame>,
    /// For so long nothing more is to be read.
    pause: Option<Duration>,
    /// The end that the link meets after them.
    end: Option<End>,
}

impl Batch {
    /// Adds what was read. Says whether more may be read at once.
    fn add(
        &mut self,
        now: Instant,
        version: u8,
        read: io::Result<BytesMut>,
        bucket: &mut Bucket,
    ) -> bool {
        let frame = read.map_err(End::from);
        match frame.and_then(|bytes| Frame::decode(version, &bytes).map_err(End::Fault)) {
            Ok(frame) => {
                self.pause = rate_limit::take(bucket, now, &frame);
                self.frames.push(frame);
            }
            Err(end) => self.end = Some(end),
        }
        self.pause.is_none() && self.end.is_none() && self.frames.len() < READS
    }
}

async fn write<S>(hub: &Hub, handle: &LinkHandle, mut sink: SplitSink<Frames<S>, Bytes>) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut batch = Vec::new();
    loop {
        hub.frames(handle, BATCH, &mut batch).await;
        let written = timeout(WRITE, async {
            for bytes in batch.drain(..) {
                sink.feed(bytes).await?;
            }
            // One flush a batch: encryption and the system call cost more than a small frame.
            sink.flush().await
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return End::Closed(io::ErrorKind::TimedOut.into()),
        }
    }
}

fn tell(hub: &Arc<Hub>, peer: GatewayId, end: &End) {
    match end {
        End::Closed(why) => tracing::info!(%peer, "link down: {why}"),
        End::Fault(fault) => {
            let why = format_args!("{}; its link is closed", fault.what);
            hub.refuse(peer, Violation::Fault, why);
        }
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
