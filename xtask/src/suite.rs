//! Debian's next release in a folder, for newer versions of servers and clients than this machine's.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::peers::{as_root, mirror, run};
use crate::steps::Outcome;

/// The release after the one that development machines run.
const SUITE: &str = "trixie";

/// Packages installed in it. Profanity without a desktop does what the other does.
const PACKAGES: &[&str] = &["ca-certificates", "ejabberd", "profanity-light", "prosody"];

/// Makes the folder under `peers`, unless it is there and has everything.
pub(crate) fn install(peers: &Path) -> Outcome {
    let root = peers.join(SUITE);
    let done = peers.join(format!("{SUITE}.done"));
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&done).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    // One that was left half done is no beginning.
    run(rooted()?.args(["rm", "-rf", "--one-file-system"]).arg(&root))?;
    run(rooted()?.args(["debootstrap", "--variant=minbase", SUITE]).arg(&root).arg(mirror()?))?;
    // No service of it is started, neither now nor ever; and it has a name for loopback.
    let prepare = r#"printf '#!/bin/sh\nexit 101\n' > "$0/usr/sbin/policy-rc.d" &&
        chmod 755 "$0/usr/sbin/policy-rc.d" && echo 127.0.0.1 localhost > "$0/etc/hosts""#;
    run(rooted()?.args(["sh", "-c", prepare]).arg(&root))?;
    run(rooted()?.arg("chroot").arg(&root).args(["apt-get", "-q", "update"]))?;
    let install = ["apt-get", "-q", "install", "--yes", "--no-install-recommends"];
    run(rooted()?.arg("chroot").arg(&root).args(install).args(PACKAGES))?;
    fs::write(&done, wanted).map_err(|e| format!("{}: {e}", done.display()))
}

/// The beginning of a command that needs root's rights, in an environment that another release
/// understands.
fn rooted() -> Result<Command, String> {
    let mut command = as_root().ok_or_else(|| {
        format!(
            "a folder with Debian {SUITE} can be made by root only, or by sudo without a password"
        )
    })?;
    command.arg("LANG=C.UTF-8");
    Ok(command)
}
