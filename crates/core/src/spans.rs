//! Styles over stretches of a text.

use std::ops::{Deref, Range};

use crate::rich::MAX_TEXT;

/// The most spans one text carries; further formatting is dropped, never text.
pub const MAX_SPANS: usize = 512;
/// The longest address of a link, in bytes; a longer one is dropped, and what it stood on is text.
pub const MAX_LINK: usize = 2048;
/// The kinds of style: of each at most one is in effect at a place.
const KINDS: usize = 6;

/// The look of a stretch of text.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl Style {
    /// The place of its kind among those at one place of a text, from the outside in.
    const fn kind(&self) -> usize {
        match self {
            Self::Link(_) => 0,
            Self::Colour(_) => 1,
            Self::Bold => 2,
            Self::Italic => 3,
            Self::Underline => 4,
            Self::Strike => 5,
        }
    }

    /// Length of the address of a link, in bytes; 0 for other styles.
    const fn link(&self) -> usize {
        if let Self::Link(url) = self { url.len() } else { 0 }
    }
}

/// A styled stretch of a [`RichText`](crate::RichText), in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Index one past the last byte.
    pub end: u32,
    /// Style of the span.
    pub style: Style,
}

/// The styled stretches of one text.
///
/// Invariant: they are in order of their first byte and, of those that begin together, of their
/// kind; two of one kind do not overlap, and two of one style do not touch. So adding one behind
/// the others looks only at the last of its kind, and whoever walks the text has at most one of
/// each kind at hand.
#[derive(Clone, Default)]
pub(crate) struct Spans {
    list: Vec<Span>,
    /// The place of the last span of each kind, counted from 1; 0 where there is none.
    last: [u16; KINDS],
    /// The addresses of links, in bytes.
    links: usize,
}

impl Spans {
    pub(crate) fn list(&self) -> &[Span] {
        &self.list
    }

    /// Bytes that the spans take.
    pub(crate) const fn weight(&self) -> usize {
        self.list.len() * size_of::<Span>() + self.links
    }

    /// Adds one, of which only what follows the last of its kind counts; it is dropped where there
    /// is no room.
    pub(crate) fn add(&mut self, range: Range<u32>, style: &Style) {
        let Range { mut start, end } = range;
        let kind = style.kind();
        let last = usize::from(self.last[kind]).checked_sub(1);
        if let Some(last) = last.and_then(|at| self.list.get_mut(at)) {
            if last.style == *style && (last.start..=last.end).contains(&start) {
                last.end = last.end.max(end);
                return;
            }
            start = start.max(last.end);
        }
        let link = style.link();
        let fits = self.list.len() < MAX_SPANS && self.links + link <= MAX_TEXT && link <= MAX_LINK;
        if start < end && fits {
            self.links += link;
            self.insert(Span { start, end, style: style.clone() });
        }
    }

    /// Lets those that end at one place end at another further on.
    pub(crate) fn extend(&mut self, from: u32, to: u32) {
        for last in self.last {
            let last = usize::from(last).checked_sub(1).and_then(|at| self.list.get_mut(at));
            if let Some(last) = last.filter(|last| last.end == from) {
                last.end = to;
            }
        }
    }

    fn insert(&mut self, span: Span) {
        let place = |span: &Span| (span.start, span.style.kind());
        let (new, kind) = (place(&span), span.style.kind());
        // Nearly always the last, or among the few that begin with it.
        let at = self.list.iter().rposition(|before| place(before) < new).map_or(0, |at| at + 1);
        for last in &mut self.last {
            *last += u16::from(usize::from(*last) > at);
        }
        // MAX_SPANS is far below u16::MAX.
        self.last[kind] = at as u16 + 1;
        self.list.insert(at, span);
    }
}

/// The styles at one place of a text, from the outside in: at most one of each kind.
#[derive(Clone, Copy)]
pub struct Styles<'a> {
    styles: [&'a Style; KINDS],
    count: usize,
}

impl<'a> Styles<'a> {
    /// Styles of a list that take effect: of each kind the last.
    pub(crate) fn effective(styles: impl IntoIterator<Item = &'a Style>) -> Self {
        let mut kinds = [None; KINDS];
        for style in styles {
            kinds[style.kind()] = Some(style);
        }
        Self::collect(kinds)
    }

    fn collect(kinds: [Option<&'a Style>; KINDS]) -> Self {
        let mut collected = Self { styles: [&Style::Bold; KINDS], count: 0 };
        for style in kinds.into_iter().flatten() {
            collected.styles[collected.count] = style;
            collected.count += 1;
        }
        collected
    }
}

impl<'a> Deref for Styles<'a> {
    type Target = [&'a Style];

    fn deref(&self) -> &Self::Target {
        &self.styles[..self.count]
    }
}

impl<'a> IntoIterator for Styles<'a> {
    type Item = &'a Style;
    type IntoIter = std::iter::Take<std::array::IntoIter<&'a Style, KINDS>>;

    fn into_iter(self) -> Self::IntoIter {
        self.styles.into_iter().take(self.count)
    }
}

/// Walks a text in runs of unchanging style.
pub(crate) struct Runs<'a> {
    text: &'a str,
    /// The spans that begin further on.
    spans: &'a [Span],
    at: usize,
    /// End and style of the span in effect, for each kind.
    active: [Option<(usize, &'a Style)>; KINDS],
}

impl<'a> Runs<'a> {
    pub(crate) const fn new(text: &'a str, spans: &'a [Span]) -> Self {
        Self { text, spans, at: 0, active: [None; KINDS] }
    }
}

impl<'a> Iterator for Runs<'a> {
    type Item = (&'a str, Styles<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.at;
        if from >= self.text.len() {
            return None;
        }
        for active in &mut self.active {
            active.take_if(|(end, _)| *end <= from);
        }
        while let Some((span, rest)) = self.spans.split_first()
            && span.start as usize <= from
        {
            self.active[span.style.kind()] = Some((span.end as usize, &span.style));
            self.spans = rest;
        }
        let begins = self.spans.first().map(|span| span.start as usize);
        let ends = self.active.iter().flatten().map(|(end, _)| *end);
        self.at = ends.chain(begins).fold(self.text.len(), usize::min);
        let styles = self.active.map(|active| active.map(|(_, style)| style));
        Some((&self.text[from..self.at], Styles::collect(styles)))
    }
}
