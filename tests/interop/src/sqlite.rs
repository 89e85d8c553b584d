//! Databases of clients.

use std::path::Path;
use std::process::Command;

/// Runs statements that change the database in `file`.
#[track_caller]
pub(crate) fn execute(file: &Path, statements: &str) {
    let output = Command::new("sqlite3").arg("-bail").arg(file).arg(statements).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaint}", file.display());
}

/// Rows that a statement finds in the database in `file`, a line each. A client that has not made
/// its database yet has nothing in it.
pub(crate) fn query(file: &Path, statement: &str) -> String {
    let mut sqlite = Command::new("sqlite3");
    let output = sqlite.arg("-readonly").arg(file).arg(statement).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
