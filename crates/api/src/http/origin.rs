//! Origins of pages (RFC 6454): whether a browser asks for a page of the gateway's own.

use std::net::SocketAddr;

use axum::http::{HeaderMap, header};

/// The header in which browsers say how the page that asks and what is asked belong together.
const SITE: &str = "sec-fetch-site";

/// Whether a page from one of these origins asks. Browsers name the origin when something is to
/// be changed and for every WebSocket; else they say whether it is the same.
pub(crate) fn is_own(headers: &HeaderMap, own: &[String]) -> bool {
    match headers.get(header::ORIGIN) {
        Some(origin) => own.iter().any(|own| origin.as_bytes() == own.as_bytes()),
        None => headers.get(SITE).is_some_and(|site| site == "same-origin"),
    }
}

/// The origins of pages that are served at an address: under the name `host` by TLS, or without.
pub(crate) fn origins(at: SocketAddr, host: Option<&str>) -> Vec<String> {
    let port = at.port();
    match host {
        Some(host) if port == 443 => vec![format!("https://{host}")],
        Some(host) => vec![format!("https://{host}:{port}")],
        None if port == 80 => vec![format!("http://{}", bare(at)), "http://localhost".into()],
        // Only people of this machine come without TLS, and have two names for it.
        None => vec![format!("http://{at}"), format!("http://localhost:{port}")],
    }
}

/// An address without its port, as it stands in a URL.
fn bare(at: SocketAddr) -> String {
    match at {
        SocketAddr::V4(at) => at.ip().to_string(),
        SocketAddr::V6(at) => format!("[{}]", at.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_somebody_else_is_none_of_ours() {
        let at = |at: &str, host| origins(at.parse().unwrap(), host);
        assert_eq!(at("0.0.0.0:443", Some("gw.test")), ["https://gw.test"]);
        assert_eq!(at("0.0.0.0:7443", Some("gw.test")), ["https://gw.test:7443"]);
        assert_eq!(at("127.0.0.1:80", None), ["http://127.0.0.1", "http://localhost"]);
        assert_eq!(at("[::1]:80", None)[0], "http://[::1]");
        let own = at("[::1]:8000", None);
        assert_eq!(own, ["http://[::1]:8000", "http://localhost:8000"]);
        for (headers, ours) in [
            (&[("origin", "http://localhost:8000")][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://localhost:8001")], false),
            (&[("origin", "https://localhost:8000")], false),
            (&[("origin", "http://localhost:8000.evil.test")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "http://evil.test"), ("sec-fetch-site", "same-origin")], false),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(is_own(&map, &own), ours, "{headers:?}");
        }
    }
}
