//! Formatted messages: escape codes such as `ESC[1m`, and tags such as `<font color="#ff0000">`.
//!
//! Neither nests: each changes how what follows looks. A `<` that begins no known tag is text, and
//! there is no way to write one that begins a known tag.

use std::borrow::Cow;
use std::fmt::Write as _;

use crosstalk_core::{RichText, Span, Style};

/// The most `<font>` tags that are open at once; deeper ones do not format.
const MAX_DEPTH: usize = 64;
/// The longest tag, in bytes: `<fade>` lists colours.
const MAX_TAG: usize = 1024;
/// The longest address that is spelled out behind a link, in bytes.
const MAX_LINK: usize = 2048;
/// Tags that clients act on. `ding` stands alone and is a buzz.
const TAGS: [&str; 18] = [
    "b", "i", "u", "font", "fade", "alt", "snd", "ding", "black", "blue", "cyan", "gray", "green",
    "pink", "purple", "orange", "red", "yellow",
];
/// Links that are safe to offer to a reader.
const SCHEMES: [&str; 4] = ["http:", "https:", "ftp:", MAIL];
const MAIL: &str = "mailto:";
/// The colours that have a number, from `ESC[30m`, and a name.
const COLOURS: [(&str, u32); 10] = [
    ("black", 0),
    ("blue", 0x00_00ff),
    ("cyan", 0x00_8080),
    ("gray", 0x80_8080),
    ("green", 0x00_8000),
    ("pink", 0xff_0080),
    ("purple", 0x80_0080),
    ("orange", 0xff_8000),
    ("red", 0xff_0000),
    ("yellow", 0x80_8000),
];

/// Reads a message.
pub fn read(message: &str) -> RichText {
    let message = message.replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader::default();
    let mut rest = message.as_str();
    while let Some(at) = rest.find(['\x1b', '<']) {
        let (text, after) = rest.split_at(at);
        reader.text(text);
        let known = match after.strip_prefix("\x1b[") {
            Some(code) => code.split_once('m').map(|(code, rest)| (reader.code(code), rest)),
            None => tag(after).map(|(tag, rest)| (reader.tag(tag), rest)),
        };
        rest = if let Some(((), rest)) = known {
            rest
        } else {
            let one = after.chars().next().map_or(0, char::len_utf8);
            let (sign, rest) = after.split_at(one);
            reader.text(if sign == "\x1b" { "" } else { sign });
            rest
        };
    }
    reader.text(rest);
    reader.rich
}

/// What stands between the brackets of a known tag, and what follows it.
fn tag(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('<')?;
    let end = memchr::memchr(b'>', text.as_bytes().get(..MAX_TAG).unwrap_or(text.as_bytes()))?;
    let (tag, rest) = (text.get(..end)?, text.get(end + 1..)?);
    is_tag(tag).then_some((tag, rest))
}

fn is_tag(tag: &str) -> bool {
    let name = name(tag);
    TAGS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The name of a tag, without the slash of one that ends something.
fn name(tag: &str) -> &str {
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    tag.split([' ', '/', '\n']).next().unwrap_or_default()
}

/// A message as far as it is read.
#[derive(Default)]
struct Reader {
    rich: RichText,
    /// How what follows looks.
    look: Look,
    /// What follows is where a link leads.
    link: bool,
    /// The colours before each tag that is open.
    before: Vec<u32>,
}

impl Reader {
    fn text(&mut self, text: &str) {
        let link = SCHEMES.iter().any(|scheme| self.link && text.starts_with(scheme));
        let mut styles = self.look.styles();
        styles.extend(link.then(|| Style::Link(text.to_owned())));
        // Clients write every mail address as a link.
        let text = if link { text.strip_prefix(MAIL).unwrap_or(text) } else { text };
        self.rich.push(text, &styles);
    }

    fn code(&mut self, code: &str) {
        match code {
            "1" | "x1" => self.look.bold = code == "1",
            "2" | "x2" => self.look.italic = code == "2",
            "4" | "x4" => self.look.underline = code == "4",
            "l" | "xl" => self.link = code == "l",
            _ => {
                let number = code.strip_prefix('3').filter(|n| n.len() == 1);
                let number = number.and_then(|n| n.parse::<usize>().ok());
                let colour = number.and_then(|n| COLOURS.get(n)).map(|(_, rgb)| *rgb);
                self.look.colour = colour.or_else(|| rgb(code)).unwrap_or(self.look.colour);
            }
        }
    }

    fn tag(&mut self, tag: &str) {
        let begins = !tag.starts_with('/');
        let name = name(tag).to_ascii_lowercase();
        let named = COLOURS.iter().find(|(colour, _)| *colour == name).map(|(_, rgb)| *rgb);
        match name.as_str() {
            "b" => self.look.bold = begins,
            "i" => self.look.italic = begins,
            "u" => self.look.underline = begins,
            _ if named.is_none() && name != "font" => {}
            _ if begins && self.before.len() < MAX_DEPTH => {
                self.before.push(self.look.colour);
                let colour = named.or_else(|| rgb(attribute(tag, "color")?));
                self.look.colour = colour.unwrap_or(self.look.colour);
            }
            _ if !begins => self.look.colour = self.before.pop().unwrap_or_default(),
            _ => {}
        }
    }
}

/// The value of an attribute, in quotes or without.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let at = tag.to_ascii_lowercase().find(&format!("{name}="))?;
    let value = tag.get(at + name.len() + 1..)?;
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote {
        Some(quote) => value.get(1..)?.split(quote).next(),
        None => value.split(' ').next(),
    }
}

