//! The signals that end a gateway.

use std::process::ExitCode;

use tokio::signal::ctrl_c;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C or SIGTERM: each call waits for one more.
pub(crate) struct Signals {
    terminate: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one. Returns the exit code of a process that it killed.
    pub(crate) async fn next(&mut self) -> ExitCode {
        tokio::select! {
            _ = self.terminate.recv() => ExitCode::from(143),
            _ = ctrl_c() => ExitCode::from(130),
        }
    }
}
