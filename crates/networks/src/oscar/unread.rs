//! Protocols of AIM's servers besides OSCAR: TOC, for small clients, and HTTP.

use crosstalk_core::{Sniff, Unread};

use super::toc::{TOC, TOC_REFUSAL, begins_toc};
use crate::common::unread::{Asked, FORBIDDEN};

/// Beginnings of paths at which texts are written and read over HTTP: the proxy for OSCAR within
/// HTTP, and the interface for web pages. Signing on to OSCAR by way of HTTP is none of them.
const PATHS: [&str; 7] =
    ["/hello", "/monitor", "/data", "/im/", "/aim/startsession", "/aim/fetchevents", "/buddylist/"];

pub(super) const UNREAD: &[Unread] = &[
    Unread { name: TOC, title: "TOC", sniff: begins_toc, refusal: TOC_REFUSAL },
    Unread { name: "http", title: "AIM over HTTP", sniff: over_http, refusal: FORBIDDEN },
];

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
