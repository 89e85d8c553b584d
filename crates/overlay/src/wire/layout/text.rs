//! The layouts of addresses and of formatted text.

use crosstalk_core as core;
use serde::{Deserialize, Serialize};

use super::Unreadable;

/// The local part and the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address<'a>(&'a str, &'a str);

impl<'a> From<&'a core::Address> for Address<'a> {
    fn from(address: &'a core::Address) -> Self {
        Self(address.local(), address.network().as_str())
    }
}

impl TryFrom<Address<'_>> for core::Address {
    type Error = Unreadable;

    fn try_from(Address(local, network): Address<'_>) -> Result<Self, Unreadable> {
        let network = network.parse().map_err(|_| Unreadable::Malformed)?;
        Self::new(local, network).map_err(|_| Unreadable::Malformed)
    }
}

/// Addresses in a row.
pub(super) fn addresses(list: &[core::Address]) -> Vec<Address<'_>> {
    list.iter().map(Address::from).collect()
}

/// Reads [`addresses`].
pub(super) fn read_addresses(list: &[Address<'_>]) -> Result<Vec<core::Address>, Unreadable> {
    list.iter().map(|address| (*address).try_into()).collect()
}

/// A text and its styled stretches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Text<'a> {
    text: &'a str,
    #[serde(borrow)]
    spans: Vec<Span<'a>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Span<'a> {
    start: u32,
    end: u32,
    #[serde(borrow)]
    style: Style<'a>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Style<'a> {
    Bold,
    Italic,
    Underline,
    Strike,
    Colour(u32),
    Link(&'a str),
}

impl<'a> From<&'a core::RichText> for Text<'a> {
    fn from(text: &'a core::RichText) -> Self {
        let span = |span: &'a core::Span| Span {
            start: span.start,
            end: span.end,
            style: Style::from(&span.style),
        };
        // Of a text without styles, most are, this allocates nothing.
        Self { text: text.text(), spans: text.spans().iter().map(span).collect() }
    }
}

impl TryFrom<Text<'_>> for core::RichText {
    type Error = Unreadable;

    fn try_from(Text { text, spans }: Text<'_>) -> Result<Self, Unreadable> {
        let span = |Span { start, end, style }| core::Span { start, end, style: style_of(&style) };
        let spans = spans.into_iter().map(span).collect();
        // It keeps the rules of texts, whoever wrote this one.
        Self::try_from((text.to_owned(), spans)).map_err(|_| Unreadable::Malformed)
    }
}

impl<'a> From<&'a core::Style> for Style<'a> {
    fn from(style: &'a core::Style) -> Self {
        match style {
            core::Style::Bold => Self::Bold,
            core::Style::Italic => Self::Italic,
            core::Style::Underline => Self::Underline,
            core::Style::Strike => Self::Strike,
            core::Style::Colour(colour) => Self::Colour(*colour),
            core::Style::Link(url) => Self::Link(url),
        }
    }
}

fn style_of(style: &Style<'_>) -> core::Style {
    match *style {
        Style::Bold => core::Style::Bold,
        Style::Italic => core::Style::Italic,
        Style::Underline => core::Style::Underline,
        Style::Strike => core::Style::Strike,
        Style::Colour(colour) => core::Style::Colour(colour),
        Style::Link(url) => core::Style::Link(url.to_owned()),
    }
}
