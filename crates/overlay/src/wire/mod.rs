//! Wire format between gateways: frames, and the messages in them.

pub(crate) mod frame;
#[cfg(test)]
pub(crate) mod golden_tests;
pub(crate) mod message;
#[cfg(test)]
pub(crate) mod samples;
