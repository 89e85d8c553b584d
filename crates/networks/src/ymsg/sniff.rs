//! Recognition of the first bytes of a connection.

use crosstalk_core::{Side, Sniff};

use super::wire::MAGIC;
use crate::common::http;

/// The request that sends a file.
const UPLOAD: (&[u8], &[u8]) = (b"POST ", b"/notifyft");
/// Beginnings of requests over HTTP: the question which server to use, edits of the address book,
/// and a file.
const REQUESTS: [(&[u8], &[u8]); 4] =
    [(b"GET ", b"/capacity "), (b"GET ", b"/capacity?"), (b"POST ", b"/yab/"), UPLOAD];

/// Whether a client sends a file.
pub(super) fn is_upload(first: &[u8]) -> bool {
    http::asks(first, UPLOAD.0, UPLOAD.1) == Sniff::Yes
}

/// Judges what `side` sent first: both begin packets with `YMSG`.
pub(super) fn sniff(side: Side, first: &[u8]) -> Sniff {
    let packet = if first.starts_with(MAGIC) {
        Sniff::Yes
    } else if MAGIC.starts_with(first) {
        Sniff::More
    } else {
        Sniff::No
    };
    let verdicts = match side {
        Side::Client => REQUESTS.map(|(method, path)| http::asks(first, method, path)),
        Side::Server => [Sniff::No; 4],
    };
    // What is sure comes before what may be.
    let sure = |verdict: &Sniff| match verdict {
        Sniff::Yes => 0,
        Sniff::More => 1,
        Sniff::No => 2,
    };
    verdicts.into_iter().chain([packet]).min_by_key(sure).unwrap_or(Sniff::No)
}
