//! The chat page in Debian's Chromium, driven by playwright.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::driver::Driver;
use crate::{drivers, peer};

/// The script of axe-core, in the package that brings it.
const AXE: &str = "axe_playwright_python/axe.min.js";

/// Longest wait for the page to do something: more than its driver waits for any one thing.
const PATIENCE: Duration = Duration::from_secs(90);

/// Somebody at the chat page of a gateway.
pub struct Browser {
    driver: Driver,
}

impl Browser {
    /// Opens a page.
    pub fn open(url: &str) -> Self {
        let python = peer("playwright/bin/python");
        let mut command = Command::new(&python);
        command.arg(drivers().join("browser.py")).arg("/usr/bin/chromium").arg(axe(&python));
        let mut browser = Self { driver: Driver::start("the browser", &mut command) };
        browser.does(&["open", url]);
        browser
    }

    /// Does something, and waits until the page shows that it is done. Fails at once where it shows
    /// that it cannot be.
    #[track_caller]
    pub fn does(&mut self, words: &[&str]) {
        self.driver.does(words);
        let end = self.driver.sees(PATIENCE, &format!("the end of {words:?}"), |event| {
            matches!(event.kind(), "done" | "failed") && event.has(&[("command", words[0])])
        });
        let (text, page) = (end.get("text"), end.get("page"));
        assert!(end.kind() == "done", "{words:?} failed: {text}\nThe page shows:\n{page}");
    }

    /// Checks that a screen reader and a keyboard get along with the page as it is.
    #[track_caller]
    pub fn is_for_everybody(&mut self) {
        self.does(&["check"]);
        assert!(!self.driver.has_seen("severe", &[]), "axe reports something serious");
    }

    /// Takes a picture of the page as it is.
    pub fn is_pictured(&mut self, at: &Path) {
        self.does(&["picture", &at.display().to_string()]);
    }

    /// Checks that no script of the page failed, and that it asked nobody but its gateway.
    #[track_caller]
    pub fn had_no_errors(&mut self) {
        assert!(!self.driver.has_seen("page-error", &[]), "the page has errors");
    }
}

/// The place of the script in an environment of Python.
fn axe(python: &Path) -> PathBuf {
    let libraries = python.parent().and_then(Path::parent).unwrap().join("lib");
    let versions = std::fs::read_dir(&libraries).unwrap().map(|entry| entry.unwrap().path());
    let found =
        versions.map(|version| version.join("site-packages").join(AXE)).find(|p| p.exists());
    found.unwrap_or_else(|| panic!("there is no {AXE} in {}", libraries.display()))
}
