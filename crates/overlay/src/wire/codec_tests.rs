use crosstalk_core::{Body, Details, Failure};

use super::*;
use crate::membership::Key;
use crate::wire::frame::{MAX_HOPS, NEWEST, Record};
use crate::wire::message::Message;
use crate::wire::samples;

fn frame() -> Frame {
    let key = Key::of(&"alice@aol".parse().unwrap());
    Frame::Records(vec![Record::Here { key, version: 7 }, Record::Watch { key, turn: 1 }])
}

fn hello(oldest: u8, newest: u8) -> Hello {
    Hello { oldest, newest, epoch: 300, addresses: vec!["a:1".into()] }
}

#[test]
fn reads_back_what_it_wrote() {
    for version in OLDEST..=NEWEST {
        let bytes = frame().encode(version).unwrap();
        assert_eq!(Frame::decode(version, &bytes), Ok(frame()));
    }
}

#[test]
fn blames_the_peer_for_anything_else() {
    let good = frame().encode(NEWEST).unwrap();
    let mut trailing = good.to_vec();
    trailing.push(0);
    let mut version = good.to_vec();
    version[0] = 99;
    for bad in [&good[..good.len() - 1], &trailing, &version, &[]] {
        assert_eq!(Frame::decode(NEWEST, bad).unwrap_err().blame, Blame::Peer);
    }
    for version in OLDEST..FIELDS {
        assert_eq!(Frame::decode(version, &[version, 99]).unwrap_err().blame, Blame::Peer);
    }
}

#[test]
fn a_count_that_promises_more_than_the_frame_holds_is_refused() {
    let huge = [NEWEST, 1, 0xff, 0xff, 0xff, 0xff, 0x0f];
    assert!(Frame::decode(NEWEST, &huge).is_err());
}

#[test]
fn nothing_longer_than_the_limit_is_written() {
    assert!(write(NEWEST, &vec![0u8; MAX_FRAME], &[]).is_none());
}

#[test]
fn two_agree_on_the_newest_version_that_both_speak() {
    assert_eq!(hello(1, 2).agree(&hello(1, 2)), Some(2));
    assert_eq!(hello(1, 2).agree(&hello(1, 1)), Some(1));
    assert_eq!(hello(1, 2).agree(&hello(2, 9)), Some(2));
    assert_eq!(hello(1, 2).agree(&hello(3, 9)), None);
}

