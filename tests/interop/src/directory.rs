//! The example that keeps values in the directory, which signs by a library that others wrote.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::gateway::Gateway;
use crate::stage::fresh_directory;
use crate::{free_port, peer};

/// A gateway, and a directory in which the example has its key.
pub struct DirectoryExample {
    home: PathBuf,
    _gateway: Gateway,
    token: String,
}

impl DirectoryExample {
    /// Starts the gateway.
    pub fn start() -> Self {
        let home = fresh_directory();
        let mut gateway = Gateway::prepare(home.join("gateway"));
        let port = free_port();
        gateway.configure(&format!("[[proxy]]\nlisten = \"127.0.0.1:{port}\"\n"), &[port]);
        gateway.start();
        let token = gateway.ask(&["api", "token", "make", "weather"]).trim().to_owned();
        Self { home, _gateway: gateway, token }
    }

    /// Runs the example. Returns what it shows.
    pub fn keeps(&self, key: &str, value: &str) -> String {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut command = Command::new(peer("venv/bin/python"));
        command.arg(top.join("examples/directory.py"));
        command.arg(self.home.join("gateway/state/api.sock")).args([key, value]);
        let output = command
            .env("CROSSTALK_TOKEN", &self.token)
            .env("PYTHONUTF8", "1")
            .current_dir(&self.home)
            .output();
        let output = output.unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        String::from_utf8(output.stdout).unwrap()
    }
}
