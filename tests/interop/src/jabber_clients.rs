//! Jabber clients of people who like terminals.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::proxychains::proxychains;
use crate::suite::Suite;
use crate::{Route, Terminal};

/// Account that a client signs on to, and its route to the server.
pub(crate) struct Account<'a> {
    pub(crate) jid: &'a str,
    pub(crate) password: &'a str,
    pub(crate) way: &'a Route,
    /// Release that the client is from.
    pub(crate) suite: Suite,
    /// The certificate of the CA to trust, a PEM file.
    pub(crate) ca: &'a Path,
    /// Directory for the client's own files.
    pub(crate) home: &'a Path,
}

impl Account<'_> {
    /// The host and the port to connect to, where the gateway is taken for the server.
    fn server(&self) -> (&str, u16) {
        match self.way {
            Route::Direct(host, port) => (host, *port),
            Route::Socks(..) => panic!("this client knows no proxy"),
        }
    }

    /// Writes a file under the home, and returns where it is.
    pub(crate) fn writes(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

/// Profanity, signing on.
pub(crate) fn profanity(account: &Account<'_>) -> Terminal {
    let (host, port) = account.server();
    let Account { jid, password, .. } = account;
    account.writes(
        ".local/share/profanity/accounts",
        &format!(
            "[mine]\nenabled=true\njid={jid}\npassword={password}\nserver={host}\nport={port}\n\
             tls.policy=trust\nresource=profanity\n"
        ),
    );
    account.writes(".config/profanity/profrc", "[ui]\nsplash=false\n");
    let mut command = account.suite.command("profanity");
    command.args(["-a", "mine"]).env("HOME", account.home).env("LANG", "C.UTF-8");
    Terminal::start(jid, account.home, &command)
}

/// Poezio, signing on, with a proxy under it: Debian's version 0.14 takes its own setting for
/// another host for nothing.
pub(crate) fn poezio(account: &Account<'_>) -> Terminal {
    let Route::Socks(proxy, ..) = account.way else { panic!("Poezio goes to its domain") };
    let Account { jid, password, .. } = account;
    account.writes(
        ".config/poezio/poezio.cfg",
        &format!(
            "[Poezio]\njid = {jid}\npassword = {password}\nca_cert_path = {}\n\
             plugins_autoload =\nload_log = 0\nauto_reconnect = false\n",
            account.ca.display()
        ),
    );
    let under = proxychains(account.home, *proxy, None);
    let mut command = unprivileged(account.home);
    command.arg(under.get_program()).args(under.get_args()).arg("poezio");
    command.env("HOME", account.home).env("LANG", "C.UTF-8");
    Terminal::start(jid, account.home, &command)
}

/// Says `text` to somebody by go-sendxmpp, as a script does, and returns what it complains of.
pub(crate) fn go_sendxmpp(account: &Account<'_>, to: &str, text: &str) -> String {
    let (host, port) = account.server();
    account.writes("text", text);
    let mut command = Command::new("go-sendxmpp");
    command.args(["-u", account.jid, "-p", account.password, "-j", &format!("{host}:{port}")]);
    command.arg("-m").arg(account.home.join("text")).arg(to);
    command.env("HOME", account.home).env("SSL_CERT_FILE", account.ca).stdin(Stdio::null());
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { complaint } else { format!("{}: {complaint}", output.status) }
}

/// A command under which a program runs that refuses to be root's: as `nobody`, where this is root.
fn unprivileged(home: &Path) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if !is_root {
        return Command::new("env");
    }
    let status = Command::new("chown").args(["-R", "nobody"]).arg(home).status().unwrap();
    assert!(status.success());
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "nobody", "--clear-groups", "env"]);
    command
}
