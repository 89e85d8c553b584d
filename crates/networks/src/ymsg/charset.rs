//! The two character sets: UTF-8 where key 97 is 1, and otherwise what Windows writes in the West.

use std::borrow::Cow;

use encoding_rs::{UTF_8, WINDOWS_1252};

/// The key that says which of the two it is.
pub const KEY: u32 = 97;

/// Reads a text whose packet says what it is in (`Some(1)` in key 97 is UTF-8), or does not say.
/// What cannot be UTF-8 is not, whatever the packet says.
pub fn read(bytes: &[u8], mark: Option<u32>) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if mark != Some(0) => text.into(),
        _ => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// Reads the name of a person or a group, which come without a mark.
pub fn read_name(bytes: &[u8]) -> Cow<'_, str> {
    read(bytes, None)
}

/// Writes the name of a group as clients read one, which is Western where that has its letters.
pub fn write_group(name: &str) -> Cow<'_, [u8]> {
    match WINDOWS_1252.encode(name) {
        (bytes, _, false) => bytes,
        (_, _, true) => UTF_8.encode(name).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_decides_and_nonsense_is_western() {
        let e = "é".as_bytes();
        assert_eq!(
            (read(e, Some(1)), read(e, Some(0)), read(e, None)),
            ("é".into(), "Ã©".into(), "é".into())
        );
        assert_eq!(read(b"caf\xe9 \x80", Some(1)), "café €");
    }

    #[test]
    fn groups_survive() {
        for name in ["Friends", "Café", "Друзья"] {
            assert_eq!(read_name(&write_group(name)), name);
        }
        assert_eq!(&*write_group("Café"), b"Caf\xe9");
    }
}
