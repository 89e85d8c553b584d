//! Reading AIM's HTML and XHTML-IM.

use std::convert::Infallible;

use crosstalk_core::{RichText, Style};
use html5gum::emitters::default::{DefaultEmitter, StartTag, Token};
use html5gum::{HtmlString, Spanned, Tokenizer};

use crate::html::{effective, is_safe};

/// The most elements open at once; deeper ones do not format.
const MAX_DEPTH: usize = 64;
/// Elements that messages use. Every other tag is text.
const ELEMENTS: [&str; 29] = [
    "html",
    "head",
    "title",
    "body",
    "font",
    "span",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "a",
    "br",
    "p",
    "div",
    "hr",
    "img",
    "sub",
    "sup",
    "big",
    "small",
    "ul",
    "ol",
    "li",
    "blockquote",
];

/// The text of a message written in either dialect.
pub fn read(html: &str) -> RichText {
    if !html.contains(['<', '&', '\r']) {
        return RichText::plain(html);
    }
    let html = html.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = HtmlReader::default();
    let mut end = 0;
    for token in Tokenizer::new_with_emitter(&html, DefaultEmitter::<usize>::new_with_span()) {
        let token: Result<Token<usize>, Infallible> = token;
        let Ok(token) = token;
        let span = match &token {
            Token::StartTag(tag) => tag.span,
            Token::EndTag(tag) => tag.span,
            Token::String(text) => text.span,
            Token::Comment(comment) => comment.span,
            Token::Doctype(doctype) => doctype.span,
            Token::Error(_) => continue,
        };
        let raw = html.get(span.start..span.end).unwrap_or_default();
        end = span.end;
        match token {
            Token::StartTag(tag) => reader.start(&tag, raw),
            Token::EndTag(tag) => reader.end(&tag.name, raw),
            Token::String(text) => reader.text(&String::from_utf8_lossy(&text)),
            _ => {}
        }
    }
    // A tag that never ends is text too.
    reader.text(html.get(end..).unwrap_or_default());
    reader.rich
}

#[derive(Default)]
struct HtmlReader {
    rich: RichText,
    open: Vec<(HtmlString, Vec<Style>)>,
    /// A block began or ended: the next text starts a line.
    new_line: bool,
}

impl HtmlReader {
    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.new_line)
            && !self.rich.is_empty()
            && !self.rich.text().ends_with('\n')
        {
            self.rich.push("\n", &[]);
        }
        let open = self.open.iter().flat_map(|(_, styles)| styles);
        let styles: Vec<Style> = effective(open).cloned().collect();
        self.rich.push(text, &styles);
    }

    fn start(&mut self, tag: &StartTag<usize>, raw: &str) {
        match tag.name.as_slice() {
            b"br" => return self.text("\n"),
            b"img" => return self.text(&attribute(tag, "alt").unwrap_or_default()),
            b"hr" => return self.new_line = true,
            name if !is_element(name) => return self.text(raw),
            name => self.new_line |= is_block(name),
        }
        if !tag.self_closing && self.open.len() < MAX_DEPTH {
            self.open.push((tag.name.clone(), styles(tag)));
        }
    }

    fn end(&mut self, name: &HtmlString, raw: &str) {
        if !is_element(name) {
            return self.text(raw);
        }
        self.new_line |= is_block(name);
        if let Some(at) = self.open.iter().rposition(|(open, _)| open == name) {
            self.open.remove(at);
        }
    }
}

fn is_element(name: &[u8]) -> bool {
    ELEMENTS.iter().any(|known| known.as_bytes() == name)
}

fn is_block(name: &[u8]) -> bool {
    matches!(name, b"p" | b"div" | b"li" | b"ul" | b"ol" | b"blockquote")
}

