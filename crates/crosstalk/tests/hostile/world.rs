//! A network of a trial's own: "public" addresses on its loopback, and names for them.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Says to a process of this test which trial it performs.
const TRIAL: &str = "CROSSTALK_TRIAL";

/// Arguments of `unshare`, of which the first that works is used: an administrator may set limits
/// besides, and somebody else is one in a namespace of users.
const WAYS: [&[&str]; 2] =
    [&["--net", "--mount"], &["--user", "--map-root-user", "--net", "--mount"]];

/// The host that everybody's server is at, unless a trial says otherwise.
pub(crate) const FRIEND: (&str, [u8; 4]) = ("friend.example", [8, 8, 1, 4]);
/// The host of a server that is on the side of its clients, who are not.
pub(crate) const EVIL: (&str, [u8; 4]) = ("evil.example", [8, 8, 1, 3]);
/// A host where something listens that is no server.
pub(crate) const HOLE: (&str, [u8; 4]) = ("hole.example", [8, 8, 9, 9]);
/// A domain, with its server.
pub(crate) const VICTIM: (&str, [u8; 4]) = ("victim.example", [8, 8, 1, 1]);
/// The machine of somebody under that domain.
pub(crate) const LODGER: (&str, [u8; 4]) = ("pc17.dhcp.victim.example", [8, 8, 1, 2]);

/// Hosts file of the trials.
const HOSTS: &str = "\
127.0.0.1 localhost
8.8.1.1 victim.example xmpp.victim.example
8.8.1.2 pc17.dhcp.victim.example
8.8.1.3 evil.example a.evil.example
8.8.1.4 friend.example
8.8.9.9 hole.example
";
/// Name server for other names. Where a trial puts nobody there, the answer is that nobody is.
const RESOLVER: &str = "nameserver 127.0.0.53\noptions timeout:5 attempts:2\n";

/// Brings the network up; its arguments are the two files.
const SETUP: &str = "
set -e
ip link set lo up
for end in 1.1 1.2 1.3 1.4 9.9; do ip address add 8.8.$end/32 dev lo; done
mount --bind \"$0\" /etc/hosts
mount --bind \"$1\" /etc/resolv.conf
";

/// Way of making a network namespace of its own on this machine.
#[derive(Clone)]
pub(crate) struct World(&'static [&'static str]);

impl World {
    /// Finds out; the error says why trials are skipped.
    pub(crate) fn find() -> Result<Self, String> {
        let mut why = String::new();
        for way in WAYS {
            let mut unshare = Command::new("unshare");
            let said = match set_up(unshare.args(way).arg("sh")) {
                Ok(done) if done.status.success() => return Ok(Self(way)),
                Ok(done) => String::from_utf8_lossy(&done.stderr).into_owned(),
                Err(error) => format!("unshare: {error}"),
            };
            // In one line, as skipped tests are listed.
            why = said.lines().last().unwrap_or("it does not say why").into();
        }
        Err(format!("no network of its own is allowed here: {why}"))
    }

    /// This test as a process that performs `trial` in a world of its own.
    pub(crate) fn enter(&self, trial: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(self.0).arg(std::env::current_exe().unwrap()).env(TRIAL, trial);
        command
    }
}

/// The trial that this process is to perform, after its world was made.
pub(crate) fn inside() -> Option<String> {
    let trial = std::env::var(TRIAL).ok()?;
    let done = set_up(&mut Command::new("sh")).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(trial)
}

fn set_up(shell: &mut Command) -> std::io::Result<Output> {
    let home = TempDir::new()?;
    let file = |name: &str, content: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, content).map(|()| path)
    };
    let (hosts, resolver) = (file("hosts", HOSTS)?, file("resolv.conf", RESOLVER)?);
    shell.arg("-c").arg(SETUP).arg(hosts).arg(resolver).output()
}

/// Runs a command that must succeed.
pub(crate) fn sh(words: &[&str]) {
    let done = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Mounts a small file system of memory at `at`, or changes the size of the one there.
pub(crate) fn disk(at: &Path, size: &str, is_new: bool) {
    let at = at.to_str().unwrap();
    let options = format!("size={size},mode=700");
    if is_new {
        sh(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs", at]);
    } else {
        sh(&["mount", "-o", &format!("remount,{options}"), at]);
    }
}
