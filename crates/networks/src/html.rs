//! AIM's HTML and XHTML-IM (XEP-0071) fragments to [`RichText`] and back.
//!
//! Formatting that has no counterpart is dropped, text never: what looks like a tag but is none
//! that messages use (`<grin>`) is taken for text.

use std::borrow::Cow;
use std::convert::Infallible;
use std::mem::discriminant;

use crosstalk_core::{RichText, Style};
use html5gum::emitters::default::{DefaultEmitter, StartTag, Token};
use html5gum::{HtmlString, Spanned, Tokenizer};

/// The most elements open at once; deeper ones do not format.
const MAX_DEPTH: usize = 64;
/// The longest address of a link, in bytes.
const MAX_LINK: usize = 2048;
/// The most bytes of tags in what is written, with room for the text in one packet of AIM; what
/// comes after them has no formatting.
const MAX_TAGS_AIM: usize = 8 * 1024;
const MAX_TAGS: usize = 64 * 1024;
/// Links that are safe to offer to a reader.
const SCHEMES: [&str; 9] =
    ["http:", "https:", "ftp:", "mailto:", "xmpp:", "aim:", "sip:", "irc:", "tel:"];
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

/// `rich` as AIM clients write it: a whole document in HTML 3.2.
pub fn aim(rich: &RichText) -> String {
    let mut html = String::from("<HTML><BODY>");
    render(rich, &mut html, MAX_TAGS_AIM, "<BR>", |style| match style {
        Style::Bold => ("<B>".into(), "</B>"),
        Style::Italic => ("<I>".into(), "</I>"),
        Style::Underline => ("<U>".into(), "</U>"),
        Style::Strike => ("<S>".into(), "</S>"),
        Style::Colour(rgb) => (format!("<FONT COLOR=\"#{rgb:06x}\">").into(), "</FONT>"),
        Style::Link(url) => (format!("<A HREF=\"{}\">", escape(url)).into(), "</A>"),
    });
    html.push_str("</BODY></HTML>");
    html
}

/// `rich` as XHTML-IM: what stands inside the `body` element. Well-formed XML.
pub fn xhtml(rich: &RichText) -> String {
    let mut html = String::new();
    render(rich, &mut html, MAX_TAGS, "<br/>", |style| match style {
        Style::Bold => ("<strong>".into(), "</strong>"),
        Style::Italic => ("<em>".into(), "</em>"),
        Style::Underline => ("<span style='text-decoration: underline'>".into(), "</span>"),
        Style::Strike => ("<span style='text-decoration: line-through'>".into(), "</span>"),
        Style::Colour(rgb) => (format!("<span style='color: #{rgb:06x}'>").into(), "</span>"),
        Style::Link(url) => (format!("<a href='{}'>", escape(url)).into(), "</a>"),
    });
    html
}

/// Text as it stands inside either dialect: without the characters that XML cannot carry.
pub fn escape(text: &str) -> Cow<'_, str> {
    let special = |c: char| matches!(c, '<' | '>' | '&' | '"' | '\'') || unfit_for_xml(c);
    if !text.contains(special) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if unfit_for_xml(c) => {}
            c => escaped.push(c),
        }
    }
    escaped.into()
}

const fn unfit_for_xml(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

fn render(
    rich: &RichText,
    html: &mut String,
    mut room: usize,
    line_break: &str,
    tags: impl Fn(&Style) -> (Cow<'static, str>, &'static str),
) {
    for (text, styles) in rich.runs() {
        // What another gateway says was read by no reader of ours.
        let is_fit = |style: &&Style| !matches!(style, Style::Link(url) if !is_safe(url));
        let mut tags: Vec<_> = effective(styles.into_iter().filter(is_fit)).map(&tags).collect();
        let length = tags.iter().map(|(start, end)| start.len() + end.len()).sum();
        match room.checked_sub(length) {
            Some(left) => room = left,
            None => tags.clear(),
        }
        html.extend(tags.iter().map(|(start, _)| start.as_ref()));
        for (i, line) in text.split('\n').enumerate() {
            if i > 0 {
                html.push_str(line_break);
            }
            html.push_str(&escape(line));
        }
        html.extend(tags.iter().rev().map(|(_, end)| *end));
    }
}

/// Of several styles of one kind the innermost.
fn effective<'a>(styles: impl Iterator<Item = &'a Style>) -> impl Iterator<Item = &'a Style> {
    let mut kept: Vec<&Style> = Vec::new();
    for style in styles {
        match kept.iter_mut().find(|k| discriminant(**k) == discriminant(style)) {
            Some(outer) => *outer = style,
            None => kept.push(style),
        }
    }
    kept.into_iter()
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

