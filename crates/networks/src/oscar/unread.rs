//! Protocols of AIM's servers besides OSCAR: TOC, for small clients, and HTTP.

use crosstalk_core::{Sniff, Unread};

use crate::common::http;
use crate::common::unread::{Asked, FORBIDDEN};

/// The name of TOC among what the operator may let pass.
pub(super) const TOC: &str = "toc";
/// First bytes of a TOC client.
pub(super) const FLAPON: &[u8] = b"FLAPON";
/// An error of signing on that clients show with its text.
pub(super) const TOC_ERROR: &[u8] =
    b"ERROR:989:This gateway does not carry TOC. Use a client with OSCAR.";
/// A server's greeting, and behind it that error.
const TOC_REFUSAL: &[u8] = b"*\x01\0\0\0\x04\0\0\0\x01\
    *\x02\0\x01\0\x43ERROR:989:This gateway does not carry TOC. Use a client with OSCAR.";

/// Beginnings of paths at which texts are written and read over HTTP: the proxy for OSCAR within
/// HTTP, and the interface for web pages. Signing on to OSCAR by way of HTTP is none of them.
const PATHS: [&str; 7] =
    ["/hello", "/monitor", "/data", "/im/", "/aim/startsession", "/aim/fetchevents", "/buddylist/"];

pub(super) const UNREAD: &[Unread] = &[
    Unread { name: TOC, title: "TOC", sniff: toc, refusal: TOC_REFUSAL },
    Unread { name: "http", title: "AIM over HTTP", sniff: over_http, refusal: FORBIDDEN },
];

fn toc(first: &[u8]) -> Sniff {
    http::begins(first, FLAPON)
}

fn over_http(first: &[u8]) -> Sniff {
    let asked = match Asked::read(first) {
        Ok(asked) => asked,
        Err(sniff) => return sniff,
    };
    let path = asked.path().to_ascii_lowercase();
    if PATHS.iter().any(|begin| path.starts_with(begin)) { Sniff::Yes } else { Sniff::No }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oscar::wire::flap;

    #[test]
    fn toc_is_known_by_its_first_bytes_and_other_protocols_are_not() {
        assert_eq!(toc(b"FLAPON\r\n\r\n"), Sniff::Yes);
        assert_eq!(toc(b"FLAPON\n\n*\x01"), Sniff::Yes);
        assert_eq!(toc(b"FLAP"), Sniff::More);
        for other in [&b"*\x01\0\0\0\x04\0\0\0\x01"[..], b"FLOP", b"GET / HTTP/1.1\r\n\r\n"] {
            assert_eq!(toc(other), Sniff::No);
        }
    }

    #[test]
    fn what_a_toc_client_is_told_is_frames() {
        let mut buffer = TOC_REFUSAL.into();
        let greeting = flap::Frame::take(&mut buffer).unwrap().unwrap();
        assert_eq!(greeting.channel, flap::Channel::SignOn);
        let error = flap::Frame::take(&mut buffer).unwrap().unwrap();
        assert_eq!(error.channel, flap::Channel::Data);
        assert!(error.body() == TOC_ERROR && buffer.is_empty());
    }

    #[test]
    fn texts_over_http_are_told_from_signing_on() {
        let asks = |line: &str| over_http(format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        for chat in [
            "GET /im/sendIM?t=a&message=b",
            "POST http://x/data?sid=1",
            "GET /aim/startSession?a=b",
        ] {
            assert_eq!(asks(chat), Sniff::Yes, "{chat}");
        }
        for other in ["POST /auth/clientLogin", "GET /aim/startOSCARSession?a=b", "GET /"] {
            assert_eq!(asks(other), Sniff::No, "{other}");
        }
    }
}
