//! Formatted text as clients write it.

use crosstalk_core::{RichText, Style};

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

#[cfg(test)]
mod tests {
    use crosstalk_networks::ymsg::format::read;

    use super::*;

    #[test]
    fn what_was_written_is_shown() {
        let mut text = RichText::plain("a < b & ");
        text.push("bold", &[Style::Bold]);
        text.push(" red", &[Style::Italic, Style::Colour(0xff_0000)]);
        let shown = read(&write(&text));
        assert_eq!((shown.text(), shown.spans()), (text.text(), text.spans()));
    }
}
