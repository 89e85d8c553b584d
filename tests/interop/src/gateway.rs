//! A gateway process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::built;
use crate::process::Running;

/// `crosstalk gateway` with a configuration and a directory of its own.
pub struct Gateway {
    directory: PathBuf,
    ports: Vec<u16>,
    process: Option<Running>,
}

impl Gateway {
    /// Prepares one: its keys and its CA are made, but it is not configured yet.
    pub(crate) fn prepare(directory: PathBuf) -> Self {
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("gateway.toml"), "data = \"state\"\n").unwrap();
        let gateway = Self { directory, ports: Vec::new(), process: None };
        gateway.ask(&["ca", "init"]);
        fs::create_dir_all(gateway.trust()).unwrap();
        fs::write(gateway.ca(), gateway.ask(&["ca", "export"])).unwrap();
        gateway
    }

    /// The gateway's id, as others have to list it.
    pub(crate) fn id(&self) -> String {
        let text = self.ask(&["id"]);
        let id = text.split_whitespace().find(|word| word.trim_matches('"').starts_with("12D3"));
        id.unwrap_or_else(|| panic!("no id in {text}")).trim_matches('"').to_owned()
    }

    /// Writes the configuration; `ports` are those that must be open before clients come.
    pub(crate) fn configure(&mut self, toml: &str, ports: &[u16]) {
        let text = format!("data = \"state\"\nlog = \"trace\"\n{toml}");
        fs::write(self.directory.join("gateway.toml"), text).unwrap();
        self.ports = ports.to_vec();
    }

    /// Starts it and waits for its listeners.
    pub fn start(&mut self) {
        let mut command = self.command(&["gateway"]);
        let (log, within) = (self.log_file(), Duration::from_secs(20));
        let process = Running::serving("the gateway", &mut command, &log, &self.ports, within);
        self.process = Some(process);
    }

    /// Kills it without warning, as `kill -9` does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Everything it logged, at the most talkative level.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The certificate of its CA, a PEM file.
    pub fn ca(&self) -> PathBuf {
        self.trust().join("crosstalk.pem")
    }

    /// A directory with nothing but its CA's certificate.
    pub fn trust(&self) -> PathBuf {
        self.directory.join("trust")
    }

    fn log_file(&self) -> PathBuf {
        self.directory.join("gateway.log")
    }

    /// Runs a command on this gateway's configuration, for its output.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        output(&mut self.command(words))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(built("crosstalk"));
        command.args(words).arg("--config").arg(self.directory.join("gateway.toml"));
        command.env("RUST_BACKTRACE", "1");
        command
    }
}

/// Runs a `crosstalk` command on the state in `data`, for its output.
pub fn crosstalk(data: &Path, words: &[&str]) -> String {
    output(Command::new(built("crosstalk")).args(words).arg("--data").arg(data))
}

/// Output of a command that has to succeed.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}
