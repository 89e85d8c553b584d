//! Formatted text: escape codes and tags, as clients write and show them.

use crosstalk_core::{RichText, Style};

/// The tags that a client does not show; those that change how text looks are handled.
const TAGS: [&str; 9] = ["b", "i", "u", "font", "fade", "alt", "snd", "s", "a"];
/// The codes 30 to 39.
const COLOURS: [u32; 10] = [
    0x00_0000, 0x00_00ff, 0x00_8080, 0x80_8080, 0x00_8000, 0xff_0080, 0x80_0080, 0xff_8000,
    0xff_0000, 0x80_8000,
];

/// `text` as a client sends it. There is no way to write a tag so that it is shown.
pub(super) fn write(text: &RichText) -> String {
    let mut written = String::new();
    for (run, styles) in text.runs() {
        let codes: Vec<_> = styles.into_iter().filter_map(codes).collect();
        written.extend(codes.iter().map(|(on, _)| on.as_str()));
        written.push_str(run);
        written.extend(codes.iter().rev().map(|(_, off)| *off));
    }
    written
}

fn codes(style: &Style) -> Option<(String, &'static str)> {
    Some(match style {
        Style::Bold => ("\x1b[1m".into(), "\x1b[x1m"),
        Style::Italic => ("\x1b[2m".into(), "\x1b[x2m"),
        Style::Underline => ("\x1b[4m".into(), "\x1b[x4m"),
        Style::Colour(rgb) => (format!("\x1b[#{rgb:06x}m"), "\x1b[#000000m"),
        Style::Strike | Style::Link(_) => return None,
    })
}

/// What a client shows of `text`.
pub(super) fn read(text: &str) -> RichText {
    let mut shown = RichText::default();
    let mut styles: Vec<Style> = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if let Some((code, after)) = code(rest) {
            apply(&mut styles, code);
            rest = after;
        } else if let Some((tag, after)) = tag(rest) {
            apply_tag(&mut styles, tag);
            rest = after;
        } else {
            let (this, after) = rest.split_at(next.len_utf8());
            shown.push(this, &styles);
            rest = after;
        }
    }
    shown
}

/// What stands in the escape code at the front.
fn code(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("\x1b[")?.split_once('m').filter(|(code, _)| code.len() <= 7)
}

/// What stands in the tag at the front, if a client knows it.
fn tag(text: &str) -> Option<(&str, &str)> {
    let (tag, after) = text.strip_prefix('<')?.split_once('>')?;
    let name = tag.trim_start_matches('/').split(' ').next()?.to_ascii_lowercase();
    TAGS.contains(&name.as_str()).then_some((tag, after))
}

fn apply(styles: &mut Vec<Style>, code: &str) {
    let (off, number) = code.strip_prefix('x').map_or((false, code), |number| (true, number));
    let style = match number {
        "1" => Style::Bold,
        "2" => Style::Italic,
        "4" => Style::Underline,
        _ => {
            let listed = code.strip_prefix('3').and_then(|c| COLOURS.get(c.parse::<usize>().ok()?));
            let rgb = code.strip_prefix('#').and_then(|rgb| u32::from_str_radix(rgb, 16).ok());
            let Some(rgb) = rgb.or(listed.copied()) else { return };
            styles.retain(|s| !matches!(s, Style::Colour(_)));
            styles.extend((rgb != 0).then_some(Style::Colour(rgb)));
            return;
        }
    };
    turn(styles, style, !off);
}

fn apply_tag(styles: &mut Vec<Style>, tag: &str) {
    let name = tag.trim_start_matches('/');
    let style = match name.to_ascii_lowercase().as_str() {
        "b" => Style::Bold,
        "i" => Style::Italic,
        "u" => Style::Underline,
        _ => return,
    };
    turn(styles, style, name == tag);
}

fn turn(styles: &mut Vec<Style>, style: Style, on: bool) {
    styles.retain(|s| *s != style);
    if on {
        styles.push(style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_shown() {
        let mut text = RichText::plain("a < b & ");
        text.push("bold", &[Style::Bold]);
        text.push(" red", &[Style::Colour(0xff_0000), Style::Italic]);
        let shown = read(&write(&text));
        assert_eq!((shown.text(), shown.spans()), (text.text(), text.spans()));
    }

    #[test]
    fn tags_that_clients_know_are_not_shown() {
        for (text, shown) in [
            ("<font face=\"Arial\" size=\"10\">hello</font>", "hello"),
            ("<b>bold</b> <grin> 1 < 2", "bold <grin> 1 < 2"),
            ("\x1b[38mred\x1b[#000000m", "red"),
        ] {
            assert_eq!(read(text).text(), shown);
        }
    }
}
