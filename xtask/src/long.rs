//! Prerequisites of the interop tests that run only in `cargo xtask test --long`.

use std::path::Path;
use std::process::Command;

use crate::peers;
use crate::steps::Outcome;
use crate::suite;

/// Debian packages for Jabber clients with windows and for a screen to show them on; a browser; and
/// for a folder with another release in it.
const PACKAGES: &[&str] = &[
    "chromium",
    "dbus",
    "debootstrap",
    "dino-im",
    "fonts-dejavu-core",
    "gajim",
    "imagemagick",
    "libglib2.0-bin",
    "openbox",
    "sqlite3",
    "xdotool",
    "xvfb",
];

/// Installs what is missing.
pub(crate) fn install(root: &Path) -> Outcome {
    peers::packages(PACKAGES)?;
    // Where Node.js is from elsewhere it has brought its own, beside which Debian's has no room.
    if peers::quiet(Command::new("npm").arg("--version")).is_err() {
        peers::packages(&["npm"])?;
    }
    let peers = peers::install(root)?;
    browser(root, &peers)?;
    suite::install(&peers)
}

/// Installs what drives a browser; the browser itself is Debian's.
pub(crate) fn browser(root: &Path, peers: &Path) -> Outcome {
    let requirements = root.join("tests/interop/drivers/playwright.txt");
    peers::python(&requirements, &peers.join("playwright"))
}
