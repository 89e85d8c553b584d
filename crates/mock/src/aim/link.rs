//! One OSCAR connection as frames, for either end.

use std::io;

use bytes::Bytes;
use crosstalk_networks::oscar::wire::{Channel, Frame, Snac, flap};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::incoming::{self, invalid};
use crate::server::Recorder;

/// The reading half.
pub(super) struct Incoming<R>(incoming::Incoming<R>);

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(super) fn new(read: R, recorder: Option<Recorder>) -> Self {
        Self(incoming::Incoming::new(read, recorder))
    }

    /// The next frame; `None` when the other end closed. Safe to cancel.
    pub(super) async fn frame(&mut self) -> io::Result<Option<Frame>> {
        self.0.next(Frame::take).await
    }

    /// The next SNAC; `None` when the other end closed or signed off. Other frames are skipped.
    pub(super) async fn snac(&mut self) -> io::Result<Option<Snac>> {
        while let Some(frame) = self.frame().await? {
            match frame.channel {
                Channel::Data => return Snac::parse(&frame.body()).map(Some).map_err(invalid),
                Channel::SignOff => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// The writing half, which numbers the frames.
pub(super) struct Outgoing<W> {
    write: W,
    sequence: u16,
}

impl<W: AsyncWrite + Unpin> Outgoing<W> {
    pub(super) fn new(write: W, first: u16) -> Self {
        Self { write, sequence: first }
    }

    pub(super) async fn frame(&mut self, channel: Channel, body: &[u8]) -> io::Result<()> {
        let frame: Bytes = flap::encode(channel, self.sequence, body).map_err(invalid)?;
        self.sequence = self.sequence.wrapping_add(1);
        self.write.write_all(&frame).await
    }

    pub(super) async fn snac(&mut self, snac: &Snac) -> io::Result<()> {
        self.frame(Channel::Data, &snac.encode()).await
    }

    pub(super) async fn close(&mut self) {
        let _ = self.write.shutdown().await;
    }
}
