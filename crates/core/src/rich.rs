//! Formatted text, as spans over plain text.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Range;

use crate::clean::{cleaned, is_clean};
use crate::spans::{MAX_SPANS, Runs, Span, Spans, Style, Styles};

/// The longest text of one message, in bytes of UTF-8.
pub const MAX_TEXT: usize = 64 * 1024;

/// Plain text with styled stretches. The text alone is always readable.
///
/// Invariant: the text has no control characters but tabs and line feeds, and whatever ended a line
/// where it came from is a line feed; every span is non-empty, inside the text and on character boundaries; of each kind of
/// style at most one is in effect at a place, and stretches of one style that touch are one. So a
/// text takes at most a small multiple of what it was read from: a span needs a character of its
/// own and the words that began it.
///
/// `Debug` shows only the length.
#[derive(Clone, Default)]
pub struct RichText {
    text: String,
    /// None where nothing is styled: most texts.
    spans: Option<Box<Spans>>,
}

impl RichText {
    /// Text without formatting, cut at [`MAX_TEXT`] on a character boundary.
    pub fn plain(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if !is_clean(&text) {
            text = cleaned(&text, |_| ());
        }
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        if text.capacity() > 2 * text.len() + MAX_SLACK {
            text.shrink_to_fit();
        }
        Self { text, spans: None }
    }

    /// Appends `text` in all of `styles`, up to [`MAX_TEXT`]. Of several styles of one kind, such as
    /// two colours, the last counts.
    pub fn push<'a>(&mut self, text: &str, styles: impl IntoIterator<Item = &'a Style>) {
        let start = self.append(text);
        for style in Styles::effective(styles) {
            self.style(start..self.text.len(), style);
        }
    }

    /// Appends `text` in the styles of what is there last.
    pub fn extend(&mut self, text: &str) {
        let start = self.append(text);
        if let Some(spans) = &mut self.spans {
            spans.extend(start as u32, self.text.len() as u32);
        }
    }

    /// Appends what fits of a text; returns where it begins.
    fn append(&mut self, text: &str) -> usize {
        let start = self.text.len();
        let clean = (!is_clean(text)).then(|| cleaned(text, |_| ()));
        let text = clean.as_deref().unwrap_or(text);
        self.text.push_str(&text[..text.floor_char_boundary(MAX_TEXT - start)]);
        start
    }

    /// Styles a stretch; one that breaks the invariant or [`MAX_SPANS`] is dropped, and so is a link
    /// whose address has a control character. Stretches of
    /// one kind of style are given in order: of one that begins before the last of its kind ends,
    /// what follows that counts.
    pub fn style(&mut self, range: Range<usize>, style: impl Borrow<Style>) {
        let outside = range.is_empty() || self.text.get(range.clone()).is_none();
        let is_broken = |url: &str| url.contains(char::is_control) || !is_clean(url);
        if outside || matches!(style.borrow(), Style::Link(url) if is_broken(url)) {
            return;
        }
        let spans = self.spans.get_or_insert_default();
        // Positions fit: MAX_TEXT is far below u32::MAX.
        spans.add(range.start as u32..range.end as u32, style.borrow());
    }

    /// The plain text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The styled stretches, in order of appearance.
    pub fn spans(&self) -> &[Span] {
        self.spans.as_deref().map_or(&[], Spans::list)
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether there is no room for more text.
    pub const fn is_full(&self) -> bool {
        self.text.len() >= MAX_TEXT
    }

    /// Bytes held: the text, its spans and the addresses of its links.
    pub fn weight(&self) -> usize {
        self.text.len() + self.spans.as_deref().map_or(0, Spans::weight)
    }

    /// The part of the text in `range`, with its styles; nothing where the range is not on
    /// character boundaries.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let Some(text) = self.text.get(range.clone()) else { return Self::default() };
        let mut part = Self::plain(text);
        let begun = self.spans().partition_point(|span| (span.start as usize) < range.end);
        for span in self.spans().iter().take(begun) {
            let inside = |at: u32| (at as usize).clamp(range.start, range.end) - range.start;
            let stretch = inside(span.start)..inside(span.end);
            if !stretch.is_empty() {
                part.style(stretch, &span.style);
            }
        }
        part
    }

    /// The text cut into runs of unchanging style, in order: what a renderer walks.
    pub fn runs(&self) -> impl Iterator<Item = (&str, Styles<'_>)> {
        Runs::new(&self.text, self.spans())
    }
}

/// Room behind a text that is not worth giving back, in bytes.
const MAX_SLACK: usize = 64;

impl PartialEq for RichText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.spans() == other.spans()
    }
}

impl Eq for RichText {}

impl From<&str> for RichText {
    fn from(text: &str) -> Self {
        Self::plain(&text[..text.floor_char_boundary(MAX_TEXT)])
    }
}