fn is_safe(url: &str) -> bool {
    let scheme = url.split_inclusive(':').next().unwrap_or_default().to_ascii_lowercase();
    url.len() <= MAX_LINK && SCHEMES.contains(&scheme.as_str()) && !url.contains(char::is_control)
}

fn attribute(tag: &StartTag<usize>, name: &str) -> Option<String> {
    let value: &Spanned<HtmlString, usize> = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rich(parts: &[(&str, &[Style])]) -> RichText {
        let mut rich = RichText::default();
        for (text, styles) in parts {
            rich.push(text, styles);
        }
        rich
    }

    #[test]
    fn what_aim_clients_write_is_read() {
        let html = "<HTML><BODY BGCOLOR=\"#ffffff\"><FONT FACE=\"Arial\" COLOR=\"#ff0000\">red \
                    <B>bold</B></FONT><BR>1 &lt; 2 &amp; 3</BODY></HTML>";
        let red = Style::Colour(0xff_0000);
        let expected = rich(&[
            ("red ", std::slice::from_ref(&red)),
            ("bold", &[red.clone(), Style::Bold]),
            ("\n1 < 2 & 3", &[]),
        ]);
        assert_eq!(read(html), expected);
    }

    #[test]
    fn both_dialects_give_the_text_back() {
        let link = Style::Link("https://example.org/?a=1&b=\"2\"".to_owned());
        let text = rich(&[
            ("two  spaces, <b>&lt;tag&gt;</b> & \u{1f600} Привет\n\n'quoted' \"text\"", &[]),
            ("linked", &[link, Style::Underline]),
            ("struck", &[Style::Strike, Style::Italic, Style::Colour(0x00_80ff)]),
        ]);
        assert_eq!(read(&aim(&text)), text);
        assert_eq!(read(&xhtml(&text)), text);
    }

    #[test]
    fn styles_of_xhtml_are_read() {
        let html = "<p>a</p><p><span style='font-weight: bold; color:#0f0'>b</span></p>";
        let expected = rich(&[("a\n", &[]), ("b", &[Style::Bold, Style::Colour(0x00_ff00)])]);
        assert_eq!(read(html), expected);
    }

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
        let expected = rich(&[
            ("1", &[Style::Bold]),
            ("2", &[Style::Bold, Style::Italic]),
            ("3", &[Style::Italic]),
            ("4", &[]),
        ]);
        assert_eq!(read("<b>1<i>2</b>3</i>4"), expected);
    }

    #[test]
    fn a_link_that_runs_code_is_only_text() {
        assert_eq!(read("<a href='javascript:alert(1)'>click</a>"), RichText::plain("click"));
    }

    #[test]
    fn xhtml_has_no_character_that_xml_forbids() {
        assert_eq!(xhtml(&RichText::plain("a\u{1}b\u{ffff}c")), "abc");
    }

    #[test]
    fn little_text_never_becomes_much_markup() {
        let link = |n: u32| format!("<a href='http://x.test/{n}{}'>", "\"".repeat(1900));
        let nested: String = (0..60).map(link).collect();
        let text = read(&format!("{nested}{}", "<b>1</b>2".repeat(300)));
        assert_eq!(text.text().len(), 600);
        for (html, most) in [(aim(&text), MAX_TAGS_AIM), (xhtml(&text), MAX_TAGS)] {
            assert!(html.len() < most + 2 * text.text().len(), "{}", html.len());
        }
    }

    #[test]
    fn a_link_of_another_gateway_runs_no_code_either() {
        let text = rich(&[("click", &[Style::Link("javascript:alert(1)".into())])]);
        assert_eq!((xhtml(&text).as_str(), aim(&text).contains("script")), ("click", false));
    }

    #[test]
    fn deep_nesting_ends_at_a_bound() {
        assert_eq!(read(&"<b>".repeat(10_000)).text(), "");
        assert_eq!(read(&("<b><i>".repeat(10_000) + "x")).text(), "x");
    }
}
