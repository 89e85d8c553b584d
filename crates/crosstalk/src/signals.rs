//! The signals that end a gateway.

use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C or SIGTERM: each call waits for one more.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens from now on: what comes before it is waited for is not missed, and kills nobody.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let [interrupt, terminate] = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        Ok(Self { interrupt: interrupt?, terminate: terminate? })
    }

    /// Waits for the next one. Returns the exit code of a process that it killed.
    pub(crate) async fn next(&mut self) -> ExitCode {
        tokio::select! {
            _ = self.terminate.recv() => ExitCode::from(143),
            _ = self.interrupt.recv() => ExitCode::from(130),
        }
    }
}
