//! Settings of routing by an operator.

use crosstalk_core::{Budgets, Rate};

/// Settings of routing by an operator.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether the control contact stands in everybody's list and answers.
    pub control: bool,
    /// Memory limits of connections, with all that waits for them.
    pub memory: Budgets,
    /// Rate of one person's messages. A client that exceeds it is read more slowly.
    pub pace: Rate,
}

impl Default for Options {
    fn default() -> Self {
        let pace = crate::config::Limits::default().pace();
        Self { control: true, memory: Budgets::of(256 << 20), pace }
    }
}
