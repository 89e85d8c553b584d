//! Protocols of Jabber's servers besides streams over TCP: BOSH (XEP-0206) and WebSocket (RFC
//! 7395); and streams that are written as few clients write them.

use crosstalk_core::{Sniff, Unread};

use super::wire;
use crate::common::http;
use crate::common::unread::{Asked, FORBIDDEN};

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
    Unread { name: "xml", title: "XMPP in other XML", sniff: other_xml, refusal: BAD_PREFIX },
];

/// Length of the part of a stream that is looked at, in bytes.
const MAX_PROLOG: usize = 1024;
/// A stream of ours that ends with an error (RFC 6120, section 4.9.3.2).
const BAD_PREFIX: &[u8] = b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><stream:error>\
    <bad-namespace-prefix xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>";

/// A stream in UTF-16, behind a comment or the like, or with another prefix than `stream`: all of
/// which some server may read.
fn other_xml(first: &[u8]) -> Sniff {
    const WIDE: [&[u8]; 4] = [b"\xfe\xff", b"\xff\xfe", b"\0<", b"<\0"];
    if WIDE.iter().any(|begin| first.starts_with(begin)) {
        return Sniff::Yes;
    }
    let more = if first.len() < MAX_PROLOG { Sniff::More } else { Sniff::Yes };
    if first.len() < wire::BOM.len() && wire::BOM.starts_with(first) {
        return Sniff::More;
    }
    let mut rest = first.strip_prefix(wire::BOM).unwrap_or(first);
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', ..] => b"-->",
            [b'<', b'!', ..] => b">",
            _ => break,
        };
        let Some(at) = memchr::memmem::find(rest, end) else { return more };
        rest = rest.get(at + end.len()..).unwrap_or_default();
    }
    let Some(tag) = rest.strip_prefix(b"<") else {
        return if rest.is_empty() { more } else { Sniff::No };
    };
    let Some(end) = tag.iter().position(|b| b.is_ascii_whitespace() || b"/>".contains(b)) else {
        return more;
    };
    let name = tag.get(..end).unwrap_or_default();
    if name.rsplit(|b| *b == b':').next() == Some(b"stream") { Sniff::Yes } else { Sniff::No }
}

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
    fn streams_in_other_words_are_known_and_what_else_is_xml_is_not() {
        for stream in [
            "<s:stream xmlns:s='http://etherx.jabber.org/streams'>",
            "<stream xmlns='http://etherx.jabber.org/streams'>",
            "\u{feff}<?xml version='1.0'?>\n<!-- hello --> <!DOCTYPE x><?pi?><x:stream ",
            "<\0?\0x\0",
            "\0<\0?",
        ] {
            assert_eq!(other_xml(stream.as_bytes()), Sniff::Yes, "{stream}");
        }
        assert_eq!(other_xml(b"\xff\xfe<\0"), Sniff::Yes);
        assert_eq!(other_xml(format!("<!--{}", "x".repeat(MAX_PROLOG)).as_bytes()), Sniff::Yes);
        for open in ["", "\u{feff}", "<", "<?xml version='1.0'?>", "<!-- ", "<s:str"] {
            assert_eq!(other_xml(open.as_bytes()), Sniff::More, "{open}");
        }
        for other in
            ["<policy-file-request/>", "GET / HTTP/1.1", "<streams>", "SSH-2.0", "\u{16}\u{3}"]
        {
            assert_eq!(other_xml(other.as_bytes()), Sniff::No, "{other}");
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
