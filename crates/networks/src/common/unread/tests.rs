//! Fate of what clients send, whole and in pieces.

use super::*;
use crate::NETWORKS;
use crosstalk_core::UnixMillis;

/// Fate of a client's bytes that came in pieces.
#[derive(Debug, Default, PartialEq)]
struct Became {
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    opaque: bool,
    fault: Option<std::borrow::Cow<'static, str>>,
}

fn all() -> Vec<(NetworkId, &'static Unread)> {
    let of = |id: &'static str, unread: &'static [Unread]| {
        unread.iter().map(move |unread| (id.parse().unwrap(), unread))
    };
    NETWORKS.iter().flat_map(|n| of(n.defaults().id, n.unread())).collect()
}

fn now() -> Now {
    Now { instant: Instant::now(), wall: UnixMillis(0) }
}

fn said(pieces: &[&[u8]]) -> Became {
    let (mut became, mut out) = (Became::default(), Output::default());
    let mut watch = Watch::new(all(), HostPort::new("chat.test", 80), false);
    watch.handle(now(), Input::Start, &mut out).unwrap();
    let mut buffer = BytesMut::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let told = watch.handle(now(), Input::Bytes(Side::Client, &mut buffer), &mut out);
        became.fault = told.err().map(|fault| fault.what);
        while let Some(event) = out.next_event() {
            assert!(matches!(event, Event::Opaque), "{event:?}");
            became.opaque = true;
        }
        if became.opaque || became.fault.is_some() {
            break;
        }
    }
    if let Phase::Refused(..) = watch.phase {
        let fault = watch.handle(now(), Input::Tick, &mut out).unwrap_err();
        became.fault = Some(fault.what);
    }
    assert!(became.fault.is_none() || out.altered(), "it would become a pipe");
    for (side, to) in [(Side::Server, &mut became.to_server), (Side::Client, &mut became.to_client)]
    {
        out.queue(side).drain(..).for_each(|piece| to.extend(piece));
    }
    became
}

fn whole_and_in_pieces(text: &[u8]) -> Became {
    let whole = said(&[text]);
    for cut in 1..text.len() {
        assert_eq!(said(&[&text[..cut], &text[cut..]]), whole, "cut at {cut}");
    }
    assert_eq!(said(&text.chunks(1).collect::<Vec<_>>()), whole);
    whole
}

const UPLOAD: &str = "PUT /up/a.png HTTP/1.1\r\nHost: x\r\nContent-Length: 80\r\n\r\n";

#[test]
fn each_unread_protocol_is_refused_with_the_line_that_lets_it_pass() {
    let cases = [
        ("FLAPON\r\n\r\n", "TOC", "pass = [\"toc\"]` under [networks.aol]"),
        ("POST /http-bind HTTP/1.1\r\nContent-Length: 99\r\n\r\n<body", "BOSH", "[\"bosh\"]"),
        (
            "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n",
            "XMPP over WebSocket",
            "pass = [\"websocket\"]` under [networks.jabber]",
        ),
        (
            "<s:stream xmlns:s='x'>",
            "XMPP in other XML",
            "pass = [\"xml\"]` under [networks.jabber]",
        ),
        ("POST /gateway/gateway.dll HTTP/1.1\r\n\r\n", "MSNP over HTTP", "[networks.msn]"),
        ("POST /notify HTTP/1.1\r\n\r\n", "YMSG over HTTP", "[networks.yahoo]"),
        ("GET /im/sendIM?t=bob HTTP/1.1\r\n\r\n", "AIM over HTTP", "[\"http\"]"),
    ];
    for (first, title, line) in cases {
        let became = whole_and_in_pieces(first.as_bytes());
        assert!(became.to_server.is_empty() && !became.opaque, "{title}: {became:?}");
        let what = became.fault.unwrap();
        assert!(what.contains(title) && what.contains(line) && what.contains("chat.test:80"));
        assert!(!became.to_client.is_empty(), "{title}");
    }
}

#[test]
fn a_later_request_is_judged_like_the_first() {
    let body = "<body xmlns='http://jabber.org/protocol/httpbind'><message/>".repeat(3);
    let upload = format!("{UPLOAD}{}", "x".repeat(80));
    let chunks = format!(
        "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n<b\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        body.len() - 2,
        &body[2..]
    );
    let length = format!("POST /x HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for second in [chunks, length] {
        let became = whole_and_in_pieces(format!("{upload}{second}").as_bytes());
        let passed = String::from_utf8(became.to_server).unwrap();
        assert!(passed.starts_with(&upload) && !passed.contains("body"), "{passed}");
        assert!(became.fault.unwrap().contains("BOSH"));
        assert_eq!(became.to_client, FORBIDDEN);
    }
}

#[test]
fn other_requests_pass_byte_for_byte() {
    let chunked = "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let text = format!("{UPLOAD}{}GET / HTTP/1.1\r\n\r\n{chunked}", "y".repeat(80));
    let became = whole_and_in_pieces(text.as_bytes());
    assert_eq!(became, Became { to_server: text.into(), ..Became::default() });
}

#[test]
fn what_speaks_no_http_passes_from_its_first_bytes() {
    for first in [&b"\0\x10\x04\x4a\0\x02\0\0\0\0"[..], b"OFT2\x01\0", b"<policy/>", b"NICK me\r\n"]
    {
        assert!(whole_and_in_pieces(first).opaque);
    }
    let became = said(&[b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"]);
    assert!(became.opaque && became.to_server.ends_with(b"websocket\r\n\r\n"));
}

#[test]
fn requests_that_cannot_be_told_apart_end_the_connection() {
    let two = "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for first in ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", two, "GET / HTTP/9\r\n\r\n"] {
        let became = said(&[first.as_bytes()]);
        assert!(became.fault.is_some() && became.to_server.is_empty(), "{first}");
    }
}

#[test]
fn no_other_protocol_is_asked_for_within_http() {
    let asks = b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nHost: x\r\n\r\n";
    let became = whole_and_in_pieces(asks);
    assert_eq!(became.to_server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
}

#[test]
fn the_refusal_over_http_has_the_length_that_it_says() {
    let end = memchr::memmem::find(FORBIDDEN, b"\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}\r\n", FORBIDDEN.len() - end - 4);
    assert!(memchr::memmem::find(FORBIDDEN, length.as_bytes()).is_some());
}