fn styles(tag: &StartTag<usize>) -> Vec<Style> {
    let mut styles = match tag.name.as_slice() {
        b"b" | b"strong" => vec![Style::Bold],
        b"i" | b"em" => vec![Style::Italic],
        b"u" | b"ins" => vec![Style::Underline],
        b"s" | b"strike" | b"del" => vec![Style::Strike],
        b"font" => attribute(tag, "color")
            .and_then(|c| colour(&c))
            .map(Style::Colour)
            .into_iter()
            .collect(),
        b"a" => {
            attribute(tag, "href").filter(|url| is_safe(url)).map(Style::Link).into_iter().collect()
        }
        _ => Vec::new(),
    };
    if let Some(css) = attribute(tag, "style") {
        styles.extend(css.split(';').filter_map(|rule| rule.split_once(':')).flat_map(css_styles));
    }
    styles
}

fn css_styles((property, value): (&str, &str)) -> Vec<Style> {
    let value = value.trim().to_ascii_lowercase();
    match property.trim().to_ascii_lowercase().as_str() {
        "font-weight" if value.starts_with("bold") => vec![Style::Bold],
        "font-style" if value == "italic" || value == "oblique" => vec![Style::Italic],
        "color" => colour(&value).map(Style::Colour).into_iter().collect(),
        "text-decoration" => value
            .split_whitespace()
            .filter_map(|line| match line {
                "underline" => Some(Style::Underline),
                "line-through" => Some(Style::Strike),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// `#rrggbb`, `#rgb` or one of HTML's sixteen colours, as 0xRRGGBB.
fn colour(text: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(digits) = text.strip_prefix('#') {
        let rgb = u32::from_str_radix(digits, 16).ok()?;
        return match digits.len() {
            6 => Some(rgb),
            3 => Some((rgb & 0xf00) * 0x1100 + (rgb & 0x0f0) * 0x110 + (rgb & 0x00f) * 0x11),
            _ => None,
        };
    }
    Some(match text.as_str() {
        "black" => 0x00_0000,
        "silver" => 0xc0_c0c0,
        "gray" => 0x80_8080,
        "white" => 0xff_ffff,
        "maroon" => 0x80_0000,
        "red" => 0xff_0000,
        "purple" => 0x80_0080,
        "fuchsia" => 0xff_00ff,
        "green" => 0x00_8000,
        "lime" => 0x00_ff00,
        "olive" => 0x80_8000,
        "yellow" => 0xff_ff00,
        "navy" => 0x00_0080,
        "blue" => 0x00_00ff,
        "teal" => 0x00_8080,
        "aqua" => 0x00_ffff,
        _ => return None,
    })
}

fn attribute(tag: &StartTag<usize>, name: &str) -> Option<String> {
    let value: &Spanned<HtmlString, usize> = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_markup_stays_text() {
        for text in [
            "<grin>",
            "a <- b",
            "x < y > z",
            "</shrug>",
            "&",
            "AT&T",
            "<unfinished",
            "<b",
            "?OTR:AAMC=",
        ] {
            assert_eq!(read(text).text(), text);
        }
        assert_eq!(read("one\r\ntwo\rthree").text(), "one\ntwo\nthree");
    }

    #[test]
    fn crossed_tags_close_what_they_name() {
        let mut expected = RichText::default();
        expected.push("1", &[Style::Bold]);
        expected.push("2", &[Style::Bold, Style::Italic]);
        expected.push("3", &[Style::Italic]);
        expected.push("4", &[]);
        assert_eq!(read("<b>1<i>2</b>3</i>4"), expected);
    }

    #[test]
    fn a_link_that_runs_code_is_only_text() {
        assert_eq!(read("<a href='javascript:alert(1)'>click</a>"), RichText::plain("click"));
    }

    #[test]
    fn deep_nesting_ends_at_a_bound() {
        assert_eq!(read(&"<b>".repeat(10_000)).text(), "");
        assert_eq!(read(&("<b><i>".repeat(10_000) + "x")).text(), "x");
    }
}
