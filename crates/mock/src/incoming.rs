//! Frames off a connection, for either end of any network.

use std::error::Error;
use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::server::Recorder;

/// Incoming bytes of one side.
pub(crate) struct Incoming<R> {
    read: R,
    buffer: BytesMut,
    recorder: Option<Recorder>,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(crate) fn new(read: R, recorder: Option<Recorder>) -> Self {
        Self { read, buffer: BytesMut::new(), recorder }
    }

    /// The next frame that `take` takes off the front; none where the connection ends. Safe to
    /// cancel.
    pub(crate) async fn next<T, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        mut take: impl FnMut(&mut BytesMut) -> Result<Option<T>, E>,
    ) -> io::Result<Option<T>> {
        loop {
            if let Some(frame) = take(&mut self.buffer).map_err(invalid)? {
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
}

/// Error for bytes that are not the protocol's.
pub(crate) fn invalid(error: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
