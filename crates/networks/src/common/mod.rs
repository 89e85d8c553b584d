//! Tools that several networks need: no protocol's own terms in them.

mod contacts;
mod context;
mod failure_reports;
pub(crate) mod frame_queue;
pub mod html;
pub(crate) mod http;
pub(crate) mod presences;
pub(crate) mod publication;
pub(crate) mod split_text;
pub(crate) mod time;
pub(crate) mod unread;
mod waiting;
pub(crate) mod weight;
pub(crate) mod xml_entities;

pub(crate) use contacts::{Contacts, spelling};
pub(crate) use context::Cx;
pub(crate) use failure_reports::in_words;
pub(crate) use presences::Presences;
pub(crate) use waiting::Waiting;
