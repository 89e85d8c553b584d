//! A client that trusts what the system's store of certificates holds, and the gateway's CA in it.

use std::path::Path;
use std::process::Command;

use crate::Desktop;

/// File in which Debian's libraries for TLS look for roots.
const STORE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A command under which a program on `desktop` finds the CA in the PEM file `ca`, and no other, in
/// the system's store. The rest of the machine sees nothing of it.
pub(crate) fn trusting(ca: &Path, desktop: &Desktop) -> Command {
    let mut command = desktop.command("unshare");
    command.args(["--mount", "sh", "-c", r#"mount --bind "$0" "$1" && shift && exec "$@""#]);
    command.arg(ca).arg(STORE);
    command
}
