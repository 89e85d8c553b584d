//! Tools of cargo that are no part of Rust, kept under the target directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::Outcome;
use crate::{succeed, target};

/// Directory of the tools, once they are installed.
fn directory(root: &Path) -> PathBuf {
    target(root).join("tools")
}

/// Installs `name` from crates.io where that version is not there yet, and returns its program.
///
/// Unoptimised, since that is built in a quarter of the time, and they do little.
pub(crate) fn install(root: &Path, name: &str, version: &str) -> Result<PathBuf, String> {
    let directory = directory(root);
    let program = directory.join("bin").join(name);
    let shown = Command::new(&program).arg("--version").output();
    if shown.is_ok_and(|shown| String::from_utf8_lossy(&shown.stdout).trim().ends_with(version)) {
        return Ok(program);
    }
    let build = directory.join("build");
    succeed(
        Command::new("cargo")
            .args(["install", "--quiet", "--locked", "--debug", "--force"])
            .arg(format!("{name}@{version}"))
            .arg("--root")
            .arg(&directory)
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_PROFILE_DEV_DEBUG", "0"),
    )?;
    clean(&build)?;
    Ok(program)
}

fn clean(build: &Path) -> Outcome {
    match fs::remove_dir_all(build) {
        Err(error) if build.exists() => Err(format!("{}: {error}", build.display())),
        _ => Ok(()),
    }
}
