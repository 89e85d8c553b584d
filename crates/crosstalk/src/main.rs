//! The `crosstalk` command.

fn main() {}