impl From<String> for RichText {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}

impl TryFrom<(String, Vec<Span>)> for RichText {
    type Error = &'static str;

    fn try_from((text, mut spans): (String, Vec<Span>)) -> Result<Self, Self::Error> {
        if text.len() > MAX_TEXT || spans.len() > MAX_SPANS {
            return Err("text too long");
        }
        let legal =
            |s: &Span| s.start < s.end && text.get(s.start as usize..s.end as usize).is_some();
        if !spans.iter().all(legal) {
            return Err("span outside its text");
        }
        // Earlier versions, and others, have them in any order.
        spans.sort_by_key(|span| span.start);
        // And they have characters that no text has.
        let (text, moved) = if is_clean(&text) { (text, None) } else { moved(&text) };
        let place = |at: u32| moved.as_ref().map_or(Some(&at), |to| to.get(at as usize)).copied();
        let mut rich = Self::plain(text);
        for Span { start, end, style } in spans {
            if let (Some(start), Some(end)) = (place(start), place(end)) {
                rich.style(start as usize..end as usize, &style);
            }
        }
        Ok(rich)
    }
}

/// The clean text, and where each place of the old one is in it.
fn moved(text: &str) -> (String, Option<Vec<u32>>) {
    let (mut places, mut length) = (Vec::with_capacity(text.len() + 1), 0);
    let clean = cleaned(text, |at| {
        // What was left out before it is at its place.
        places.resize(at, length);
        let width = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        places.resize(at + width, length);
        length += width as u32;
    });
    places.resize(text.len() + 1, length);
    (clean, Some(places))
}

