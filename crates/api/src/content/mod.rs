//! Content: what people say and how they are, as programs read and write it.

mod contact;
mod event;
mod presence;
mod text;

pub use contact::{Contact, Standing};
pub(crate) use event::reason;
pub use event::{Event, Numbered, Typing};
pub use presence::{Presence, Show};
pub use text::{Run, Text, Unreadable};
