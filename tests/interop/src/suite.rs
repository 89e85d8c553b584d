//! Releases of Debian that programs are from.

use std::path::PathBuf;
use std::process::Command;

use crate::peer;

/// A release.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suite {
    /// The one that this machine runs.
    Own,
    /// The next, in a folder that `cargo xtask interop --long` fills.
    Next,
}

/// Script that mounts what the programs of another release share with this machine: files that
/// tests write, and what the kernel shows.
const SHARED: &str = r#"for at in /proc /dev "$1"; do mount --rbind "$at" "$0$at"; done"#;

impl Suite {
    /// A command that runs a program of this release. It sees the tests' files where they are.
    pub(crate) fn command(self, program: &str) -> Command {
        if self == Self::Own {
            return Command::new(program);
        }
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-ec"]);
        command.arg(format!(r#"{SHARED}; root="$0"; shift; exec chroot "$root" "$@""#));
        command.arg(self.root()).arg(std::env::temp_dir()).arg(program);
        command
    }

    /// Directory of its files.
    pub(crate) fn root(self) -> PathBuf {
        match self {
            Self::Own => "/".into(),
            Self::Next => peer("trixie"),
        }
    }
}
