//! The bytes on links, as they were first written: what gateways of earlier versions
//! say and understand must never change.
//!
//! The bytes are lines of `name hex` in `tests/layouts`. A sample that has none fails, and says
//! the line to add; a line is never changed.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::frame::{FIELDS, Frame, Hello, NEWEST};
use super::samples;

const FRAMES: &str = include_str!("../../tests/layouts/frames.hex");

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// The lines of a file of bytes by name.
pub(crate) fn lines(text: &'static str) -> BTreeMap<&'static str, Vec<u8>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let lines = lines.map(|line| line.rsplit_once(' ').unwrap());
    lines.map(|(name, hex)| (name, bytes(hex))).collect()
}

/// Checks that each sample is written as ever; the missing ones are told all at once.
pub(crate) fn check(golden: &BTreeMap<&str, Vec<u8>>, written: &[(String, Vec<u8>)]) {
    let mut missing = String::new();
    for (name, bytes) in written {
        match golden.get(name.as_str()) {
            Some(golden) => assert_eq!(hex(bytes), hex(golden), "{name}"),
            None => writeln!(missing, "{name} {}", hex(bytes)).unwrap(),
        }
    }
    assert!(missing.is_empty(), "lines to add:\n{missing}");
    assert_eq!(golden.len(), written.len(), "a sample is gone");
}

#[test]
fn frames_are_written_and_read_as_ever() {
    let golden = lines(FRAMES);
    let mut written = vec![("hello".to_owned(), samples::hello().encode().unwrap()[1..].to_vec())];
    for (name, frame) in samples::frames() {
        let body = frame.encode(frame.since()).unwrap()[1..].to_vec();
        for version in frame.since()..=NEWEST {
            let bytes = [&[version], body.as_slice()].concat();
            assert_eq!(frame.encode(version).unwrap()[..], bytes, "{name}");
            assert_eq!(Frame::decode(version, &bytes).as_ref(), Ok(&frame), "{name}");
        }
        written.push((name, body));
    }
    let detailed = samples::detailed().encode(4).unwrap();
    assert_eq!(Frame::decode(4, &detailed), Ok(samples::detailed()));
    written.push(("said text detailed".to_owned(), detailed[1..].to_vec()));
    // Nobody ever said a presence in an envelope: it can be read, so that it is refused.
    let refused = "said body presence";
    written.push((refused.to_owned(), golden[refused].clone()));
    for version in FIELDS..=NEWEST {
        let bytes = [&[version], golden[refused].as_slice()].concat();
        assert_eq!(Frame::decode(version, &bytes), Ok(Frame::UnknownMessage { number: 300 }));
    }
    check(&golden, &written);
    let hello = [&[1], golden["hello"].as_slice()].concat();
    assert_eq!(Hello::decode(&hello), Ok(samples::hello()));
}
