//! Connections that end at any point of a sign-on: a text for Ann comes once, on that or on the next,
//! a presence comes on each that lasts, and what she said has left once.

use crosstalk_core::{Body, Event, RosterEdit, Side};
use crosstalk_networks::ymsg::Ymsg;

use crate::common::cuts::SignOn;
use crate::scene::{BOB, bob, frame, listed};

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

#[test]
fn a_connection_that_ends_at_any_point_of_a_sign_on_loses_and_doubles_nothing() {
    for version in [9, 12, 16] {
        let sign_on = SignOn {
            network: &Ymsg,
            roster: listed(),
            script: script(version),
            person: "ann@yahoo".parse().unwrap(),
            friend: bob(),
            sent: [
                (5, |event| matches!(event, Event::Send(o) if matches!(o.body, Body::Text { .. }))),
                (6, |event| matches!(event, Event::Roster(RosterEdit::List { .. }))),
            ],
            arrivals: |gateway| {
                let online = format!("7\u{c0}\u{80}{BOB}\u{c0}\u{80}10");
                let byte = |c| u8::try_from(u32::from(c)).unwrap();
                let online: Vec<u8> = online.chars().map(byte).collect();
                memchr::memmem::find_iter(gateway.sent(Side::Client), &online).count()
            },
        };
        sign_on.is_cut_anywhere(1_000 + u64::from(version));
    }
}
