//! Wire format between gateways: frames, and the messages in them.

pub(crate) mod codec;
pub(crate) mod details;
pub(crate) mod fields;
pub(crate) mod frame;
#[cfg(test)]
pub(crate) mod golden_tests;
pub(crate) mod layout;
pub(crate) mod mapping;
pub(crate) mod message;
#[cfg(test)]
pub(crate) mod samples;
