//! The bytes of OSCAR: FLAP frames that carry SNACs made of fixed fields and TLVs.
//!
//! Nothing here knows which side speaks or what a message is for, so that clients and servers
//! can be built on it as well as an engine between them.

pub mod code;
pub mod fields;
pub mod flap;
pub mod item;
pub mod kinds;
pub mod message;
pub mod snac;
pub mod user;

pub use fields::{Reader, TooLong, Truncated, Writer, find, tlvs};
pub use flap::{Channel, Frame};
pub use item::{Class, Item, ItemId};
pub use snac::Snac;
pub use user::UserInfo;
