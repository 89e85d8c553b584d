//! Settings as they may be shown.

use crate::{flow, status};

/// A line of settings, in which secrets are named and not shown.
pub fn without_secrets(line: &str) -> String {
    let shown = flow::without_secrets(line).or_else(|| status::without_secrets(line));
    shown.unwrap_or_else(|| line.to_owned())
}
