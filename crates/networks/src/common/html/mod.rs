//! AIM's HTML and XHTML-IM (XEP-0071) fragments to [`RichText`](crosstalk_core::RichText) and
//! back.
//!
//! Formatting that has no counterpart is dropped, text never: what looks like a tag but is none
//! that messages use (`<grin>`) is taken for text.

mod look;
mod read;
mod write;

use crosstalk_core::MAX_LINK;

pub use self::read::read;
pub(crate) use self::write::written;
pub use self::write::{aim, escape, xhtml};

/// Links that are safe to offer to a reader.
const SCHEMES: [&str; 9] =
    ["http:", "https:", "ftp:", "mailto:", "xmpp:", "aim:", "sip:", "irc:", "tel:"];

/// Whether a link may be offered to a reader.
pub(crate) fn is_safe(url: &str) -> bool {
    let scheme = url.split_inclusive(':').next().unwrap_or_default();
    let known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    known && url.len() <= MAX_LINK && !url.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{RichText, Style};

    fn rich(parts: &[(&str, &[Style])]) -> RichText {
        let mut rich = RichText::default();
        for (text, styles) in parts {
            rich.push(text, *styles);
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
}
