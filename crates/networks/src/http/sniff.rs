//! What the first bytes of a connection ask for.

use crosstalk_core::Sniff;

/// How many bytes decide.
const ENOUGH: usize = 64;
const SCHEME: &[u8] = b"http://";

/// Judges whether a client asks for what begins with `path`, in any case, by a method that comes
/// with its space. Between the two there may be a server, if an HTTP proxy is asked.
pub(crate) fn asks(first: &[u8], method: &[u8], path: &[u8]) -> Sniff {
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
    let seen = bytes.len().min(with.len());
    match (bytes.get(..seen), with.get(..seen)) {
        (Some(bytes), Some(with)) if !bytes.eq_ignore_ascii_case(with) => Sniff::No,
        _ if seen == with.len() => Sniff::Yes,
        _ => Sniff::More,
    }
}
