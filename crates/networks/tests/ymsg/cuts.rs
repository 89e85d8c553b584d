//! Connections that end at any point of a sign-on: a text for Ann comes once, on that or on the next,
//! a presence comes on each that lasts, and what she said has left once.

use std::sync::Arc;

use crosstalk_core::{Body, Envelope, EnvelopeId, Event, Input, Lobby, Presence, RosterEdit, Side};
use crosstalk_networks::ymsg::Ymsg;

use crate::common::{Gateway, Random};
use crate::scene::{BOB, bob, frame, listed, says};

const SAID: &[u8] = b"said meanwhile";
/// The numbers of the packets in which Ann says and edits something.
const SAYS: usize = 5;
const ADDS: usize = 6;

/// A sign-on in packets, and some of what follows it.
fn script(version: u16) -> Vec<(Side, Vec<u8>)> {
    use Side::{Client, Server};
    let (list, status) = if version < 15 {
        ("55/0 87= 88= 89=ann 3=ann", "1/0 0=ann 1=ann 8=0")
    } else {
        ("f1/0", "f0/1 0=ann 1=ann 8=0")
    };
    let release = if version < 13 { "6.0" } else { "9.0" };
    let packets = [
        (Client, "57/0 1=ann".to_owned()),
        (Server, "57/1 1=ann 94=x".to_owned()),
        (Client, format!("54/0 0=ann 6=x 96=x 1=ann 135={release}")),
        (Server, list.to_owned()),
        (Server, status.to_owned()),
        (Client, format!("6/0 1=ann 5={BOB} 14=hi")),
        (Client, "83/0 1=ann 7=eve@far-oscar.xt 65=Work".to_owned()),
        (Server, "12/1 143=60".to_owned()),
    ];
    packets.into_iter().map(|(side, packet)| (side, frame(version, side, &packet))).collect()
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
    let (to, sent_at) = ("ann@yahoo".parse().unwrap(), gateway.now.wall);
    Envelope { id: EnvelopeId(7), from: bob(), to, sent_at, body, details: None }
}

/// Plays the script up to `cut`; Bob says something at `said`, if that comes before. Both count bytes.
fn play(version: u16, router: &mut Router, said: Option<usize>, cut: usize) -> Gateway {
    let mut gateway = Gateway::new(&Ymsg, &Arc::new(Lobby::default()), listed());
    let mut at = 0;
    for (side, frame) in script(version) {
        let mut rest = &frame[..frame.len().min(cut - at)];
        while !rest.is_empty() {
            let before = said.filter(|said| (at..at + rest.len()).contains(said));
            if before == Some(at) {
                router.waits = Some(envelope(&gateway, says("said meanwhile")));
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

fn times_in(gateway: &Gateway, words: &[u8]) -> usize {
    memchr::memmem::find_iter(gateway.sent(Side::Client), words).count()
}

fn check(version: u16, said: usize, cut: usize, end: usize) {
    let told = format!("version {version}, said at {said}, cut at {cut}");
    let mut router = Router::default();
    let first = play(version, &mut router, Some(said), cut);
    router.is_present = false;
    let second = play(version, &mut router, (said >= cut).then_some(said), end);
    assert_eq!(times_in(&first, SAID) + times_in(&second, SAID), 1, "{told}");
    // What Ann said and changed has left if its last byte came, and once.
    let mut came = 0;
    for (at, (_, frame)) in script(version).iter().enumerate() {
        came += frame.len();
        let what: fn(&Event) -> bool = match at {
            SAYS => |event| matches!(event, Event::Send(o) if matches!(o.body, Body::Text { .. })),
            ADDS => |event| matches!(event, Event::Roster(RosterEdit::List { .. })),
            _ => continue,
        };
        for (gateway, cut) in [(&first, cut), (&second, end)] {
            let times = gateway.events.iter().filter(|event| what(event)).count();
            assert_eq!(times, usize::from(came <= cut), "{told}: packet {at}");
        }
    }
    let online = format!("7\u{c0}\u{80}{BOB}\u{c0}\u{80}10");
    let online: Vec<u8> = online.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(times_in(&second, &online), 1, "{told}: he is shown online once");
}

#[test]
fn a_connection_that_ends_at_any_point_of_a_sign_on_loses_and_doubles_nothing() {
    for version in [9, 12, 16] {
        let mut ends = vec![0];
        for (_, frame) in script(version) {
            ends.push(ends.last().unwrap() + frame.len());
        }
        let end = *ends.last().unwrap();
        for cut in &ends {
            for said in ends.iter().filter(|said| **said < end) {
                check(version, *said, *cut, end);
            }
        }
        let mut random = Random(1_000 + u64::from(version));
        for _ in 0..1_000 {
            check(version, random.below(end), random.below(end + 1), end);
        }
    }
}
