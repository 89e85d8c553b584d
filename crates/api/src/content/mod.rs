//! Content: what people say and how they are, as programs read and write it.

mod contact;
mod entry;
mod event;
mod file;
mod presence;
mod text;

pub(crate) use contact::{Contact, Standing};
pub(crate) use entry::{Entries, Entry, Kept, Said};
pub(crate) use event::{Event, Numbered, Typing, reason};
pub(crate) use file::File;
pub(crate) use presence::Presence;
pub(crate) use text::Text;
