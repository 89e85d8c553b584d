//! What the first bytes of a connection are.

use crosstalk_core::{Side, Sniff};

use super::wire::MAGIC;

/// How many bytes decide.
const ENOUGH: usize = 64;
/// What requests over HTTP begin with: the question which server to use, and edits of the address
/// book. Between the two parts there may be a server, if an HTTP proxy is asked.
const REQUESTS: [(&[u8], &[u8]); 3] =
    [(b"GET ", b"/capacity "), (b"GET ", b"/capacity?"), (b"POST ", b"/yab/")];
const SCHEME: &[u8] = b"http://";

/// Judges what `side` sent first: both begin packets with `YMSG`.
pub(super) fn sniff(side: Side, first: &[u8]) -> Sniff {
    let verdicts = match side {
        Side::Client => REQUESTS.map(|(method, path)| request(first, method, path)),
        Side::Server => [Sniff::No; 3],
    };
    let all = [begins(first, MAGIC)].into_iter().chain(verdicts);
    // What is sure comes before what may be.
    all.min_by_key(|verdict| match verdict {
        Sniff::Yes => 0,
        Sniff::More => 1,
        Sniff::No => 2,
    })
    .unwrap_or(Sniff::No)
}

fn request(first: &[u8], method: &[u8], path: &[u8]) -> Sniff {
    let more = if first.len() < ENOUGH { Sniff::More } else { Sniff::No };
    let first = first.get(..ENOUGH).unwrap_or(first);
    let Some(target) = first.strip_prefix(method) else { return begins(first, method) };
    let Some(place) = target.strip_prefix(SCHEME) else {
        return if target.len() < SCHEME.len() && SCHEME.starts_with(target) {
            more
        } else {
            begins(target, path)
        };
    };
    let end = memchr::memchr2(b'/', b' ', place);
    match end.and_then(|at| place.get(at..)).map(|target| begins(target, path)) {
        None | Some(Sniff::More) => more,
        Some(sure) => sure,
    }
}

/// Whether bytes begin with others, as far as they go.
fn begins(bytes: &[u8], with: &[u8]) -> Sniff {
    if bytes.starts_with(with) {
        Sniff::Yes
    } else if with.starts_with(bytes) {
        Sniff::More
    } else {
        Sniff::No
    }
}
