//! MSNP within HTTP, for clients behind an HTTP proxy.

use crosstalk_core::{Sniff, Unread};

use crate::common::http;
use crate::common::unread::FORBIDDEN;

pub(super) const UNREAD: &[Unread] =
    &[Unread { name: "http", title: "MSNP over HTTP", sniff: over_http, refusal: FORBIDDEN }];

fn over_http(first: &[u8]) -> Sniff {
    http::asks(first, b"POST ", b"/gateway/gateway.dll")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn msnp_over_http_is_known_by_its_path() {
        for place in ["", "http://gateway.messenger.hotmail.com"] {
            let first = format!("POST {place}/gateway/gateway.dll?Action=open&Server=NS");
            assert_eq!(over_http(first.as_bytes()), Sniff::Yes, "{first}");
        }
        assert_eq!(over_http(b"POST /abservice/abservice.asmx"), Sniff::No);
    }
}
