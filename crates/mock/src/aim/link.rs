//! One OSCAR connection as frames, for either end.

use std::io;

use bytes::{Bytes, BytesMut};
use crosstalk_networks::oscar::wire::{Channel, Frame, Snac, flap};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::server::Recorder;

/// The reading half.
pub(super) struct Incoming<R> {
    read: R,
    buffer: BytesMut,
    recorder: Option<Recorder>,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(super) fn new(read: R, recorder: Option<Recorder>) -> Self {
        Self { read, buffer: BytesMut::new(), recorder }
    }

    /// The next frame; `None` when the other end closed. Safe to cancel.
    pub(super) async fn frame(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = Frame::take(&mut self.buffer).map_err(invalid)? {
                return Ok(Some(frame));
            }
            let before = self.buffer.len();
            if self.read.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
            if let (Some(recorder), Some(new)) = (&self.recorder, self.buffer.get(before..)) {
                recorder.received(new);
            }
        }
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
        let frame: Bytes = flap::encode(channel, self.sequence, body);
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

pub(super) fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
