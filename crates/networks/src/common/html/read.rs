//! Reading AIM's HTML and XHTML-IM, in time and memory that grow with what is read and no faster.

use crosstalk_core::{MAX_TEXT, RichText};
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use super::look::{self, Effect, Look};

/// The most markup that is read of one message, in bytes: more than any client writes around a
/// text of full length. What comes after is cut, as is text after the longest.
const MAX_HTML: usize = 4 * MAX_TEXT;
/// The most elements open at once; deeper ones do not format.
const MAX_DEPTH: usize = 64;
/// The end of nothing, which is text.
const NAMELESS: &str = "</>";
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
    let cut = &html[..html.floor_char_boundary(MAX_HTML)];
    let lines = cut.contains('\r').then(|| cut.replace("\r\n", "\n").replace('\r', "\n"));
    let lines = lines.as_deref().unwrap_or(cut);
    // The tokenizer says nothing of this one.
    let nameless = lines.contains(NAMELESS).then(|| lines.replace(NAMELESS, "&lt;/>"));
    let lines = nameless.as_deref().unwrap_or(lines);
    let mut reader = HtmlReader::new(lines);
    let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, span: Span<usize>| {
        reader.event(&event, span);
        reader.rich.is_full().then_some(())
    });
    // The first token is that the text is full.
    let _ = Tokenizer::new_with_emitter(lines, emitter).next();
    if cut.len() == html.len() {
        // A tag that never ends is text too; one at the cut may end behind it.
        reader.text(lines.get(reader.end..).unwrap_or_default());
    }
    reader.rich
}

/// An element that is open.
struct Open {
    name: &'static str,
    /// Look of the text inside.
    look: Look,
    /// Look of the text before it.
    outside: Look,
}

/// A start tag as far as it was read.
#[derive(Default)]
struct Tag {
    start: usize,
    /// None where it is no element that messages use.
    name: Option<&'static str>,
    look: Look,
    /// Text in place of a picture.
    alt: String,
    attribute: Option<Attribute>,
    /// Fields that were there: of several of one name the first counts.
    seen: [bool; 4],
}

/// An attribute that is of use.
#[derive(Clone, Copy)]
enum Attribute {
    Alt,
    Colour,
    Href,
    Style,
}

/// A message as far as it was read.
struct HtmlReader<'a> {
    html: &'a str,
    rich: RichText,
    open: Vec<Open>,
    tag: Tag,
    /// Look of what follows, and whether the end of the text has that look.
    look: Look,
    shown: bool,
    /// A block began or ended: the next text starts a line.
    new_line: bool,
    /// End of the last unit that is whole.
    end: usize,
}

impl<'a> HtmlReader<'a> {
    fn new(html: &'a str) -> Self {
        Self {
            html,
            rich: RichText::default(),
            open: Vec::new(),
            tag: Tag::default(),
            look: Look::default(),
            shown: false,
            new_line: false,
            end: 0,
        }
    }

    fn event(&mut self, event: &CallbackEvent<'_>, span: Span<usize>) {
        match *event {
            CallbackEvent::OpenStartTag { name } => {
                return self.tag = Tag::new(span.start, element(name));
            }
            CallbackEvent::AttributeName { name } => return self.tag.begin_attribute(name),
            CallbackEvent::AttributeValue { value } => {
                return self.tag.attribute(&String::from_utf8_lossy(value));
            }
            CallbackEvent::Error(_) => return,
            CallbackEvent::String { value } => self.text(&String::from_utf8_lossy(value)),
            CallbackEvent::CloseStartTag { self_closing } => self.start(self_closing, span.end),
            CallbackEvent::EndTag { name } => self.close(element(name), span),
            CallbackEvent::Comment { .. } => self.declaration("<!--", "-->", span),
            CallbackEvent::Doctype { .. } => self.declaration("<!", ">", span),
        }
        self.end = span.end;
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.new_line)
            && !self.rich.is_empty()
            && !self.rich.text().ends_with('\n')
        {
            self.rich.push("\n", []);
            self.shown = false;
        }
        // A reference ends a token, and not the look: what has one look stays one span.
        if std::mem::replace(&mut self.shown, true) {
            self.rich.extend(text);
        } else {
            self.look.push(text, &mut self.rich);
        }
    }

    /// Handles a token that the tokenizer takes for a comment or the like: it may be a lone question
    /// mark or a blank between brackets, or have no end.
    fn declaration(&mut self, begin: &str, end: &str, span: Span<usize>) {
        let raw = self.raw(span.start..span.end);
        if !raw.starts_with(begin) || !raw.ends_with(end) {
            self.text(raw);
        }
    }

    fn raw(&self, span: std::ops::Range<usize>) -> &'a str {
        self.html.get(span).unwrap_or_default()
    }

    /// The start tag is there whole.
    fn start(&mut self, self_closing: bool, end: usize) {
        let tag = std::mem::take(&mut self.tag);
        match tag.name {
            None => return self.text(self.raw(tag.start..end)),
            Some("br") => return self.text("\n"),
            Some("img") => return self.text(&tag.alt),
            Some("hr") => return self.new_line = true,
            Some(name) => self.new_line |= is_block(name),
        }
        if let Some(name) = tag.name.filter(|_| !self_closing && self.open.len() < MAX_DEPTH) {
            let outside = self.look.clone();
            self.look.enter(&tag.look);
            self.shown = false;
            self.open.push(Open { name, look: tag.look, outside });
        }
    }

    fn close(&mut self, name: Option<&'static str>, span: Span<usize>) {
        let Some(name) = name else { return self.text(self.raw(span.start..span.end)) };
        self.new_line |= is_block(name);
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else { return };
        self.look = self.open.remove(at).outside;
        self.shown = false;
        // Those that cross it go on: at most MAX_DEPTH.
        for inner in self.open.iter_mut().skip(at) {
            inner.outside.clone_from(&self.look);
            self.look.enter(&inner.look);
        }
    }
}

