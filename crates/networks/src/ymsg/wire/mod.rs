//! The codec of YMSG: packets, what they are for, and the bytes of texts in them.

pub mod charset;
pub mod key;
mod packet;
pub mod service;

pub use packet::{Draft, MAGIC, Packet, SEPARATOR, Style};
