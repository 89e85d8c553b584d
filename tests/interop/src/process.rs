//! Child processes that end with the test.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Starts `command` with its output going to `log`.
    pub(crate) fn logging(command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Self::start(command)
    }

    /// Starts a server called `name` in the same way, and waits until it listens at all `ports` of
    /// loopback. Fails, with what it wrote, where it does not in time.
    pub(crate) fn serving(
        name: &str,
        command: &mut Command,
        log: &Path,
        ports: &[u16],
        within: Duration,
    ) -> Self {
        let mut server = Self::logging(command, log);
        let listens = |port: &u16| TcpStream::connect(("127.0.0.1", *port)).is_ok();
        let up = wait_until(within, || server.has_ended() || ports.iter().all(listens));
        if !up || server.has_ended() {
            let wrote = fs::read_to_string(log).unwrap_or_default();
            panic!("{name} did not start:\n{wrote}");
        }
        server
    }

    /// Starts `command` as it is.
    pub(crate) fn start(command: &mut Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("{command:?} could not be started: {error}"),
        }
    }

    /// The child itself.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Whether it ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until `done`, but no longer than `within`. Returns whether it came true.
pub(crate) fn wait_until(within: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    done()
}
