//! Recognition of the first bytes of a connection.

use crosstalk_core::Sniff;

use super::wire::{Channel, flap};

/// Either side begins with a FLAP SIGNON frame of version 1.
pub(super) fn sniff(first: &[u8]) -> Sniff {
    let known = [(0, flap::MARK), (1, Channel::SignOn.number())];
    let version = (flap::HEADER..).zip(flap::VERSION.to_be_bytes());
    for (at, expected) in known.into_iter().chain(version) {
        match first.get(at) {
            None => return Sniff::More,
            Some(byte) if *byte != expected => return Sniff::No,
            Some(_) => {}
        }
    }
    Sniff::Yes
}

#[cfg(test)]
mod tests {
    use crosstalk_core::{Network as _, Side, Sniff};

    use crate::oscar::Oscar;

    #[test]
    fn either_greeting_is_recognised_and_nothing_else() {
        let greeting = b"\x2a\x01\x00\x64\x00\x04\x00\x00\x00\x01";
        for side in [Side::Client, Side::Server] {
            assert_eq!(Oscar.sniff(side, greeting), Sniff::Yes);
            for end in 0..greeting.len() {
                assert_eq!(Oscar.sniff(side, &greeting[..end]), Sniff::More, "{end}");
            }
            for other in [&b"* OK IMAP"[..], b"YMSG", b"FLAPON\r\n\r\n", b"\x2a\x02\0\0\0\0"] {
                assert_eq!(Oscar.sniff(side, other), Sniff::No, "{other:?}");
            }
        }
    }
}
