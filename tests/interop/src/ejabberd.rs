//! A real ejabberd, on loopback and with everything it writes in one directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::process::Running;
use crate::prosody::DOMAIN;
use crate::suite::Suite;
use crate::{RawJabber, certificate, free_port};

/// Setting for encryption in its configuration, where there is any.
const ENCRYPTED: &str = "starttls: true";
const UNENCRYPTED: &str = "starttls: false";

/// An ejabberd on which anybody may register.
pub struct Ejabberd {
    _process: Running,
    directory: PathBuf,
    port: u16,
}

impl Ejabberd {
    /// Starts one that offers STARTTLS, with `users`, each with a password, and a certificate for
    /// its domain.
    pub(crate) fn start(suite: Suite, directory: PathBuf, users: &[(&str, &str)]) -> Self {
        fs::create_dir_all(&directory).unwrap();
        certificate::make(&directory, &[DOMAIN]);
        let parts = ["server.pem", "server.key"].map(|name| directory.join(name));
        let both = parts.map(|path| fs::read_to_string(path).unwrap()).concat();
        fs::write(directory.join("both.pem"), both).unwrap();
        Self::run(suite, directory, users, ENCRYPTED)
    }

    /// Starts one without TLS.
    pub fn start_unencrypted(directory: PathBuf, users: &[(&str, &str)]) -> Self {
        Self::run(Suite::Own, directory, users, UNENCRYPTED)
    }

    fn run(suite: Suite, directory: PathBuf, users: &[(&str, &str)], encryption: &str) -> Self {
        let spool = directory.join("spool");
        fs::create_dir_all(&spool).unwrap();
        let port = free_port();
        let config = directory.join("ejabberd.yml");
        fs::write(&config, configuration(&directory, port, encryption)).unwrap();
        // Without `ejabberdctl`, which wants a user of its own and a daemon for names of nodes.
        let mut command = suite.command("erl");
        command.args(["-noinput", "-mnesia", "dir"]).arg(format!("\"{}\"", spool.display()));
        command.args(["-s", "ejabberd"]).env("ERL_LIBS", libraries(suite)).env("HOME", &directory);
        command.env("EJABBERD_CONFIG_PATH", &config);
        command.env("EJABBERD_LOG_PATH", directory.join("ejabberd.log"));
        let log = directory.join("out.log");
        let process =
            Running::serving("ejabberd", &mut command, &log, &[port], Duration::from_mins(1));
        for (user, password) in users {
            RawJabber::connect(port).registers(user, password);
        }
        Self { _process: process, directory, port }
    }

    /// Port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the CA behind its own, a PEM file.
    pub fn ca(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// Everything it noticed: each stanza is in its log as a whole.
    pub fn memory(&self) -> String {
        fs::read_to_string(self.directory.join("ejabberd.log")).unwrap()
    }
}

/// Directory in which Debian puts the libraries of Erlang programs.
fn libraries(suite: Suite) -> PathBuf {
    let top = suite.root();
    let all = fs::read_dir(top.join("usr/lib")).unwrap().filter_map(Result::ok);
    let has_ejabberd = |path: &PathBuf| {
        let inside = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        let mut names = inside.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.any(|name| name.starts_with("ejabberd-"))
    };
    let found = all.map(|entry| entry.path()).find(has_ejabberd);
    let found = found.expect("ejabberd is missing: run `cargo xtask peers` first");
    Path::new("/").join(found.strip_prefix(top).unwrap())
}

fn configuration(directory: &Path, port: u16, encryption: &str) -> String {
    let certificate = directory.join("both.pem");
    let certificates = if encryption == ENCRYPTED {
        format!("certfiles: [\"{}\"]", certificate.display())
    } else {
        String::new()
    };
    format!(
        r#"hosts: ["{DOMAIN}"]
loglevel: debug
{certificates}
listen:
  -
    port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    max_stanza_size: 1048576
    {encryption}
    access: all
auth_method: internal
auth_password_format: scram
registration_timeout: infinity
modules:
  mod_blocking: {{}}
  mod_carboncopy: {{}}
  mod_client_state: {{}}
  mod_disco: {{}}
  mod_last: {{}}
  mod_legacy_auth: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_private: {{}}
  mod_register:
    access: all
    ip_access: all
  mod_roster:
    versioning: true
  mod_stream_mgmt: {{}}
"#
    )
}
