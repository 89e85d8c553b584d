//! The buddy list on a notification connection: the server's merged with the foreign one on its way
//! to the client, in the words of each version, and the client's edits of the foreign people in it.

mod address_book_edits;
mod adl_rml;
mod edits;
mod list_msnp2_7;
mod list_msnp8_12;

pub(super) use self::adl_rml::{Domains, message_to, show_request};
pub(super) use self::edits::invite;
pub(super) use self::list_msnp8_12::Merge;