impl fmt::Debug for RichText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[text of {} bytes]", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::MAX_LINK;

    #[test]
    fn runs_cover_the_text_once() {
        let mut rich = RichText::plain("");
        rich.push("a ", &[]);
        rich.push("bold", &[Style::Bold]);
        rich.push("both", &[Style::Bold, Style::Italic]);
        let runs: Vec<_> = rich.runs().map(|(t, s)| (t, s.len())).collect();
        assert_eq!(runs, [("a ", 0), ("bold", 1), ("both", 2)]);
        assert_eq!(rich.spans().len(), 2, "adjoining spans of one style are one");
        rich.extend(" more");
        assert!(rich.spans().iter().all(|span| span.end as usize == rich.text().len()));
    }

    #[test]
    fn no_text_has_control_characters_however_it_is_made() {
        let (dirty, clean) =
            ("\0one\r\ntw\x1bo\rthr\u{7f}ee\t\u{85}\u{fffe}\x0b", "one\ntwo\nthree\t");
        let mut pushed = RichText::default();
        pushed.push(dirty, &[Style::Bold]);
        let mut extended = RichText::plain("");
        extended.extend(dirty);
        let span = |start, end| Span { start, end, style: Style::Bold };
        let told = RichText::try_from((dirty.to_owned(), vec![span(1, 4), span(6, 10)])).unwrap();
        let made =
            [dirty.into(), dirty.to_owned().into(), RichText::plain(dirty), pushed, extended];
        assert!(made.iter().chain([&told]).all(|rich| rich.text() == clean));
        let styled: Vec<_> =
            told.spans().iter().map(|s| &clean[s.start as usize..s.end as usize]).collect();
        assert_eq!(styled, ["one", "two"], "spans stay where they were");
        let mut linked = RichText::plain("link");
        linked.style(0..4, Style::Link("http://x.org/\r\n".to_owned()));
        assert_eq!(linked.spans(), []);
    }

    #[test]
    fn a_slice_keeps_its_styles() {
        let mut rich = RichText::plain("one ");
        rich.push("twö", &[Style::Bold]);
        let part = rich.slice(2..6);
        assert_eq!((part.text(), part.spans()[0].start), ("e tw", 2));
        assert!(rich.slice(0..7).is_empty(), "the ö is not cut");
        assert_eq!(rich.slice(0..4), RichText::plain("one "));
    }

    #[test]
    fn debug_hides_the_text() {
        assert_eq!(format!("{:?}", RichText::plain("hello")), "[text of 5 bytes]");
    }

    #[test]
    fn hostile_spans_are_refused() {
        let span = |start, end| Span { start, end, style: Style::Bold };
        for bad in [span(0, 0), span(2, 1), span(0, 9), span(1, 2)] {
            assert!(RichText::try_from(("é!".to_owned(), vec![bad])).is_err());
        }
    }

    #[test]
    fn of_one_kind_of_style_one_is_in_effect() {
        let mut rich = RichText::default();
        rich.push("a", &[Style::Colour(1), Style::Bold, Style::Colour(2)]);
        rich.push("b", &[Style::Colour(2), Style::Colour(1)]);
        let runs: Vec<_> = rich.runs().map(|(t, s)| (t, s.to_vec())).collect();
        let (one, two) = (Style::Colour(1), Style::Colour(2));
        assert_eq!(runs, [("a", vec![&two, &Style::Bold]), ("b", vec![&one])]);
        // What others say, in any order and over each other.
        let span = |start, end, style| Span { start, end, style };
        let colours = vec![span(2, 4, one.clone()), span(0, 3, two.clone()), span(1, 4, two)];
        let told = RichText::try_from(("abcd".to_owned(), colours)).unwrap();
        assert_eq!(told.spans(), [span(0, 4, Style::Colour(2))]);
        assert_eq!(told.runs().count(), 1);
    }

    #[test]
    fn spans_given_out_of_order_are_in_order_and_go_on_where_they_touch() {
        let mut rich = RichText::plain("abcdef");
        rich.style(2..4, Style::Bold);
        rich.style(0..3, Style::Italic);
        rich.style(4..6, Style::Bold);
        rich.style(3..6, Style::Italic);
        let spans: Vec<_> = rich.spans().iter().map(|s| (s.start, s.end)).collect();
        assert_eq!(spans, [(0, 6), (2, 6)]);
    }

    #[test]
    fn links_are_in_all_no_longer_than_a_text() {
        let link = |n: usize| Style::Link(format!("{n:04}{}", "x".repeat(MAX_LINK - 4)));
        let mut rich = RichText::default();
        (0..99).for_each(|n| rich.push("a", &[link(n), Style::Bold]));
        let links = |rich: &RichText| {
            let lengths = rich.spans().iter().map(|span| match &span.style {
                Style::Link(url) => url.len(),
                _ => 0,
            });
            lengths.sum::<usize>()
        };
        assert!(links(&rich) > MAX_TEXT / 2 && links(&rich) <= MAX_TEXT);
        assert!(rich.weight() <= MAX_TEXT + 99 + 34 * size_of::<Span>());
        let spans = (0..99).map(|n| Span { start: n, end: n + 1, style: link(n as usize) });
        let told = RichText::try_from(("a".repeat(99), spans.collect())).unwrap();
        assert!(links(&told) <= MAX_TEXT && told.text().len() == 99);
        rich = RichText::plain("");
        rich.push("text", &[Style::Link("x".repeat(MAX_LINK + 1))]);
        assert_eq!(rich, RichText::plain("text"), "a link that is too long is only text");
    }

    #[test]
    fn long_text_is_cut_on_a_character_and_keeps_no_room_it_does_not_need() {
        let mut rich = RichText::plain("é".repeat(2 * MAX_TEXT));
        assert_eq!((rich.text().len(), rich.text.capacity()), (MAX_TEXT, MAX_TEXT));
        assert!(rich.is_full());
        rich.push("more", &[Style::Bold]);
        assert!(rich.spans().is_empty());
        let mut roomy = String::with_capacity(MAX_TEXT);
        roomy.push_str("short");
        assert!(RichText::plain(roomy).text.capacity() < 100);
    }

    #[test]
    fn each_character_looks_as_it_was_pushed() {
        let styles =
            [Style::Bold, Style::Italic, Style::Colour(1), Style::Colour(2), Style::Strike];
        let (mut rich, mut looks, mut seed) = (RichText::default(), Vec::new(), 5190_u32);
        for _ in 0..300 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let is_in = |at: usize| (seed >> (16 + at)).trailing_zeros() > 1;
            let look: Vec<_> = (0..styles.len()).filter(|at| is_in(*at)).collect();
            let look: Vec<_> = look.into_iter().map(|at| styles[at].clone()).collect();
            rich.push("é", &look);
            looks.push(look);
        }
        assert!(rich.spans().len() < MAX_SPANS && rich.spans().is_sorted_by_key(|s| s.start));
        let slice = rich.slice(100..500);
        let whole: Vec<_> = rich.runs().flat_map(|(t, s)| t.chars().map(move |_| s)).collect();
        let part: Vec<_> = slice.runs().flat_map(|(t, s)| t.chars().map(move |_| s)).collect();
        assert_eq!((whole.len(), part.len()), (300, 200));
        for (at, look) in looks.iter().enumerate() {
            let colour = look.iter().rfind(|s| matches!(s, Style::Colour(_)));
            let wanted = |s: &&Style| !matches!(s, Style::Colour(_)) || Some(*s) == colour;
            let wanted: Vec<_> = look.iter().filter(wanted).collect();
            let has = |shown: &Styles<'_>| {
                shown.len() == wanted.len() && shown.iter().all(|s| wanted.contains(s))
            };
            assert!(has(&whole[at]), "at {at}");
            assert!(!(50..250).contains(&at) || has(&part[at - 50]), "at {at} of a slice");
        }
    }

    #[test]
    fn a_text_without_styles_is_no_larger_than_two_words_of_them() {
        assert!(size_of::<RichText>() <= 32);
    }
}
