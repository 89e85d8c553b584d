//! Settings of routing by an operator.

use std::sync::Arc;

use crosstalk_core::{Budgets, Rate};

use crate::sources::Sources;

/// Settings of routing by an operator.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the control contact stands in everybody's list and answers.
    pub control: bool,
    /// Memory limits of connections, with all that waits for them.
    pub memory: Budgets,
    /// Rate of one person's messages. A client that exceeds it is read more slowly.
    pub pace: Rate,
    /// Sources that services of people may use.
    pub sources: Arc<Sources>,
}

impl Default for Options {
    fn default() -> Self {
        let pace = crate::config::Limits::default().pace();
        let (memory, sources) = (Budgets::of(256 << 20), Sources::none());
        Self { control: true, memory, pace, sources }
    }
}
