//! What the first bytes of a connection are.

use crosstalk_core::{Side, Sniff};

use super::wire::MAGIC;
use crate::http;

/// What requests over HTTP begin with: the question which server to use, and edits of the address
/// book.
const REQUESTS: [(&[u8], &[u8]); 3] =
    [(b"GET ", b"/capacity "), (b"GET ", b"/capacity?"), (b"POST ", b"/yab/")];

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
        Side::Server => [Sniff::No; 3],
    };
    // What is sure comes before what may be.
    let sure = |verdict: &Sniff| match verdict {
        Sniff::Yes => 0,
        Sniff::More => 1,
        Sniff::No => 2,
    };
    verdicts.into_iter().chain([packet]).min_by_key(sure).unwrap_or(Sniff::No)
}
