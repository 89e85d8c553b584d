//! Texts that are longer than what clients take at a time.

use unicode_segmentation::GraphemeCursor;

/// The longest front of `text` of at most so many bytes and characters: cut between words where
/// that is not far from the end, and else not inside what readers take for one character. At
/// least a character. Looks at no more of the text than it takes.
pub(crate) fn front(text: &str, bytes: usize, chars: usize) -> &str {
    let room = text.floor_char_boundary(bytes);
    let many = if chars < room { text[..room].char_indices().nth(chars) } else { None };
    let room = many.map_or(room, |(at, _)| at);
    if room == text.len() {
        return text;
    }
    let one = text.chars().next().map_or(0, char::len_utf8);
    let fits = &text[..before(text, room).max(one)];
    let word = fits.rfind([' ', '\n']).map(|at| at + 1).filter(|at| *at > fits.len() / 2);
    word.and_then(|at| fits.get(..at)).unwrap_or(fits)
}

/// The end of the last whole grapheme before `at`; `at` itself where the first is longer.
fn before(text: &str, at: usize) -> usize {
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    // All of the text is at hand, so there is always an answer.
    if cursor.is_boundary(text, 0) != Ok(false) {
        return at;
    }
    cursor.prev_boundary(text, 0).ok().flatten().filter(|before| *before > 0).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::front;

    #[test]
    fn a_front_ends_between_words_or_characters() {
        let long = usize::MAX;
        assert_eq!(front("one two three", 9, long), "one two ");
        assert_eq!(front("one two three", long, 9), "one two ");
        assert_eq!(front("one two", 7, 7), "one two");
        assert_eq!(front("a twothree", 9, long), "a twothre", "the word begins too far in front");
        assert_eq!(front("éé", 3, long), "é");
        assert_eq!(front("xe\u{301}", long, 2), "x");
    }

    #[test]
    fn a_character_that_is_too_long_is_cut_and_one_is_always_there() {
        assert_eq!(front("e\u{301}\u{301}", usize::MAX, 2), "e\u{301}");
        assert_eq!(front("щж", 1, 0), "щ");
    }
}
