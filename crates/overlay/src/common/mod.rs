//! Helpers without a subject: maps, clocks, bounded queues, quiet logs.

pub(crate) mod clock;
#[cfg(test)]
pub(crate) mod fault_injection;
pub(crate) mod log_limiter;
pub(crate) mod map;
pub(crate) mod queue;
