//! Long messages: clients take 948 bytes and 800 characters.

use crosstalk_core::RichText;

use super::format;
use super::format::Look;
use super::format_write::{Room, Writer};
use crate::common::split_text;

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
    let mut end = 0;
    let looks = text.runs().map(|(run, styles)| {
        end += run.len();
        (end, Look::of(&styles))
    });
    let looks: Vec<(usize, Look)> = looks.collect();
    let (mut messages, mut looks, mut start) = (Vec::new(), looks.as_slice(), 0);
    loop {
        let rest = whole.get(start..).unwrap_or_default();
        let end = start + split_text::front(rest, room(whole, looks, start), usize::MAX).len();
        messages.push(write(whole, looks, start, end));
        start = end;
        if start >= whole.len() {
            return messages;
        }
        let over = looks.iter().take_while(|(end, _)| *end <= start).count();
        looks = looks.get(over..).unwrap_or_default();
    }
}

/// Length of the text from `start` that fits into a message, by where each look ends.
fn room(whole: &str, looks: &[(usize, Look)], start: usize) -> usize {
    let (mut room, mut at) = (Room::of(MAX_BYTES, MAX_CHARS), start);
    for (end, look) in looks {
        at += room.take(whole.get(at..*end).unwrap_or_default(), *look);
        if at < *end {
            break;
        }
    }
    at - start
}

fn write(whole: &str, looks: &[(usize, Look)], start: usize, end: usize) -> String {
    let (mut writer, mut at) = (Writer::default(), start);
    for (to, look) in looks {
        let to = (*to).min(end);
        if at >= to {
            break;
        }
        writer.write(whole.get(at..to).unwrap_or_default(), *look);
        at = to;
    }
    writer.finish()
}

/// The longest front of `text` of at most `room` bytes and [`MAX_CHARS`]; at least a character.
pub fn front(text: &str, room: usize) -> &str {
    split_text::front(text, room, MAX_CHARS)
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
    fn many_styles_still_fill_messages() {
        let mut text = RichText::default();
        (0..500).for_each(|n| text.push("x<b>", [&[Style::Bold][..], &[]][n % 2]));
        let messages = messages(&text);
        assert!(messages.len() < 15, "{}", messages.len());
        let fits = |m: &String| m.len() <= MAX_BYTES && m.chars().count() <= MAX_CHARS;
        assert!(messages.iter().all(fits));
        assert_eq!(whole(&messages).replace("< b", "<b"), text.text());
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
