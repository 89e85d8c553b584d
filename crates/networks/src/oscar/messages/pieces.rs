//! Texts in pieces that a client takes, measured as they are sent: in HTML and its character set.

use crosstalk_core::RichText;

use crate::common::{html, split_text};
use crate::oscar::wire::message;

/// Characters around the text in its HTML.
const AROUND: usize = "<HTML><BODY></BODY></HTML>".len();

/// The HTML of `text` in pieces of at most `most` bytes as they are sent, cut between words where
/// possible. Of a piece whose tags take half of that and more only the words are left.
pub(in crate::oscar) fn written(text: &RichText, most: usize) -> Vec<String> {
    let whole = text.text();
    let (mut pieces, mut start) = (Vec::new(), 0);
    loop {
        let (end, html) = piece(text, start, most);
        pieces.push(html);
        if end == whole.len() {
            return pieces;
        }
        start = end;
    }
}

/// The piece of `text` that begins at `start`: where it ends, and its HTML.
fn piece(text: &RichText, start: usize, most: usize) -> (usize, String) {
    let whole = text.text();
    let rest = whole.get(start..).unwrap_or_default();
    let (mut front, mut room) = ("", most);
    // With room for words alone, then for as much in tags as the first has, then for half.
    for attempt in 0..3 {
        front = split_text::front(rest, reach(rest, room), usize::MAX);
        let html = if front.len() == whole.len() {
            html::aim(text)
        } else {
            html::aim(&text.slice(start..start + shown(front, rest).len()))
        };
        let size = message::size(&html);
        if size <= most {
            return (start + front.len(), html);
        }
        room = if attempt == 0 { (room * most / size).max(most / 2) } else { most / 2 };
    }
    (start + front.len(), html::aim(&RichText::plain(shown(front, rest))))
}

/// Part of a piece that is shown: the space that was cut at is what the gap between messages stands
/// for.
fn shown<'a>(front: &'a str, rest: &str) -> &'a str {
    let last = front.len() == rest.len();
    front.strip_suffix([' ', '\n']).filter(|_| !last).unwrap_or(front)
}

/// Length of the front of `text` that takes at most `room` bytes where it is sent: see
/// [`message::encode`].
fn reach(text: &str, room: usize) -> usize {
    let (mut units, mut width) = (AROUND, 1);
    let mut fits = |c: char| {
        units += html::written(c);
        width = if c.is_ascii() { width } else { 2 };
        units * width <= room
    };
    text.char_indices().find(|(_, c)| !fits(*c)).map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{MAX_LINK, Style};

    fn back(pieces: &[String]) -> String {
        pieces.iter().map(|html| html::read(html).text().to_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn long_texts_are_cut_between_words_and_keep_their_styles() {
        let mut text = RichText::plain("word ".repeat(100));
        text.push(&"strong ".repeat(100), &[Style::Bold]);
        let pieces = written(&text, 300);
        assert!((5..8).contains(&pieces.len()), "{}", pieces.len());
        assert_eq!(back(&pieces), text.text());
        let last = html::read(pieces.last().unwrap());
        let span = &last.spans()[0];
        assert_eq!((span.start, span.end as usize), (0, last.text().len()));
    }

    #[test]
    fn no_piece_is_larger_than_it_may_be_whatever_its_characters_become() {
        let link = Style::Link(format!("https://x.test/{}", "\"".repeat(MAX_LINK - 15)));
        let short = Style::Link("https://x.test/?a=1&b=2".to_owned());
        for c in ["\"", "<", "\n", "\u{e9}", "\u{1f600}", "x", "<entry a=\"x&y\">\u{20ac}"] {
            for most in [1_000, 8_000, 60_000] {
                let mut text = RichText::default();
                for n in 0..19_000 / c.len() {
                    let style = [&link, &short, &Style::Bold][(n / 7) % 3];
                    text.push(c, Some(style).filter(|_| n % 700 < 350));
                }
                let pieces = written(&text, most);
                for piece in &pieces {
                    assert!(message::size(piece) <= most, "{c:?}: {}", message::size(piece));
                }
                let squeezed = |text: &str| text.replace(['\n', ' '], "");
                assert_eq!(squeezed(&back(&pieces)), squeezed(text.text()), "{c:?}");
                // Not more of them than the text is worth.
                let all: usize = pieces.iter().map(|piece| message::size(piece)).sum();
                assert!(pieces.len() <= 2 + 4 * all / most, "{c:?}: {} of {all}", pieces.len());
            }
        }
    }
}
