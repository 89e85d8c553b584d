//! The signals that end a gateway.

use std::process::ExitCode;

use tokio::signal;

/// Ctrl-C or, where there is such a thing, SIGTERM: each call waits for one more.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: signal::unix::Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: signal::unix::signal(signal::unix::SignalKind::terminate())?,
        })
    }

    /// Waits for the next one. Returns the exit code of a process that it killed.
    pub(crate) async fn next(&mut self) -> ExitCode {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => ExitCode::from(143),
            _ = signal::ctrl_c() => ExitCode::from(130),
        }
        #[cfg(not(unix))]
        {
            let _ = signal::ctrl_c().await;
            ExitCode::from(130)
        }
    }
}
