//! What travels between gateways: frames, and the messages in them.

pub(crate) mod frame;
pub(crate) mod message;
