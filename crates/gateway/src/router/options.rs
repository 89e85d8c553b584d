//! What an operator chooses about routing.

use crosstalk_core::{Budgets, Rate};

/// What an operator chooses about routing.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether the control contact stands in everybody's list and answers.
    pub control: bool,
    /// What connections may hold, with all that waits for them.
    pub memory: Budgets,
    /// What one person may say. Who says more is heard more slowly.
    pub pace: Rate,
}

impl Default for Options {
    fn default() -> Self {
        let pace = crate::config::Limits::default().pace();
        Self { control: true, memory: Budgets::of(256 << 20), pace }
    }
}