/// Reads `#rrggbb`.
fn rgb(colour: &str) -> Option<u32> {
    let digits = colour.strip_prefix('#').filter(|d| d.len() == 6)?;
    u32::from_str_radix(digits, 16).ok()
}

/// Writes a message, in codes that clients of all versions know. They have none for links.
pub fn write(rich: &RichText) -> String {
    let mut message = String::new();
    let mut now = Look::default();
    for (text, styles) in rich.runs() {
        let look = Look::of(&styles);
        now.turn_into(look, &mut message);
        now = look;
        push_text(text, &mut message);
    }
    now.turn_into(Look::default(), &mut message);
    message
}

/// The same text with what each link leads to behind it, where it does not say so itself.
pub fn with_links_spelled(rich: &RichText) -> Cow<'_, RichText> {
    let leads = |span: &Span| match &span.style {
        Style::Link(url) if url.len() <= MAX_LINK => {
            let said = rich.text().get(span.start as usize..span.end as usize)?;
            (!url.contains(said.trim())).then(|| (span.end as usize, url.clone()))
        }
        _ => None,
    };
    let mut links: Vec<(usize, String)> = rich.spans().iter().filter_map(leads).collect();
    if links.is_empty() {
        return Cow::Borrowed(rich);
    }
    links.sort();
    let (mut spelled, mut from) = (RichText::default(), 0);
    for (end, url) in links {
        append(&mut spelled, &rich.slice(from..end));
        spelled.push(&format!(" ({url})"), &[]);
        from = end;
    }
    append(&mut spelled, &rich.slice(from..rich.text().len()));
    Cow::Owned(spelled)
}

fn append(to: &mut RichText, part: &RichText) {
    for (text, styles) in part.runs() {
        to.push(text, &styles.into_iter().cloned().collect::<Vec<_>>());
    }
}

/// Writes text; a blank in what would be a tag keeps it from being one.
fn push_text(text: &str, message: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, after) = rest.split_at(at);
        message.push_str(before);
        message.push_str(if tag(after).is_some() { "< " } else { "<" });
        rest = after.get(1..).unwrap_or_default();
    }
    message.push_str(rest);
}

/// The styles that codes can show. Colour 0, black, is what text has without any.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    bold: bool,
    italic: bool,
    underline: bool,
    colour: u32,
}

impl Look {
    fn of(styles: &[&Style]) -> Self {
        let mut look = Self::default();
        for style in styles {
            match style {
                Style::Bold => look.bold = true,
                Style::Italic => look.italic = true,
                Style::Underline => look.underline = true,
                Style::Colour(rgb) => look.colour = rgb & 0xff_ffff,
                Style::Strike | Style::Link(_) => {}
            }
        }
        look
    }

    fn styles(self) -> Vec<Style> {
        let styles = [
            self.bold.then_some(Style::Bold),
            self.italic.then_some(Style::Italic),
            self.underline.then_some(Style::Underline),
            (self.colour != 0).then_some(Style::Colour(self.colour)),
        ];
        styles.into_iter().flatten().collect()
    }

