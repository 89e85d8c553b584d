//! A real Prosody, on loopback and with everything it writes in one directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::process::Running;
use crate::suite::Suite;
use crate::{certificate, free_port};

/// The domain it serves.
pub(crate) const DOMAIN: &str = "jabber.test";

/// With STARTTLS, and nothing before it.
const ENCRYPTED: &str = r#"c2s_require_encryption = true
modules_disabled = { "s2s", "legacyauth" }
ssl = { certificate = "{at}/server.pem"; key = "{at}/server.key" }"#;

/// Without, and with sign-on before SASL (XEP-0078).
const UNENCRYPTED: &str = r#"c2s_require_encryption = false
allow_unencrypted_plain_auth = true
modules_disabled = { "s2s", "tls" }"#;

/// The same, and with what Debian has of newer ways to sign on (XEP-0388, XEP-0386).
const SASL2: &str = r#"c2s_require_encryption = false
allow_unencrypted_plain_auth = true
modules_disabled = { "s2s", "tls" }
plugin_paths = { "/usr/lib/prosody/modules" }
modules_enabled = { "saslauth", "roster", "sasl2", "sasl2_bind2", "smacks",
    "disco", "stanza_debug", "posix" }"#;

/// A Prosody that trusts nobody.
pub struct Prosody {
    _process: Running,
    directory: PathBuf,
    port: u16,
}

impl Prosody {
    /// Starts one that requires STARTTLS, with `users`, each with a password, and a certificate for
    /// its domain and for `other_names`.
    pub fn start(directory: PathBuf, users: &[(&str, &str)], other_names: &[&str]) -> Self {
        fs::create_dir_all(&directory).unwrap();
        certificate::make(&directory, &[&[DOMAIN], other_names].concat());
        Self::run(Suite::Own, directory, users, ENCRYPTED)
    }

    /// Starts the one of a release, with a certificate for its domain.
    pub(crate) fn start_of(suite: Suite, directory: PathBuf, users: &[(&str, &str)]) -> Self {
        fs::create_dir_all(&directory).unwrap();
        certificate::make(&directory, &[DOMAIN]);
        Self::run(suite, directory, users, ENCRYPTED)
    }

    /// Starts one without TLS, at which people sign on by whatever there ever was.
    pub fn start_unencrypted(directory: PathBuf, users: &[(&str, &str)]) -> Self {
        Self::run(Suite::Own, directory, users, UNENCRYPTED)
    }

    /// Starts one without TLS, which offers SASL2.
    pub fn start_with_sasl2(directory: PathBuf, users: &[(&str, &str)]) -> Self {
        Self::run(Suite::Own, directory, users, SASL2)
    }

    fn run(suite: Suite, directory: PathBuf, users: &[(&str, &str)], more: &str) -> Self {
        // Prosody escapes everything but letters and digits in the names of its files.
        let accounts = directory.join("data").join(DOMAIN.replace('.', "%2e")).join("accounts");
        fs::create_dir_all(&accounts).unwrap();
        for (user, password) in users {
            let account = format!("return {{ [\"password\"] = \"{password}\" }};\n");
            fs::write(accounts.join(format!("{user}.dat")), account).unwrap();
        }
        let port = free_port();
        let config = directory.join("prosody.cfg.lua");
        let text = configuration(&directory, port, more);
        fs::write(&config, text).unwrap();
        let mut command = suite.command("prosody");
        command.arg("--config").arg(&config);
        let log = directory.join("out.log");
        let process =
            Running::serving("Prosody", &mut command, &log, &[port], Duration::from_secs(20));
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

    /// Everything it noticed or stored, files' names included: each stanza is in its log as a
    /// whole.
    pub fn memory(&self) -> String {
        let mut text = fs::read_to_string(self.directory.join("debug.log")).unwrap_or_default();
        remember(&self.directory.join("data"), &mut text);
        text
    }
}

fn remember(directory: &Path, text: &mut String) {
    for entry in fs::read_dir(directory).unwrap().filter_map(Result::ok) {
        text.push_str(&entry.file_name().to_string_lossy());
        text.push('\n');
        if entry.path().is_dir() {
            remember(&entry.path(), text);
        } else {
            text.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default()));
        }
    }
}

fn configuration(directory: &Path, port: u16, more: &str) -> String {
    let more = more.replace("{at}", &directory.display().to_string());
    let at = directory.display();
    format!(
        r#"daemonize = false
run_as_root = true
pidfile = "{at}/pid"
data_path = "{at}/data"
log = {{ debug = "{at}/debug.log" }}
modules_enabled = {{
    "blocklist", "carbons", "csi_simple", "disco", "offline", "pep", "ping", "posix", "private",
    "legacyauth", "roster", "saslauth", "smacks", "stanza_debug", "time", "tls", "vcard_legacy",
    "version",
}}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
authentication = "internal_hashed"
storage = "internal"
{more}
VirtualHost "{DOMAIN}"
"#
    )
}
