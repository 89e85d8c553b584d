//! Formatted text as clients write it and show it.

use crosstalk_core::{RichText, Style};
use crosstalk_networks::ymsg::messages::format;

/// Tags that clients act on although none writes them, as in libpurple.
const ACTED_ON: [&str; 13] = [
    "b", "i", "u", "black", "blue", "cyan", "gray", "green", "pink", "purple", "orange", "red",
    "yellow",
];

/// Text that a client shows for a message: it finds a tag by the characters between `<` and `>`, up
/// to a blank or slash, until it meets the first that is none.
pub(super) fn read(message: &str) -> RichText {
    let (mut shown, mut rest) = (String::new(), message);
    while let Some((before, after)) = rest.split_once('<') {
        let tag = after.split_once('>').map(|(tag, behind)| (tag.to_lowercase(), behind));
        let name =
            |tag: &str| tag.trim_start_matches('/').split([' ', '/']).next().map(str::to_owned);
        let Some((tag, behind)) = tag else { break };
        let Some(name) = name(&tag) else { break };
        if ACTED_ON.contains(&name.as_str()) {
            shown.push_str(before);
        } else if name == "font" {
            shown.extend([before, "<", &tag, ">"]);
        } else {
            break;
        }
        rest = behind;
    }
    shown.push_str(rest);
    format::read(&shown)
}

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
    use super::*;

    #[test]
    fn a_client_acts_on_tags_until_the_first_that_is_none() {
        assert_eq!(read("a <b>b</b> <RED>c").text(), "a b c");
        assert_eq!(read("<3 <b>b</b> < c").text(), "<3 <b>b</b> < c");
        assert_eq!(read(&format::write(&RichText::plain("<b>1</b>"))).text(), "<b>1</b>");
    }

    #[test]
    fn what_was_written_is_shown() {
        let mut text = RichText::plain("a < b & ");
        text.push("bold", &[Style::Bold]);
        text.push(" red", &[Style::Italic, Style::Colour(0xff_0000)]);
        let shown = read(&write(&text));
        assert_eq!((shown.text(), shown.spans()), (text.text(), text.spans()));
    }
}
