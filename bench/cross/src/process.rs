//! Processes that are measured, on loopback.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when dropped.
pub struct Running(Child);

impl Running {
    /// Starts `command` and waits until it listens at `ports`.
    pub fn start(command: &mut Command, log: &Path, ports: &[u16]) -> Self {
        let file = File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut running = Self(child);
        let until = Instant::now() + Duration::from_secs(20);
        let listens = |port: &u16| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok();
        while !ports.iter().all(listens) {
            let runs = running.0.try_wait().unwrap().is_none() && Instant::now() < until;
            assert!(runs, "{command:?} did not start: {}", fs::read_to_string(log).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ports that nobody listens at: all taken before the first is given back, so that none comes
/// twice.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let taken = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    taken.map(|listener| listener.local_addr().unwrap().port())
}
