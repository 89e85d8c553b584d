//! What Jabber's servers speak besides streams over TCP: BOSH (XEP-0206) and WebSocket (RFC 7395).

use crosstalk_core::{Sniff, Unread};

use crate::http;
use crate::unread::{Asked, FORBIDDEN};

/// The usual ends of the paths of BOSH.
const PATHS: [&str; 2] = ["/http-bind", "/bosh"];

pub(super) const UNREAD: &[Unread] = &[
    Unread { name: "bosh", title: "BOSH", sniff: bosh, refusal: FORBIDDEN },
    Unread {
        name: "websocket",
        title: "XMPP over WebSocket",
        sniff: websocket,
        refusal: FORBIDDEN,
    },
];

/// By the path, or wherever it is by the element that it is all about.
fn bosh(first: &[u8]) -> Sniff {
    let asked = match Asked::read(first) {
        Ok(asked) if asked.posts() => asked,
        Ok(_) => return Sniff::No,
        Err(sniff) => return sniff,
    };
    let path = asked.path().trim_end_matches('/').to_ascii_lowercase();
    if PATHS.iter().any(|end| path.ends_with(end)) {
        return Sniff::Yes;
    }
    let body = asked.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(asked.body).trim_ascii_start();
    let body = if body.starts_with(b"<?xml") {
        let Some(end) = memchr::memmem::find(body, b"?>") else { return Sniff::More };
        body.get(end + 2..).unwrap_or_default().trim_ascii_start()
    } else if b"<?xml".starts_with(body) {
        return Sniff::More;
    } else {
        body
    };
    http::begins(body, b"<body")
}

fn websocket(first: &[u8]) -> Sniff {
    match Asked::read(first) {
        Ok(asked) if asked.lists("sec-websocket-protocol", "xmpp") => Sniff::Yes,
        Ok(_) => Sniff::No,
        Err(sniff) => sniff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bosh_is_known_by_its_path_or_its_body() {
        for path in
            ["/http-bind", "/http-bind/", "http://h:5280/http-bind", "/HTTP-Bind?x", "/bosh"]
        {
            let request = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
            assert_eq!(bosh(request.as_bytes()), Sniff::Yes, "{path}");
            for end in 1..request.len() - 1 {
                assert_eq!(bosh(&request.as_bytes()[..end]), Sniff::More);
            }
        }
        let with =
            |body: &str| bosh(format!("POST /xmpp HTTP/1.1\r\nA: b\r\n\r\n{body}").as_bytes());
        for body in ["<body rid='1'", "\u{feff}<?xml version='1.0'?>\n<body", " <body/>"] {
            assert_eq!(with(body), Sniff::Yes, "{body}");
        }
        assert_eq!(
            (with(""), with("<?xml versi"), with("<bo")),
            (Sniff::More, Sniff::More, Sniff::More)
        );
        assert_eq!((with("\u{0}PNG"), with("<svg>")), (Sniff::No, Sniff::No));
        for other in
            ["GET /http-bind HTTP/1.1\r\n\r\n", "PUT /upload/1/a.png HTTP/1.1\r\n\r\n<body"]
        {
            assert_eq!(bosh(other.as_bytes()), Sniff::No, "{other}");
        }
    }

    #[test]
    fn a_websocket_of_xmpp_is_known_by_its_protocol() {
        let asks = |protocols: &str| {
            let head = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
            websocket(format!("{head}Sec-WebSocket-Protocol: {protocols}\r\n\r\n").as_bytes())
        };
        assert_eq!((asks("xmpp"), asks("chat, XMPP")), (Sniff::Yes, Sniff::Yes));
        assert_eq!(asks("chat"), Sniff::No);
    }
}
