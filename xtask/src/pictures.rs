//! The pictures of the README, taken of what they show.

use std::path::Path;

use crate::peers;
use crate::steps::Outcome;

/// Debian packages for a screen with Pidgin on it, and for taking a picture of it.
const PACKAGES: &[&str] = &[
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
    peers::install(root).map(drop)
}
