//! One MSNP connection as commands, for either end.

use std::io;

use bytes::BytesMut;
use crosstalk_core::Side;
use crosstalk_networks::msnp::wire::Command;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::server::Recorder;

/// What one side sends.
pub(super) struct Incoming<R> {
    read: R,
    from: Side,
    buffer: BytesMut,
    recorder: Option<Recorder>,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(super) fn new(read: R, from: Side, recorder: Option<Recorder>) -> Self {
        Self { read, from, buffer: BytesMut::new(), recorder }
    }

    /// The next command; none where the connection ends. Safe to cancel.
    pub(super) async fn next(&mut self) -> io::Result<Option<Command>> {
        loop {
            if let Some(command) = Command::take(self.from, &mut self.buffer).map_err(invalid)? {
                return Ok(Some(command));
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
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
