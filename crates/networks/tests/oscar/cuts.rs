//! Connections that end at any point of a sign-on: what was said to Alice comes once, on that or on the
//! next, and what she said has left once.

use bytes::BytesMut;
use crosstalk_core::{Body, Event, RosterEdit, Side};
use crosstalk_networks::oscar::Oscar;
use crosstalk_networks::oscar::wire::message::{self, Head, TEXT};
use crosstalk_networks::oscar::wire::{Channel, Frame, Snac, Writer, flap};

use crate::common::cuts::SignOn;
use crate::scene::*;

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

#[test]
fn a_connection_that_ends_at_any_point_of_a_sign_on_loses_and_doubles_nothing() {
    let sign_on = SignOn {
        network: &Oscar,
        roster: roster([bob(&["Friends"])]),
        script: script(),
        person: "alicetb@aol".parse().unwrap(),
        friend: bob_address(),
        sent: [
            (11, |event| matches!(event, Event::Send(o) if matches!(o.body, Body::Text { .. }))),
            (14, |event| matches!(event, Event::Roster(RosterEdit::List { .. }))),
        ],
        arrivals: |gateway| {
            let mut bytes = BytesMut::from(gateway.sent(Side::Client));
            let frames = std::iter::from_fn(|| Frame::take(&mut bytes).unwrap());
            frames.filter(|f| f.body().starts_with(&[0, 3, 0, 0x0b])).count()
        },
    };
    sign_on.is_cut_anywhere(1_000);
}