    fn turn_into(self, next: Self, message: &mut String) {
        for (was, is, on, off) in [
            (self.bold, next.bold, "\x1b[1m", "\x1b[x1m"),
            (self.italic, next.italic, "\x1b[2m", "\x1b[x2m"),
            (self.underline, next.underline, "\x1b[4m", "\x1b[x4m"),
        ] {
            if was != is {
                message.push_str(if is { on } else { off });
            }
        }
        if self.colour != next.colour {
            let _ = write!(message, "\x1b[#{:06x}m", next.colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(rich: &RichText) -> Vec<(&str, Vec<&Style>)> {
        rich.runs().map(|(text, styles)| (text, styles.to_vec())).collect()
    }

    #[test]
    fn codes_of_libpurple_are_read_and_written() {
        let message = "\x1b[1mbold\x1b[x1m \x1b[2mitalic\x1b[x2m \x1b[#ff0000mred\x1b[#000000m";
        let rich = read(message);
        assert_eq!(rich.text(), "bold italic red");
        assert_eq!(runs(&rich)[0], ("bold", vec![&Style::Bold]));
        assert_eq!(runs(&rich)[4], ("red", vec![&Style::Colour(0xff_0000)]));
        assert_eq!(write(&rich), message);
    }

    #[test]
    fn tags_of_official_clients_are_read() {
        let rich = read(
            "<font face=\"Arial\" size=\"10\"><FONT COLOR='#00ff00'>g</font><b>b</B>\r\n\x1b[38mr<fade #1,#2>x",
        );
        assert_eq!(rich.text(), "gb\nrx");
        assert_eq!(runs(&rich)[0], ("g", vec![&Style::Colour(0x00_ff00)]));
        assert_eq!(runs(&rich)[1], ("b", vec![&Style::Bold]));
        assert_eq!(runs(&rich)[3], ("rx", vec![&Style::Colour(0xff_0000)]));
    }

    #[test]
    fn what_is_no_tag_is_text_in_both_directions() {
        let plain = "a < b & c > \"d\" <grin> <3 <";
        assert_eq!(read(plain), RichText::plain(plain));
        assert_eq!(write(&RichText::plain(plain)), plain);
        assert_eq!(write(&RichText::plain("<b>no</b> <ding>")), "< b>no< /b> < ding>");
        assert_eq!(read(&write(&RichText::plain("<b>no</b>"))).text(), "< b>no< /b>");
    }

    #[test]
    fn links_show_where_they_lead_once() {
        let link = Style::Link("http://x.org/".into());
        let mut rich = RichText::plain("see ");
        rich.push("th", &[link.clone(), Style::Bold]);
        rich.push("is", std::slice::from_ref(&link));
        rich.push(" or ", &[]);
        rich.push("x.org", &[link]);
        rich.push("!", &[]);
        let spelled = with_links_spelled(&rich);
        assert_eq!(spelled.text(), "see this (http://x.org/) or x.org!");
        assert_eq!(runs(&spelled)[1].1[1], &Style::Bold);
        assert_eq!(write(&spelled), "see \x1b[1mth\x1b[x1mis (http://x.org/) or x.org!");
    }

    #[test]
    fn text_full_of_what_begins_tags_is_read_in_time() {
        let text = "<".repeat(60_000) + ">";
        let begun = std::time::Instant::now();
        assert_eq!(read(&text).text(), text);
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }

    #[test]
    fn links_of_libpurple_are_read() {
        let rich = read("/add \x1b[lmmailto:bob@aol.xt\x1b[xlm or \x1b[lmhttp://x.org/\x1b[xlm");
        assert_eq!(rich.text(), "/add bob@aol.xt or http://x.org/");
        assert_eq!(runs(&rich)[1].1, [&Style::Link("mailto:bob@aol.xt".into())]);
        assert_eq!(write(&with_links_spelled(&rich)), "/add bob@aol.xt or http://x.org/");
        assert_eq!(read("\x1b[lmjavascript:x").spans(), []);
    }

    #[test]
    fn codes_that_break_off_lose_no_text() {
        for (message, text) in
            [("a\x1b[1", "a[1"), ("a\x1b", "a"), ("<font x", "<font x"), ("é<b", "é<b")]
        {
            assert_eq!(read(message).text(), text, "{message:?}");
        }
    }
}
