//! Connections that end at any point of a sign-on: what was said to Alice comes once, on that or on the
//! next, and what she said has left once.

use std::sync::Arc;

use bytes::BytesMut;
use crosstalk_core::{Body, Envelope, EnvelopeId, Event, Input, Lobby, Presence, RosterEdit, Side};
use crosstalk_networks::oscar::Oscar;
use crosstalk_networks::oscar::wire::message::{self, Head, TEXT};
use crosstalk_networks::oscar::wire::{Channel, Frame, Snac, Writer, flap};

use crate::common::{Gateway, Random};
use crate::scene::*;

const SAID: &[u8] = b"said meanwhile";

/// A sign-on in frames, and some of what follows it.
fn script() -> Vec<(Side, Vec<u8>)> {
    use Side::{Client, Server};
    let hello = Writer::new().u32(flap::VERSION).tlv(6, b"cookie").tlv(3, LIBPURPLE).bytes();
    let mut frames = vec![
        (Client, Channel::SignOn, hello),
        (Server, Channel::SignOn, Writer::new().u32(flap::VERSION).bytes()),
    ];
    let head = Head { cookie: [1; 8], channel: 1, name: BOB.as_bytes() };
    let text = head.write(Writer::new()).tlv(TEXT, message::encode("hi")).bytes();
    let eve = buddy("eve@far-oscar.xt", 1, 7);
    for (side, family, subtype, body) in [
        (Server, 1, 3, Writer::new().u16(1).u16(4).u16(0x13)),
        (Client, 1, 0x0e, Writer::new()),
        (Server, 1, 0x0f, Writer::new().short("Alice TB").u32(0)),
        (Client, 0x13, 2, Writer::new()),
        (Server, 0x13, 3, Writer::new()),
        (Client, 0x13, 4, Writer::new()),
        (Server, 0x13, 6, Writer::new().raw(&list(friends()))),
        (Client, 0x13, 7, Writer::new()),
        (Client, 1, 2, Writer::new()),
        (Client, 4, 6, Writer::new().raw(&text)),
        (Client, 0x13, 0x11, Writer::new()),
        (Client, 0x13, 8, eve.write(Writer::new())),
        (Client, 0x13, 0x12, Writer::new()),
        (Server, 1, 0x0a, Writer::new()),
    ] {
        frames.push((side, Channel::Data, Snac::new(family, subtype, 8, body.bytes()).encode()));
    }
    let encode = |(at, (side, channel, body)): (usize, (Side, Channel, bytes::Bytes))| {
        (side, flap::encode(channel, 0x100 + at as u16, &body).unwrap().to_vec())
    };
    frames.into_iter().enumerate().map(encode).collect()
}

/// Envelopes for an engine, given when it takes them, as the router does.
#[derive(Default)]
struct Router {
    waits: Option<Envelope>,
    is_present: bool,
}

impl Router {
    fn look(&mut self, gateway: &mut Gateway) {
        let signed_in = gateway.events.iter().any(|e| matches!(e, Event::SignedIn { .. }));
        if signed_in && !std::mem::replace(&mut self.is_present, signed_in) {
            let presence = envelope(gateway, Body::Presence(Presence::available()));
            gateway.input(Input::Deliver(presence)).unwrap();
        }
        if gateway.takes_texts()
            && let Some(said) = self.waits.take()
        {
            gateway.input(Input::Deliver(said)).unwrap();
        }
    }
}

fn envelope(gateway: &Gateway, body: Body) -> Envelope {
    let to = "alicetb@aol".parse().unwrap();
    let sent_at = gateway.now.wall;
    Envelope { id: EnvelopeId(7), from: bob_address(), to, sent_at, body, details: None }
}

/// Plays the script up to `cut`; Bob says something at `said`, if that comes before. Both count bytes.
fn play(router: &mut Router, said: Option<usize>, cut: usize) -> Gateway {
    let lobby = Arc::new(Lobby::default());
    let mut gateway = Gateway::new(&Oscar, &lobby, roster([bob(&["Friends"])]));
    let mut at = 0;
    for (side, frame) in script() {
        let mut rest = &frame[..frame.len().min(cut - at)];
        while !rest.is_empty() {
            let before = said.filter(|said| (at..at + rest.len()).contains(said));
            if before == Some(at) {
                let text = Body::Text { text: "said meanwhile".into(), auto: false };
                router.waits = Some(envelope(&gateway, text));
                router.look(&mut gateway);
            }
            let end = before.filter(|said| *said > at).map_or(rest.len(), |said| said - at);
            gateway.bytes(side, &rest[..end]).unwrap();
            router.look(&mut gateway);
            at += end;
            rest = &rest[end..];
        }
    }
    gateway
}

fn times_shown(gateway: &Gateway) -> usize {
    gateway.sent(Side::Client).windows(SAID.len()).filter(|part| *part == SAID).count()
}

fn check(said: usize, cut: usize, end: usize) {
    let told = format!("said at {said}, cut at {cut}");
    let mut router = Router::default();
    let first = play(&mut router, Some(said), cut);
    router.is_present = false;
    let mut second = play(&mut router, (said >= cut).then_some(said), end);
    assert_eq!(times_shown(&first) + times_shown(&second), 1, "{told}");
    // What Alice said and changed has left if its last byte came, and once.
    let mut came = 0;
    let script = script();
    for (at, (side, frame)) in script.iter().enumerate() {
        came += frame.len();
        let what: fn(&Event) -> bool = match at {
            _ if *side == Side::Server => continue,
            11 => |event| matches!(event, Event::Send(o) if matches!(o.body, Body::Text { .. })),
            14 => |event| matches!(event, Event::Roster(RosterEdit::List { .. })),
            _ => continue,
        };
        for (gateway, cut) in [(&first, cut), (&second, end)] {
            let times = gateway.events.iter().filter(|event| what(event)).count();
            assert_eq!(times, usize::from(came <= cut), "{told}: frame {at}");
        }
    }
    let mut bytes = BytesMut::from(&second.take(Side::Client)[..]);
    let frames = std::iter::from_fn(|| Frame::take(&mut bytes).unwrap());
    let arrivals = frames.filter(|f| f.body().starts_with(&[0, 3, 0, 0x0b])).count();
    assert_eq!(arrivals, 1, "{told}");
}

#[test]
fn a_connection_that_ends_at_any_point_of_a_sign_on_loses_and_doubles_nothing() {
    let mut ends = vec![0];
    for (_, frame) in script() {
        ends.push(ends.last().unwrap() + frame.len());
    }
    let end = *ends.last().unwrap();
    for cut in &ends {
        for said in ends.iter().filter(|said| **said < end) {
            check(*said, *cut, end);
        }
    }
    let mut random = Random(1_000);
    for _ in 0..1_000 {
        check(random.below(end), random.below(end + 1), end);
    }
}
