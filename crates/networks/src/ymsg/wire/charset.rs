//! The two character sets: UTF-8 where key 97 is 1, and otherwise what the client's Windows writes.

use std::borrow::Cow;

use encoding_rs::{Encoding, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};

use super::SEPARATOR;

/// Switches that say what clients write that write no UTF-8.
pub(in crate::ymsg) const OPTIONS: [(&str, &str); 2] = [
    ("cp1251", "read what is no UTF-8 as Windows-1251, which Cyrillic Windows writes"),
    ("shift-jis", "read what is no UTF-8 as Shift-JIS, which Japanese Windows writes"),
];

/// Encoding of clients that write no UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// As the switches that are on say; Western without any.
    pub fn chosen(is_on: impl Fn(&str) -> bool) -> Self {
        let [(cyrillic, _), (japanese, _)] = OPTIONS;
        Self(match () {
            () if is_on(cyrillic) => WINDOWS_1251,
            () if is_on(japanese) => SHIFT_JIS,
            () => WINDOWS_1252,
        })
    }

    /// Reads a text whose packet says what it is in (`Some(1)` in key 97 is UTF-8), or does not
    /// say. What cannot be UTF-8 is not, whatever the packet says.
    pub fn read(self, bytes: &[u8], mark: Option<u32>) -> Cow<'_, str> {
        match std::str::from_utf8(bytes) {
            Ok(text) if mark != Some(0) => text.into(),
            _ => self.0.decode_without_bom_handling(bytes).0,
        }
    }

    /// Writes a text without UTF-8, if that has all its characters and none of its bytes would end
    /// the value: `À€` is a separator in Western, and never in UTF-8.
    pub fn write(self, text: &str) -> Option<Cow<'_, [u8]>> {
        let (bytes, _, is_short) = self.0.encode(text);
        let separates = memchr::memmem::find(&bytes, SEPARATOR).is_some();
        (!is_short && !separates).then_some(bytes)
    }

    /// Writes the name of a group as clients read one.
    pub fn write_group(self, name: &str) -> Cow<'_, [u8]> {
        self.write(name).unwrap_or_else(|| name.as_bytes().into())
    }
}

/// Reads the name of a person, which has no other letters than ASCII on Yahoo.
pub fn read_name(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_decides_and_nonsense_is_the_clients_own() {
        let western = Charset::chosen(|_| false);
        let read = |mark| western.read("é".as_bytes(), mark);
        assert_eq!(
            (read(Some(1)), read(Some(0)), read(None)),
            ("é".into(), "Ã©".into(), "é".into())
        );
        assert_eq!(western.read(b"caf\xe9 \x80", Some(1)), "café €");
        let japanese = Charset::chosen(|option| option == "shift-jis");
        assert_eq!(japanese.read(b"\x93\xfa\x96{", None), "日本");
    }

    #[test]
    fn no_text_ends_its_value_and_begins_another() {
        for (option, text) in [("", "hiÀ€4À€boss"), ("cp1251", "АЂ"), ("shift-jis", "ﾀ\u{80}")]
        {
            let charset = Charset::chosen(|chosen| chosen == option);
            assert_eq!(charset.write(text), None, "{text}");
            assert_eq!(&*charset.write_group(text), text.as_bytes());
            assert!(charset.write(text.get(..2).unwrap_or("x")).is_some());
        }
    }

    #[test]
    fn groups_survive() {
        let cyrillic = Charset::chosen(|option| option == "cp1251");
        for name in ["Friends", "Café", "Друзья", "日本"] {
            assert_eq!(cyrillic.read(&cyrillic.write_group(name), None), name);
        }
        assert_eq!(&*cyrillic.write_group("Да"), b"\xc4\xe0");
    }
}
