//! Checks of third-party crates against `deny.toml`, which says which may be used.

use std::path::Path;
use std::process::Command;

use crate::steps::Outcome;
use crate::{succeed, tools};

const NAME: &str = "cargo-deny";
const VERSION: &str = "0.20.2";

/// Fails where a crate has a licence, a source or a version that is not allowed.
pub(crate) fn check(root: &Path) -> Outcome {
    let program = tools::install(root, NAME, VERSION)?;
    let checks = ["check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    succeed(Command::new(program).args(checks))
}

/// Fails where a crate has a known fault. Where nobody can be asked it says so, and is no failure
/// of the project.
pub(crate) fn advisories(root: &Path) -> Outcome {
    let program = tools::install(root, NAME, VERSION)?;
    let mut command = Command::new(program);
    command.current_dir(root).args(["check", "--hide-inclusion-graph", "advisories"]);
    let output = command.output().map_err(|error| format!("{NAME}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        println!("{said}no advisory concerns what the project is built from");
        return Ok(());
    }
    match unreachable(&said) {
        Some(why) => {
            println!(
                "NOT CHECKED: the advisory database of RustSec cannot be fetched from here, so \
                 nothing is known about advisories.\n  {why}\nRun this again with a way to it."
            );
            Ok(())
        }
        None => Err(format!("{NAME} found:\n{said}")),
    }
}

/// Reason why the database could not be fetched; `None` where it could.
fn unreachable(said: &str) -> Option<&str> {
    let mut lines = said.lines().skip_while(|line| !line.contains("failed to fetch advisory"));
    let first = lines.next()?;
    Some(lines.find_map(|line| line.strip_prefix("fatal: ")).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_be_fetched_is_told_from_an_advisory() {
        let offline = "2026 [ERROR] failed to fetch advisory database https://x: failed to clone\n\
                       Cloning into 'y'...\nfatal: unable to access 'https://x': no such host\n";
        assert_eq!(unreachable(offline), Some("unable to access 'https://x': no such host"));
        let short = "[ERROR] failed to fetch advisory database https://x";
        assert_eq!(unreachable(short), Some(short));
        assert_eq!(unreachable("error[vulnerability]: a buffer overflow in x\n"), None);
    }
}
