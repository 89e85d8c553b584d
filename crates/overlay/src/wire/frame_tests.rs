use super::*;

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
    let unknown = vec![NEWEST, 99];
    for bad in [&good[..good.len() - 1], &trailing, &version, &unknown, &[]] {
        assert_eq!(Frame::decode(NEWEST, bad).unwrap_err().blame, Blame::Peer);
    }
}

#[test]
fn a_count_that_promises_more_than_the_frame_holds_is_refused() {
    let huge = [NEWEST, 1, 0xff, 0xff, 0xff, 0xff, 0x0f];
    assert!(Frame::decode(NEWEST, &huge).is_err());
}

#[test]
fn nothing_longer_than_the_limit_is_written() {
    assert!(write(NEWEST, &vec![0u8; MAX_FRAME]).is_none());
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
