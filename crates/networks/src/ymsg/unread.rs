//! YMSG within HTTP, for clients behind an HTTP proxy.

use crosstalk_core::{Sniff, Unread};

use super::wire::MAGIC;
use crate::common::http;
use crate::common::unread::{Asked, FORBIDDEN};

/// The path to which packets are written. Files go elsewhere, behind packets of their own.
const PATH: &str = "/notify";

pub(super) const UNREAD: &[Unread] =
    &[Unread { name: "http", title: "YMSG over HTTP", sniff: over_http, refusal: FORBIDDEN }];

fn over_http(first: &[u8]) -> Sniff {
    match Asked::read(first) {
        Ok(asked) if asked.posts() && asked.path().eq_ignore_ascii_case(PATH) => Sniff::Yes,
        Ok(asked) if asked.posts() && asked.path() == "/" => http::begins(asked.body, MAGIC),
        Ok(_) => Sniff::No,
        Err(sniff) => sniff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_over_http_are_told_from_files_and_pages() {
        let asks = |line: &str| over_http(format!("{line} HTTP/1.0\r\n\r\nYMSG").as_bytes());
        assert_eq!(asks("POST http://http.pager.yahoo.com/notify"), Sniff::Yes);
        assert_eq!(asks("POST /"), Sniff::Yes);
        for other in ["POST /notifyft", "GET /notify", "GET /capacity"] {
            assert_eq!(asks(other), Sniff::No, "{other}");
        }
    }
}
