//! Writing AIM's HTML and XHTML-IM.

use std::borrow::Cow;

use crosstalk_core::{RichText, Style};

use crate::common::html::is_safe;

/// The most bytes of tags in what is written, with room for the text in one packet of AIM; what
/// comes after them has no formatting.
const MAX_TAGS_AIM: usize = 8 * 1024;
const MAX_TAGS: usize = 64 * 1024;

/// `rich` as AIM clients write it: a whole document in HTML 3.2.
pub fn aim(rich: &RichText) -> String {
    let mut html = String::with_capacity(rich.text().len() + 32);
    html.push_str("<HTML><BODY>");
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
    if !text.contains(is_special) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    push_escaped(text, &mut escaped);
    escaped.into()
}

const fn is_special(c: char) -> bool {
    matches!(c, '<' | '>' | '&' | '"' | '\'') || unfit_for_xml(c)
}

fn push_escaped(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(is_special) {
        let (before, special) = rest.split_at(at);
        html.push_str(before);
        let mut special = special.chars();
        match special.next() {
            Some('<') => html.push_str("&lt;"),
            Some('>') => html.push_str("&gt;"),
            Some('&') => html.push_str("&amp;"),
            Some('"') => html.push_str("&quot;"),
            Some('\'') => html.push_str("&#39;"),
            _ => {}
        }
        rest = special.as_str();
    }
    html.push_str(rest);
}

/// Length of a character as AIM clients read it, in UTF-16 units.
pub(crate) const fn written(c: char) -> usize {
    match c {
        '<' | '>' | '\n' => 4,
        '&' | '\'' => 5,
        '"' => 6,
        c if unfit_for_xml(c) => 0,
        c => c.len_utf16(),
    }
}

const fn unfit_for_xml(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// A style and what ends it.
type Open<'a> = (&'a Style, &'static str);

fn render(
    rich: &RichText,
    html: &mut String,
    mut room: usize,
    line_break: &str,
    tags: impl Fn(&Style) -> (Cow<'static, str>, &'static str),
) {
    let mut open: Vec<Open<'_>> = Vec::new();
    for (text, styles) in rich.runs() {
        // Those that go on stay open: a stretch is one style, at one place in memory.
        let goes_on = |((open, _), style): &(&Open<'_>, &&Style)| std::ptr::eq(*open, **style);
        let kept = open.iter().zip(styles.iter()).take_while(goes_on).count();
        close(&mut open, kept, html);
        for style in styles.into_iter().skip(kept) {
            // What another gateway says was read by no reader of ours.
            if matches!(style, Style::Link(url) if !is_safe(url)) {
                continue;
            }
            let (start, end) = tags(style);
            let Some(left) = room.checked_sub(start.len() + end.len()) else { break };
            room = left;
            html.push_str(&start);
            open.push((style, end));
        }
        for (i, line) in text.split('\n').enumerate() {
            if i > 0 {
                html.push_str(line_break);
            }
            push_escaped(line, html);
        }
    }
    close(&mut open, 0, html);
}

/// Ends all but the outermost `kept`.
fn close(open: &mut Vec<Open<'_>>, kept: usize, html: &mut String) {
    html.extend(open.drain(kept..).rev().map(|(_, end)| end));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::html::read;

    #[test]
    fn xhtml_has_no_character_that_xml_forbids() {
        assert_eq!(xhtml(&RichText::plain("a\u{1}b\u{ffff}c")), "abc");
    }

    #[test]
    fn the_length_of_characters_is_that_of_what_is_written() {
        for c in "x<>&'\"\n\u{1}é\u{1f600}\u{ffff}".chars() {
            let html = aim(&RichText::plain(c));
            let text = html.replace("<HTML><BODY>", "").replace("</BODY></HTML>", "");
            assert_eq!(text.encode_utf16().count(), written(c), "{c:?}");
        }
    }

    #[test]
    fn what_goes_on_stays_open() {
        let text = read("<font color=red>a<b>b</b>c</font><i>d</i>");
        let red = "<span style='color: #ff0000'>a<strong>b</strong>c</span><em>d</em>";
        assert_eq!(xhtml(&text), red);
        assert_eq!(read(red), text);
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
        let mut text = RichText::default();
        text.push("click", &[Style::Link("javascript:alert(1)".into())]);
        assert_eq!((xhtml(&text).as_str(), aim(&text).contains("script")), ("click", false));
    }
}
