//! Texts that are longer than what clients take at a time.

use unicode_segmentation::UnicodeSegmentation;

/// The longest front of `text` of at most so many bytes and characters: cut between words where
/// that is not far from the end, and else not inside what readers take for one character. At
/// least a character.
pub(crate) fn front(text: &str, bytes: usize, chars: usize) -> &str {
    let many = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    let room = text.floor_char_boundary(bytes.min(many));
    if room == text.len() {
        return text;
    }
    let ends = text.grapheme_indices(true).map(|(at, grapheme)| at + grapheme.len());
    let end = ends.take_while(|end| *end <= room).last().unwrap_or(room);
    let end = end.max(text.chars().next().map_or(0, char::len_utf8));
    let fits = text.get(..end).unwrap_or_default();
    let word = fits.rfind([' ', '\n']).map(|at| at + 1).filter(|at| *at > end / 2);
    word.and_then(|at| fits.get(..at)).unwrap_or(fits)
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
