//! Connections beside the session, over HTTP.

pub(super) mod address_book;
pub(super) mod file_upload;
pub(super) mod server_lookup;
