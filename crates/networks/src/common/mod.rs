//! Tools that several networks need: no protocol's own terms in them.

mod context;
pub(crate) mod held;
pub mod html;
pub(crate) mod http;
pub(crate) mod split_text;
pub(crate) mod time;
pub(crate) mod unread;
pub(crate) mod xml_entities;

pub(crate) use context::{Cx, spelling};
