//! Recognition of the first bytes of a connection.

use crosstalk_core::Sniff;

use super::wire::BOM;

/// Number of bytes that decide.
const MAX_SNIFF: usize = 64;
/// Beginning of a stream header.
const OPEN: &[u8] = b"<stream:stream";

/// An XML declaration and the start of a stream header, with any white space, and with the mark of
/// byte order that some put in front.
pub(super) fn sniff(first: &[u8]) -> Sniff {
    let first = first.get(..first.len().min(MAX_SNIFF)).unwrap_or_default();
    let more = if first.len() < MAX_SNIFF { Sniff::More } else { Sniff::No };
    if !first.is_empty() && BOM.starts_with(first) {
        return more;
    }
    let mut rest = first.strip_prefix(BOM).unwrap_or(first).trim_ascii_start();
    if rest.starts_with(b"<?xml ") {
        let Some(end) = memchr::memmem::find(rest, b"?>") else { return more };
        rest = rest.get(end + 2..).unwrap_or_default().trim_ascii_start();
    } else if b"<?xml ".starts_with(rest) {
        return more;
    }
    if rest.starts_with(OPEN) {
        Sniff::Yes
    } else if OPEN.starts_with(rest) {
        more
    } else {
        Sniff::No
    }
}

#[cfg(test)]
mod tests {
    use crosstalk_core::{Network as _, Side, Sniff};

    use crate::xmpp::Xmpp;

    #[test]
    fn a_stream_is_recognised_byte_by_byte() {
        for stream in [
            "<stream:stream to='x'",
            "<?xml version='1.0' encoding='UTF-8'?>\n<stream:stream",
            " \n<?xml version=\"1.0\"?><stream:stream xmlns='jabber:client'",
            "\u{feff}<stream:stream to='x'",
            "\u{feff}<?xml version='1.0'?><stream:stream",
        ] {
            let answers: Vec<_> = (0..=stream.len())
                .map(|n| Xmpp.sniff(Side::Client, &stream.as_bytes()[..n]))
                .skip_while(|s| *s == Sniff::More)
                .collect();
            assert!(!answers.is_empty() && answers.iter().all(|s| *s == Sniff::Yes), "{stream}");
        }
    }

    #[test]
    fn other_protocols_are_not() {
        for other in [
            "GET / HTTP/1.1",
            "<policy-file-request/>",
            "VER 1 MSNP18",
            "*\u{1}",
            "<?xml version='1.0'?><x",
            "\u{feff}GET / HTTP/1.1",
            "\u{fefe}<stream:stream",
        ] {
            assert_eq!(Xmpp.sniff(Side::Client, other.as_bytes()), Sniff::No, "{other}");
        }
        let endless = [b' '; 100];
        assert_eq!(Xmpp.sniff(Side::Client, &endless), Sniff::No);
    }
}