impl Tag {
    fn new(start: usize, name: Option<&'static str>) -> Self {
        let mut look = Look::default();
        match name {
            Some("b" | "strong") => look.add(Effect::Bold),
            Some("i" | "em") => look.add(Effect::Italic),
            Some("u" | "ins") => look.add(Effect::Underline),
            Some("s" | "strike" | "del") => look.add(Effect::Strike),
            _ => {}
        }
        Self { start, name, look, ..Self::default() }
    }

    fn begin_attribute(&mut self, name: &[u8]) {
        let attribute = match (name, self.name) {
            (b"alt", Some("img")) => Some(Attribute::Alt),
            (b"color", Some("font")) => Some(Attribute::Colour),
            (b"href", Some("a")) => Some(Attribute::Href),
            (b"style", Some(_)) => Some(Attribute::Style),
            _ => None,
        };
        let is_first = |a: &Attribute| !std::mem::replace(&mut self.seen[*a as usize], true);
        self.attribute = attribute.filter(is_first);
    }

    fn attribute(&mut self, value: &str) {
        match self.attribute.take() {
            Some(Attribute::Alt) => value.clone_into(&mut self.alt),
            Some(Attribute::Colour) => {
                self.look.colour = self.look.colour.or_else(|| look::colour(value));
            }
            Some(Attribute::Href) => self.look.link_to(value),
            Some(Attribute::Style) => self.look.read_css(value),
            None => {}
        }
    }
}

/// The element of that name, if messages use it.
fn element(name: &[u8]) -> Option<&'static str> {
    ELEMENTS.into_iter().find(|known| known.as_bytes() == name)
}

fn is_block(name: &str) -> bool {
    matches!(name, "p" | "div" | "li" | "ul" | "ol" | "blockquote")
}

#[cfg(test)]
mod tests {
    use crosstalk_core::Style;

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
            "run <?php echo 1; ?> or <!x> or </ > ok",
            "<![CDATA[x]]>",
            "a</>b</1>c",
            "<!-- never ends",
            "<!doctype",
            "<?",
        ] {
            assert_eq!(read(text).text(), text);
        }
        assert_eq!(read("one\r\ntwo\rthree").text(), "one\ntwo\nthree");
    }

    #[test]
    fn comments_are_no_text() {
        assert_eq!(read("a<!-- ICQ_COOL_FONT -->b<!DOCTYPE html>c").text(), "abc");
        let many = "<?".repeat(20_000) + &"<!x>".repeat(10_000);
        assert_eq!(read(&many).text().len(), MAX_TEXT);
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
    fn of_an_attribute_that_stands_twice_the_first_counts_and_of_styles_the_innermost() {
        let mut expected = RichText::default();
        expected.push("x", &[Style::Colour(0xff_0000)]);
        assert_eq!(read("<font color=red color=blue>x</font>"), expected);
        assert_eq!(read("<font color=blue style='color:red'>x</font>"), expected);
        assert_eq!(read("<font style='color: Red' color=blue>x</font>"), expected);
        assert_eq!(read("<font color=blue><font color=red>x</font></font>"), expected);
        assert_eq!(
            read("<font face=x><font color=red>x</font></font><grin a=b c>").text(),
            "x<grin a=b c>"
        );
        assert_eq!(read("<img src=x alt=':-)'><img>").text(), ":-)");
    }

    #[test]
    fn deep_nesting_ends_at_a_bound() {
        assert_eq!(read(&"<b>".repeat(10_000)).text(), "");
        assert_eq!(read(&("<b><i>".repeat(10_000) + "x")).text(), "x");
    }

    #[test]
    fn what_is_longer_than_any_message_is_cut_where_no_tag_is() {
        let long = "<br>".repeat(MAX_HTML / 4 - 1) + "<font color=red>x";
        assert_eq!(read(&long).text().len(), MAX_HTML / 4 - 1);
        let text = read(&("<b>".to_owned() + &"é".repeat(MAX_HTML)));
        assert_eq!((text.text().len(), text.spans()[0].end as usize), (MAX_TEXT, MAX_TEXT));
    }
}
