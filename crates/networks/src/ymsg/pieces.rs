//! Long messages: clients take 948 bytes and 800 characters.

use crosstalk_core::RichText;

use super::format;
use crate::cut;

/// The most that one message holds, codes included, in bytes of UTF-8.
pub const MAX_BYTES: usize = 948;
/// The most characters.
pub const MAX_CHARS: usize = 800;
/// The longest text of a status, in bytes.
pub const MAX_STATUS: usize = 255;

/// The messages that show `text`: as many as it needs, cut between words where possible and
/// never inside what readers take for one character.
pub fn messages(text: &RichText) -> Vec<String> {
    let text = format::with_links_spelled(text);
    let whole = text.text();
    let (mut messages, mut start) = (Vec::new(), 0);
    loop {
        let mut room = MAX_BYTES;
        let (end, message) = loop {
            let end = start + front(whole.get(start..).unwrap_or_default(), room).len();
            let message = format::write(&text.slice(start..end));
            let excess = message.len().saturating_sub(MAX_BYTES);
            let chars = message.chars().count().saturating_sub(MAX_CHARS);
            if (excess == 0 && chars == 0) || room <= 1 {
                break (end, message);
            }
            room = room.min(end - start).saturating_sub(excess.max(chars)).max(1);
        };
        messages.push(message);
        start = end;
        if start >= whole.len() {
            return messages;
        }
    }
}

/// The longest front of `text` of at most `room` bytes and [`MAX_CHARS`]; at least a character.
pub fn front(text: &str, room: usize) -> &str {
    cut::front(text, room, MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::Style;

    fn whole(messages: &[String]) -> String {
        messages.iter().map(|m| format::read(m).text().to_owned()).collect()
    }

    #[test]
    fn long_texts_come_in_messages_that_fit_and_add_up() {
        for word in ["word ", "слово ", "👩‍👩‍👧‍👦", "x", "e\u{301}"] {
            let text = RichText::plain(word.repeat(1_000));
            let messages = messages(&text);
            assert!(messages.len() > 1);
            for message in &messages {
                assert!(message.len() <= MAX_BYTES && message.chars().count() <= MAX_CHARS);
                assert!(message.ends_with(word.chars().last().unwrap()), "{word:?} is cut");
            }
            assert_eq!(whole(&messages), text.text());
        }
    }

    #[test]
    fn codes_count_and_are_set_again_in_every_message() {
        let mut text = RichText::plain("");
        text.push(&"bold ".repeat(400), &[Style::Bold]);
        let messages = messages(&text);
        assert!(messages.iter().all(|m| m.starts_with("\x1b[1m") && m.len() <= MAX_BYTES));
        assert_eq!(whole(&messages), text.text());
    }

    #[test]
    fn a_long_link_does_not_come_with_every_piece() {
        let mut text = RichText::default();
        text.push(&"word ".repeat(2_000), &[Style::Link(format!("http://{}", "x".repeat(2_000)))]);
        let messages = messages(&text);
        assert!(messages.len() < 50, "{}", messages.len());
    }

    #[test]
    fn a_character_longer_than_a_message_is_cut_after_all() {
        let text = RichText::plain(format!("e{}", "\u{301}".repeat(2_000)));
        assert_eq!(whole(&messages(&text)), text.text());
    }

    #[test]
    fn an_empty_text_is_one_empty_message() {
        assert_eq!(messages(&RichText::default()), [""]);
    }
}