#[test]
fn an_older_peer_is_not_told_of_a_failure_that_it_does_not_know() {
    let [from, to] = ["alice@aol", "bob@yahoo"].map(|name| name.parse().unwrap());
    let of = crosstalk_core::EnvelopeId(1);
    let report = |why| Message::Report { of, from, to, why };
    let said = Frame::Said {
        number: 1,
        settled: 1,
        hops: MAX_HOPS,
        age_ms: 0,
        message: report(Failure::Unconfirmed),
    };
    let answer = Frame::Answer { number: 1, outcome: Err(Failure::Unconfirmed) };
    for frame in [said, answer] {
        assert_eq!(frame.for_version(3).as_deref(), Some(&frame));
        let older = frame.for_version(2).unwrap().encode(2).unwrap();
        let heard = Frame::decode(2, &older).unwrap();
        let why = match heard {
            Frame::Said { message: Message::Report { why, .. }, .. } => Err(why),
            Frame::Answer { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        };
        assert_eq!(why, Err(Failure::Unreachable));
    }
}

#[test]
fn an_older_peer_is_not_told_of_mappings() {
    let about = samples::frames().into_iter().filter(|(_, frame)| frame.is_of_mappings());
    let about: Vec<_> = about.collect();
    assert_eq!(about.len(), 12);
    for (name, frame) in about {
        assert_eq!(frame.for_version(4), None, "{name}");
        let bytes = frame.encode(5).unwrap();
        let older = [&[4], &bytes[1..]].concat();
        assert_eq!(Frame::decode(4, &older).unwrap_err().blame, Blame::Peer, "{name}");
        assert!(!frame.is_of_node(), "{name}");
    }
}

#[test]
fn version_3_is_written_as_ever() {
    let answer = Frame::Answer { number: 5, outcome: Err(Failure::Unconfirmed) };
    assert_eq!(answer.encode(3).unwrap()[..], [3, 7, 5, 1, 7]);
}

/// Bytes that gateways of earlier versions write and read, which must never change.
#[test]
fn version_1_is_written_as_ever() {
    assert_eq!(hello(1, 1).encode().unwrap()[..], *b"\x01\x01\x01\xac\x02\x01\x03a:1");
    let lease = Frame::Lease { seq: 1, ttl_ms: 15_000 };
    assert_eq!(lease.encode(1).unwrap()[..], [1, 0, 1, 0x98, 0x75]);
    let answer = Frame::Answer { number: 5, outcome: Err(Failure::Busy) };
    assert_eq!(answer.encode(1).unwrap()[..], [1, 7, 5, 1, 4]);
    assert_eq!(Frame::RosterWant(Vec::new()).encode(1).unwrap()[..], [1, 12, 0]);
}

fn details_of(frame: &Frame) -> Option<&Details> {
    match frame {
        Frame::Said { message: Message::Envelope(envelope), .. } => envelope.details.as_deref(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn details_travel_to_who_knows_them() {
    let frame = samples::detailed();
    let bytes = frame.encode(NEWEST).unwrap();
    assert_eq!(Frame::decode(NEWEST, &bytes).as_ref(), Ok(&frame));
    let older = frame.for_version(3).unwrap().encode(3).unwrap();
    assert_eq!(details_of(&Frame::decode(3, &older).unwrap()), None);
    assert_eq!(bytes[1..older.len()], older[1..], "the message itself is the same");
    let odd = [&bytes[..], &[101, 3, 1, 2, 3]].concat();
    assert_eq!(Frame::decode(NEWEST, &odd), Ok(frame), "a field that may be skipped");
}

#[test]
fn what_is_no_detail_is_left_out() {
    let bytes = samples::detailed().encode(3).unwrap();
    let long = [1, 0x80, 0x08].into_iter().chain([b'x'; 1024]).collect::<Vec<_>>();
    for bad in [&[1, 0][..], &[1, 1, 0xff], &[1, 1, b'\n'], &long] {
        let bytes = [&[NEWEST], &bytes[1..], bad].concat();
        assert_eq!(details_of(&Frame::decode(NEWEST, &bytes).unwrap()), None);
    }
}

#[test]
fn what_a_later_version_says_is_no_fault() {
    assert_eq!(Frame::decode(NEWEST, &[NEWEST, 99, 1, 2, 3]), Ok(Frame::Unknown));
    // A record of a kind that comes later.
    assert_eq!(Frame::decode(NEWEST, &[NEWEST, 1, 1, 99, 7]), Ok(Frame::Unknown));
    // A field of a lease without which it means something else.
    let mut lease = Frame::Lease { seq: 1, ttl_ms: 1 }.encode(NEWEST).unwrap().to_vec();
    lease.extend([2, 1, 0]);
    assert_eq!(Frame::decode(NEWEST, &lease), Ok(Frame::Unknown));
    // A reason of a later version is one for which it was not taken.
    let answer = Frame::Answer { number: 5, outcome: Err(Failure::Refused) };
    assert_eq!(Frame::decode(NEWEST, &[NEWEST, 7, 5, 1, 99]), Ok(answer));
    let hello = hello(1, 9);
    let later = [&hello.encode().unwrap()[..], &[1, 2, 3, 4]].concat();
    assert_eq!(Hello::decode(&later), Ok(hello));
}

#[test]
fn a_message_of_a_later_version_is_known_by_its_number() {
    let (number, settled, hops, age_ms) = (300, 299, 1, 1234);
    let said = |body| {
        let message = Message::Envelope(samples::envelope(body));
        let frame = Frame::Said { number, settled, hops, age_ms, message };
        frame.encode(NEWEST).unwrap().to_vec()
    };
    let mut body = said(Body::Attention);
    *body.last_mut().unwrap() = 99;
    let head = 1 + 1 + 2 + 2 + 1 + 2;
    let message = [&body[..head], &[99, 1, 2, 3]].concat();
    let critical = [&said(Body::Attention)[..], &[2, 0]].concat();
    for later in [body, message, critical] {
        assert_eq!(Frame::decode(NEWEST, &later), Ok(Frame::UnknownMessage { number }));
    }
    assert_eq!(Frame::UnknownMessage { number }.encode(NEWEST), None);
    assert_eq!(MAX_HOPS, hops);
}
