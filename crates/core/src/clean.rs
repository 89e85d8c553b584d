//! Characters that no text may have: those that break another network's framing, in its XML, its
//! keys or its markup.

use crate::contact::MAX_LABEL;

/// Whether no text has the character: control characters but tabs and line feeds, and the two that
/// are none in Unicode and illegal in XML.
pub(crate) fn is_illegal(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\u{fffe}' | '\u{ffff}' => true,
        _ => c.is_control(),
    }
}

/// Whether a text has none of them; nearly all have none, so it is found out byte by byte.
pub(crate) fn is_clean(text: &str) -> bool {
    let may_begin =
        |b: u8| (b < b' ' && b != b'\t' && b != b'\n') || matches!(b, 0x7f | 0xc2 | 0xef);
    // All of them, though one would do: so many bytes are looked at in one instruction.
    let may_be_unclean = text.bytes().fold(false, |found, b| found | may_begin(b));
    !may_be_unclean || !text.chars().any(is_illegal)
}

/// The text without them; a carriage return, with a line feed or without, is a line feed. For each
/// character of the new text `kept` is told where in the old it stood.
pub(crate) fn cleaned(text: &str, mut kept: impl FnMut(usize)) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let c = match c {
            '\r' if chars.next_if(|(_, next)| *next == '\n').is_some() => '\n',
            '\r' => '\n',
            c if is_illegal(c) => continue,
            c => c,
        };
        kept(at);
        clean.push(c);
    }
    clean
}

/// The words of an alias or the name of a group: one line of at most [`MAX_LABEL`] bytes.
#[must_use]
pub fn label(mut text: String) -> String {
    let breaks = |c: char| matches!(c, '\t' | '\n') || is_illegal(c);
    if text.contains(breaks) {
        text = cleaned(&text, |_| ()).replace(breaks, " ");
    }
    text.truncate(text.floor_char_boundary(MAX_LABEL));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_line() {
        assert_eq!(label("My\r\nFriends\t1\0\u{7f}\u{85}\u{ffff}".to_owned()), "My Friends 1");
        assert_eq!(label("Büro \u{200d}".to_owned()), "Büro \u{200d}");
        assert_eq!(label("é".repeat(MAX_LABEL)).len(), MAX_LABEL);
    }

    #[test]
    fn each_character_is_illegal_or_kept() {
        for c in ('\0'..=char::MAX).filter(|c| *c != '\r') {
            let text = format!("a{c}b");
            let expected = if is_illegal(c) { "ab" } else { &text };
            assert_eq!(is_clean(&text), !is_illegal(c), "{c:?}");
            assert_eq!(cleaned(&text, |_| ()), expected);
        }
    }
}
