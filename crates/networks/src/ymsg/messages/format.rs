//! Formatted messages: escape codes such as `ESC[1m`, and tags such as `<font color="#ff0000">`.
//!
//! Neither nests: each changes how what follows looks. Clients themselves write only tags with
//! attributes, of fonts and fading colours, and their ends. Any other tag that one is sent was typed
//! by somebody, and is text here, although clients that get it act on some.

use std::fmt;

use crosstalk_core::{RichText, Style, Styles};

pub use super::format_write::{with_links_spelled, write};

/// The most `<font>` tags that are open at once; deeper ones do not format.
const MAX_DEPTH: usize = 64;
/// The longest tag, in bytes: `<fade>` lists colours.
const MAX_TAG: usize = 1024;
/// The longest escape code behind its `ESC[`, in bytes: `#rrggbbm` is the longest that is known.
const MAX_CODE: usize = 16;
/// The longest name of a tag, in bytes.
const MAX_NAME: usize = 6;
/// Tags that clients act on. `ding` stands alone and is a buzz.
const TAGS: [&str; 18] = [
    "b", "i", "u", "font", "fade", "alt", "snd", "ding", "black", "blue", "cyan", "gray", "green",
    "pink", "purple", "orange", "red", "yellow",
];
/// Of these, the ones that clients write.
const WRITTEN: [&str; 3] = ["font", "fade", "alt"];
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
    let lines = message.contains('\r');
    let lines = lines.then(|| message.replace("\r\n", "\n").replace('\r', "\n"));
    let mut reader = Reader::default();
    let mut rest = lines.as_deref().unwrap_or(message);
    while let Some(at) = rest.find(['\x1b', '<']) {
        let (text, after) = rest.split_at(at);
        reader.text(text);
        let known = match after.strip_prefix("\x1b[") {
            Some(code) => code_of(code).map(|(code, rest)| (reader.code(code), rest)),
            None => tag(after).filter(|(tag, _)| reader.wrote(tag)).map(|(tag, rest)| {
                reader.tag(tag);
                ((), rest)
            }),
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

/// Text between `ESC[` and `m`, and what follows.
fn code_of(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().take(MAX_CODE).position(|b| b == b'm')?;
    let code = text.get(..end)?;
    let is_code = code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'#');
    is_code.then_some((code, text.get(end + 1..)?))
}

/// Text between the brackets of a known tag, and what follows it.
pub(in crate::ymsg) fn tag(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('<')?;
    // Cheaper than looking for its end, which may not be there.
    if !TAGS.iter().any(|known| known.eq_ignore_ascii_case(name(text))) {
        return None;
    }
    let end = memchr::memchr(b'>', text.as_bytes().get(..MAX_TAG).unwrap_or(text.as_bytes()))?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// The name of a tag, without the slash of one that ends something.
fn name(tag: &str) -> &str {
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    let is_end = |b: u8| matches!(b, b' ' | b'/' | b'\n' | b'>');
    let end = tag.bytes().take(MAX_NAME + 1).position(is_end);
    end.map_or(tag, |end| tag.get(..end).unwrap_or_default())
}

/// A message as far as it is read.
#[derive(Default)]
struct Reader {
    rich: RichText,
    /// Look of what follows.
    look: Look,
    /// Whether what follows is the target of a link.
    link: bool,
    /// The colours before each tag that is open.
    before: Vec<u32>,
    /// Number of open tags of each kind that clients write.
    open: [usize; WRITTEN.len()],
}

impl Reader {
    fn text(&mut self, text: &str) {
        let link = SCHEMES.iter().any(|scheme| self.link && text.starts_with(scheme));
        let leads = link.then(|| Style::Link(text.to_owned()));
        // Clients write every mail address as a link.
        let text = if link { text.strip_prefix(MAIL).unwrap_or(text) } else { text };
        self.look.push(text, leads.as_ref(), &mut self.rich);
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

    /// Whether a tag looks as clients write them: one that begins something has attributes, and one
    /// that ends something ends what was begun.
    fn wrote(&mut self, tag: &str) -> bool {
        let name = name(tag);
        let Some(at) = WRITTEN.iter().position(|known| known.eq_ignore_ascii_case(name)) else {
            return false;
        };
        if tag.starts_with('/') {
            let open = self.open[at].checked_sub(1).filter(|_| tag.len() == name.len() + 1);
            self.open[at] = open.unwrap_or(self.open[at]);
            return open.is_some();
        }
        let rest = tag.get(name.len()..).unwrap_or_default();
        let begins = if at == 0 { has_attributes(rest) } else { has_colours(rest) };
        self.open[at] += usize::from(begins);
        begins
    }

    fn tag(&mut self, tag: &str) {
        if !name(tag).eq_ignore_ascii_case("font") {
            return;
        }
        if tag.starts_with('/') {
            self.look.colour = self.before.pop().unwrap_or_default();
        } else if self.before.len() < MAX_DEPTH {
            self.before.push(self.look.colour);
            let colour = attribute(tag, "color").and_then(rgb);
            self.look.colour = colour.unwrap_or(self.look.colour);
        }
    }
}

/// Whether this is `name=value` or several of that, with the value in quotes or without.
fn has_attributes(text: &str) -> bool {
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let named = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        let Some(value) = named.strip_prefix('=').filter(|_| named.len() < rest.len()) else {
            return false;
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        rest = match quote.map(|quote| value.get(1..).and_then(|v| v.split_once(quote))) {
            Some(Some((_, after))) => after,
            Some(None) => return false,
            None => value.find(' ').and_then(|at| value.get(at..)).unwrap_or_default(),
        }
        .trim_start();
    }
    !text.trim().is_empty()
}

/// Whether this is `#rrggbb` or several of that.
fn has_colours(text: &str) -> bool {
    let digits = |b: u8| b.is_ascii_hexdigit() || matches!(b, b'#' | b',' | b' ');
    text.contains('#') && text.bytes().all(digits)
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

/// The styles that codes can show. Colour 0, black, is what text has without any.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::ymsg) struct Look {
    bold: bool,
    italic: bool,
    underline: bool,
    colour: u32,
}

impl Look {
    pub(in crate::ymsg) fn of(styles: &Styles<'_>) -> Self {
        let mut look = Self::default();
        for style in styles.iter() {
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

    fn push(self, text: &str, link: Option<&Style>, rich: &mut RichText) {
        let colour = (self.colour != 0).then_some(Style::Colour(self.colour));
        let styles = [
            self.bold.then_some(&Style::Bold),
            self.italic.then_some(&Style::Italic),
            self.underline.then_some(&Style::Underline),
            colour.as_ref(),
            link,
        ];
        rich.push(text, styles.into_iter().flatten());
    }

    /// Writes the codes that make of this look the next. Nowhere is too full for them.
    pub(in crate::ymsg) fn turn_into(self, next: Self, message: &mut impl fmt::Write) {
        for (was, is, on, off) in [
            (self.bold, next.bold, "\x1b[1m", "\x1b[x1m"),
            (self.italic, next.italic, "\x1b[2m", "\x1b[x2m"),
            (self.underline, next.underline, "\x1b[4m", "\x1b[x4m"),
        ] {
            if was != is {
                let _ = message.write_str(if is { on } else { off });
            }
        }
        if self.colour != next.colour {
            let _ = write!(message, "\x1b[#{:06x}m", next.colour);
        }
    }

    /// Length of those codes, in bytes and characters: all are ASCII.
    pub(in crate::ymsg) fn turning(self, next: Self) -> usize {
        let mut length = Length(0);
        self.turn_into(next, &mut length);
        length.0
    }
}

/// Counts what is written.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
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
            "<font face=\"Arial\" size=\"10\"><FONT COLOR='#00ff00'>g</font>b\r\n\x1b[38mr<fade #1,#2>x</fade>",
        );
        assert_eq!(rich.text(), "gb\nrx");
        assert_eq!(runs(&rich)[0], ("g", vec![&Style::Colour(0x00_ff00)]));
        assert_eq!(runs(&rich)[1], ("b\n", vec![]));
        assert_eq!(runs(&rich)[2], ("rx", vec![&Style::Colour(0xff_0000)]));
    }

    #[test]
    fn what_is_no_tag_is_text_in_both_directions() {
        let plain = "a < b & c > \"d\" <grin> <3 <";
        assert_eq!(read(plain), RichText::plain(plain));
        assert_eq!(write(&RichText::plain(plain)), plain);
        for typed in [
            "<b>1 &lt; 2</b> & so on",
            "if a <b and c> d",
            "</font> <font> <font of tears> <fade away> </alt> <font color=red",
            "<red>x</red> hey <ding> <u>",
        ] {
            assert_eq!(read(typed), RichText::plain(typed));
            assert_eq!(read(&write(&RichText::plain(typed))), RichText::plain(typed));
        }
        let font = "<font size=\"3\">typed</font>";
        assert_eq!(read(&write(&RichText::plain(font))).text(), font);
    }

    /// As libpurple finds tags: up to the next `>`, by the name in front of a blank or slash.
    #[test]
    fn clients_that_get_text_that_looks_like_a_tag_find_none() {
        for known in TAGS {
            for typed in
                [format!("<{known}>"), format!("a </{known}> b"), format!("<{known} x='1'>")]
            {
                let written = write(&RichText::plain(&typed));
                let tags = written.match_indices('<').map(|(at, _)| &written[at + 1..]);
                let names =
                    tags.map(|rest| rest.trim_start_matches('/').split(['>', ' ', '/']).next());
                for name in names {
                    let name = name.unwrap_or_default();
                    assert!(!TAGS.contains(&name) && name.starts_with('\x1b'), "{written:?}");
                }
            }
        }
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
        for begins in ["<", "<b", "\x1b[", "<font "] {
            let text = begins.repeat(60_000 / begins.len());
            let begun = std::time::Instant::now();
            assert_eq!(read(&text).text(), text.replace('\x1b', ""));
            assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
        }
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
        for (message, text) in [
            ("a\x1b[1", "a[1"),
            ("a\x1b", "a"),
            ("\x1b[I am no code, am I?", "[I am no code, am I?"),
            ("<font x", "<font x"),
            ("é<b", "é<b"),
        ] {
            assert_eq!(read(message).text(), text, "{message:?}");
        }
    }
}
