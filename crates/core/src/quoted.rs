//! Quotation of texts by others, made fit to stand in a sentence of the gateway's own.

use std::fmt;

/// The longest words that are repeated, in characters.
const MAX_WORDS: usize = 200;
/// The longest piece of a message that is repeated whole, in characters.
const MAX_PIECE: usize = 2000;
/// Length of the parts of a long name that are shown, its beginning and its end, in characters. The
/// end says where somebody comes from.
const MAX_PART: usize = 60;
/// Stands for the middle of a long name and for the end of long words.
const CUT: &str = "...";
/// Characters that names have besides letters and digits, and that no sentence can do with.
const PLAIN: &str = "@%._-+=~#$&*^|'/";
/// Stands for a character that could change how the rest is read.
const HIDDEN: char = '?';

/// Words or a name of somebody else: on one line, cut, without anything that changes how the
/// text around it is read, and told from it by quotation marks. They are ASCII, so that every
/// client shows them and people can type what they read.
///
/// A name stands without the marks if it has only letters, digits and what is usual in names.
/// People may give a name back as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted(String);

impl Quoted {
    /// Words, cut to 200 characters.
    pub fn words(text: &str) -> Self {
        let mut all = tame(text);
        let words: String = all.by_ref().take(MAX_WORDS).collect();
        let cut = if all.next().is_some() { CUT } else { "" };
        Self::marked(&format!("{}{cut}", words.trim_end()))
    }

    /// All words of a message, in pieces of 2,000 characters.
    pub fn pieces(text: &str) -> Vec<Self> {
        let all: Vec<char> = tame(text).collect();
        let piece = |piece: &[char]| Self::marked(&piece.iter().collect::<String>());
        all.chunks(MAX_PIECE).map(piece).collect()
    }

    /// A name or an alias, of which the middle is left out where it is longer than 120 characters.
    pub fn name(text: &str) -> Self {
        let tame: Vec<char> = tame(text).collect();
        let mut name: String = tame.iter().collect();
        if tame.len() > 2 * MAX_PART {
            let (start, end) = (&tame[..MAX_PART], &tame[tame.len() - MAX_PART..]);
            name = start.iter().chain(&CUT.chars().collect::<Vec<_>>()).chain(end).collect();
        }
        let is_plain = |c: char| c.is_alphanumeric() || PLAIN.contains(c);
        if !name.is_empty() && name.chars().all(is_plain) {
            Self(name)
        } else {
            Self::marked(&name)
        }
    }

    /// An alias, in quotation marks whatever it is.
    pub fn alias(text: &str) -> Self {
        let Self(name) = Self::name(text);
        if name.starts_with('"') { Self(name) } else { Self::marked(&name) }
    }

    fn marked(text: &str) -> Self {
        Self(format!("\"{}\"", text.trim()))
    }

    /// Text as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The characters of `text` on one line. It gets no longer by this, in bytes.
fn tame(text: &str) -> impl Iterator<Item = char> {
    let mut after_space = true;
    text.trim().chars().map(harmless).filter(move |c| {
        let is_repeated = *c == ' ' && after_space;
        after_space = *c == ' ';
        !is_repeated
    })
}

/// A character that leaves the text around it as it is.
fn harmless(c: char) -> char {
    match c {
        _ if c.is_whitespace() || c.is_control() => ' ',
        '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '〝'..='〟' | '＂' => '\'',
        _ if is_format(c) => HIDDEN,
        c => c,
    }
}

/// Whether a character is seen only by what it does to others, or not at all: the general
/// category Cf but for the two joiners that scripts are written with, and blank letters.
const fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_on_one_line_within_marks_that_are_not_theirs() {
        for (said, shown) in [
            ("It is me", "\"It is me\""),
            ("hi\r\n\r\nCrossTalk: pay", "\"hi CrossTalk: pay\""),
            ("a\u{2028}b\u{2029}c\u{b}d\u{85}e\0f", "\"a b c d e f\""),
            ("\u{202e}evil\u{2066}\u{200b}\u{feff}\u{e0041}", "\"?evil????\""),
            ("hi\". \u{201d}You are\u{201c}", "\"hi'. 'You are'\""),
            ("  ", "\"\""),
            ("نام\u{200c}ه", "\"نام\u{200c}ه\""),
        ] {
            assert_eq!(Quoted::words(said).as_str(), shown, "{said:?}");
        }
    }

    #[test]
    fn words_are_cut_and_messages_are_not() {
        let long = "é".repeat(50_000);
        assert_eq!(Quoted::words(&long).as_str(), format!("\"{}...\"", "é".repeat(MAX_WORDS)));
        let pieces = Quoted::pieces(&long);
        let all: String = pieces.iter().map(|p| p.as_str().trim_matches('"')).collect();
        assert_eq!((pieces.len(), all), (25, long));
    }

    #[test]
    fn a_name_shows_its_end_and_is_marked_where_it_could_be_a_sentence() {
        let host = format!("bob%{}evil.example@jabber.xt", "a.".repeat(1000));
        let shown = Quoted::name(&host);
        assert!(shown.as_str().starts_with("bob%a.a."), "{shown}");
        assert!(shown.as_str().ends_with(".a.evil.example@jabber.xt"), "{shown}");
        assert_eq!(shown.as_str().len(), 123);
        for (name, shown) in [
            ("bob@yahoo.xt", "bob@yahoo.xt"),
            ("you\u{a0}won@jabber.xt", "\"you won@jabber.xt\""),
            ("b\u{202e}ob@jabber.xt", "\"b?ob@jabber.xt\""),
            ("CrossTalk:pay", "\"CrossTalk:pay\""),
            ("", "\"\""),
        ] {
            assert_eq!(Quoted::name(name).as_str(), shown);
        }
        assert_eq!(Quoted::alias("Bobby").as_str(), "\"Bobby\"");
        assert_eq!(Quoted::alias("Bobby T").as_str(), "\"Bobby T\"");
    }

    #[test]
    fn nothing_grows_by_being_quoted() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            assert!(harmless(c).len_utf8() <= c.len_utf8(), "{c:?}");
        }
    }
}
