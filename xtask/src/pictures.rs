//! The pictures of the README and the manuals, taken of what they show.

use std::path::Path;

use crate::steps::Outcome;
use crate::{long, peers};

/// Debian packages for a screen with Pidgin on it, and for taking a picture of it; and for a browser.
const PACKAGES: &[&str] = &[
    "chromium",
    "dbus",
    "fonts-dejavu-core",
    "fonts-noto-color-emoji",
    "gnome-themes-extra",
    "gtk2-engines-pixbuf",
    "imagemagick",
    "openbox",
    "pidgin",
    "xdotool",
    "xvfb",
];

/// Installs what is missing to take pictures.
pub(crate) fn install(root: &Path) -> Outcome {
    peers::packages(PACKAGES)?;
    long::browser(root, &peers::install(root)?)
}
