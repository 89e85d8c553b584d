//! Formatted text, as spans over plain text.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The longest text of one message, in bytes of UTF-8.
pub const MAX_TEXT: usize = 64 * 1024;
/// The most spans one text carries; further formatting is dropped, never text.
pub const MAX_SPANS: usize = 512;

/// How a stretch of text looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Style {
    /// Bold.
    Bold,
    /// Italic.
    Italic,
    /// Underlined.
    Underline,
    /// Struck through.
    Strike,
    /// Coloured, as 0xRRGGBB.
    Colour(u32),
    /// A link to this URL.
    Link(String),
}

/// A styled stretch of a [`RichText`], in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// How it looks.
    pub style: Style,
}

/// Plain text with styled stretches. The text alone is always readable.
///
/// Invariant: every span is non-empty, inside the text and on character boundaries.
/// `Debug` shows only the length.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(String, Vec<Span>)", into = "(String, Vec<Span>)")]
pub struct RichText {
    text: String,
    spans: Vec<Span>,
}

impl RichText {
    /// Text without formatting, cut at [`MAX_TEXT`] on a character boundary.
    pub fn plain(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > MAX_TEXT {
            text.truncate(text.floor_char_boundary(MAX_TEXT));
        }
        Self { text, spans: Vec::new() }
    }

    /// Appends `text` in all of `styles`, up to [`MAX_TEXT`].
    pub fn push(&mut self, text: &str, styles: &[Style]) {
        let start = self.text.len();
        let room = MAX_TEXT - start;
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
        for style in styles {
            self.style(start..self.text.len(), style.clone());
        }
    }

    /// Styles a stretch; one that breaks the invariant or [`MAX_SPANS`] is dropped.
    pub fn style(&mut self, range: Range<usize>, style: Style) {
        if range.is_empty() || self.text.get(range.clone()).is_none() {
            return;
        }
        // Positions fit: MAX_TEXT is far below u32::MAX.
        let (start, end) = (range.start as u32, range.end as u32);
        if let Some(last) = self.spans.iter_mut().rev().find(|s| s.style == style)
            && last.end == start
        {
            last.end = end;
        } else if self.spans.len() < MAX_SPANS && self.has_room_for(&style) {
            self.spans.push(Span { start, end, style });
        }
    }

    /// The plain text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The styled stretches, in order of appearance.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The part of the text in `range`, with its styles; nothing where the range is not on
    /// character boundaries.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let Some(text) = self.text.get(range.clone()) else { return Self::default() };
        let mut part = Self::plain(text);
        for span in &self.spans {
            let inside = |at: u32| (at as usize).clamp(range.start, range.end) - range.start;
            part.style(inside(span.start)..inside(span.end), span.style.clone());
        }
        part
    }

    /// The text cut into runs of unchanging style, in order: what a renderer walks.
    pub fn runs(&self) -> impl Iterator<Item = (&str, Vec<&Style>)> {
        let mut cuts: Vec<usize> = self
            .spans
            .iter()
            .flat_map(|s| [s.start as usize, s.end as usize])
            .chain([0, self.text.len()])
            .collect();
        cuts.sort_unstable();
        cuts.dedup();
        (1..cuts.len()).map(move |i| {
            let (from, to) = (cuts[i - 1], cuts[i]);
            let covers = |s: &&Span| s.start as usize <= from && to <= s.end as usize;
            (&self.text[from..to], self.spans.iter().filter(covers).map(|s| &s.style).collect())
        })
    }
}

impl RichText {
    /// Whether the addresses of links stay as short in all as a text.
    fn has_room_for(&self, style: &Style) -> bool {
        let links = self.spans.iter().map(|span| span.style.link());
        style.link() == 0 || links.sum::<usize>() + style.link() <= MAX_TEXT
    }
}

impl Style {
    /// How long the address of a link is, in bytes.
    const fn link(&self) -> usize {
        if let Self::Link(url) = self { url.len() } else { 0 }
    }
}

impl From<&str> for RichText {
    fn from(text: &str) -> Self {
        Self::plain(text)
    }
}

impl From<String> for RichText {
    fn from(text: String) -> Self {
        Self::plain(text)
    }
}

impl TryFrom<(String, Vec<Span>)> for RichText {
    type Error = &'static str;

    fn try_from((text, spans): (String, Vec<Span>)) -> Result<Self, Self::Error> {
        if text.len() > MAX_TEXT || spans.len() > MAX_SPANS {
            return Err("text too long");
        }
        let legal =
            |s: &Span| s.start < s.end && text.get(s.start as usize..s.end as usize).is_some();
        if !spans.iter().all(legal) {
            return Err("span outside its text");
        }
        let mut rich = Self { text, spans: Vec::with_capacity(spans.len()) };
        for span in spans {
            if rich.has_room_for(&span.style) {
                rich.spans.push(span);
            }
        }
        Ok(rich)
    }
}

impl From<RichText> for (String, Vec<Span>) {
    fn from(rich: RichText) -> Self {
        (rich.text, rich.spans)
    }
}

impl fmt::Debug for RichText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[text of {} bytes]", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_the_text_once() {
        let mut rich = RichText::plain("");
        rich.push("a ", &[]);
        rich.push("bold", &[Style::Bold]);
        rich.push("both", &[Style::Bold, Style::Italic]);
        let runs: Vec<_> = rich.runs().map(|(t, s)| (t, s.len())).collect();
        assert_eq!(runs, [("a ", 0), ("bold", 1), ("both", 2)]);
        assert_eq!(rich.spans().len(), 2, "adjoining spans of one style are one");
    }

    #[test]
    fn a_slice_keeps_its_styles() {
        let mut rich = RichText::plain("one ");
        rich.push("twö", &[Style::Bold]);
        let part = rich.slice(2..6);
        assert_eq!((part.text(), part.spans()[0].start), ("e tw", 2));
        assert!(rich.slice(0..7).is_empty(), "the ö is not cut");
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
    fn links_are_in_all_no_longer_than_a_text() {
        let link = |n: u8| Style::Link(format!("{n}{}", "x".repeat(MAX_TEXT / 3)));
        let mut rich = RichText::default();
        (0..9).for_each(|n| rich.push("a", &[link(n), Style::Bold]));
        let links = |rich: &RichText| rich.spans().iter().map(|s| s.style.link()).sum::<usize>();
        assert!(links(&rich) > MAX_TEXT / 2 && links(&rich) <= MAX_TEXT);
        let spans = (0..9).map(|n| Span { start: 0, end: 1, style: link(n) }).collect();
        let told = RichText::try_from(("a".to_owned(), spans)).unwrap();
        assert!(links(&told) <= MAX_TEXT && told.text() == "a");
    }

    #[test]
    fn long_text_is_cut_on_a_character() {
        let mut rich = RichText::plain("é".repeat(MAX_TEXT));
        assert_eq!(rich.text().len(), MAX_TEXT);
        rich.push("more", &[Style::Bold]);
        assert!(rich.spans().is_empty());
    }
}
