//! One MSNP connection as commands, for either end.

use std::io;

use crosstalk_core::Side;
use crosstalk_networks::msnp::wire::Command;
use tokio::io::AsyncRead;

use crate::incoming;
use crate::server::Recorder;

/// Incoming commands of one side.
pub(super) struct Incoming<R> {
    incoming: incoming::Incoming<R>,
    from: Side,
}

impl<R: AsyncRead + Unpin> Incoming<R> {
    pub(super) fn new(read: R, from: Side, recorder: Option<Recorder>) -> Self {
        Self { incoming: incoming::Incoming::new(read, recorder), from }
    }

    /// The next command; none where the connection ends. Safe to cancel.
    pub(super) async fn next(&mut self) -> io::Result<Option<Command>> {
        self.incoming.next(|buffer| Command::take(self.from, buffer)).await
    }
}
