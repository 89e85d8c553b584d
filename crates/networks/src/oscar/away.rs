//! Placeholders in away texts and automatic answers (`%n`, `%d`, `%t`).

use std::borrow::Cow;

use crosstalk_core::UnixMillis;

use crate::common::time::timestamp;

/// `html` with its places filled in as AIM clients do who show it: `%n` with the reader's name, `%d`
/// with the date and `%t` with the time, here of Greenwich. Those in tags are parts of addresses, and
/// those that a letter or a digit follows are parts of words.
pub(super) fn filled<'a>(html: &'a str, reader: &str, now: UnixMillis) -> Cow<'a, str> {
    if !html.contains('%') {
        return html.into();
    }
    let now = timestamp(now);
    let (date, time) = now.split_once('T').unwrap_or_default();
    let time = time.get(..5).unwrap_or_default();
    let (mut filled, mut in_tag, mut rest) = (String::with_capacity(html.len()), false, html);
    while let Some(at) = rest.find(['<', '>', '%']) {
        filled.push_str(&rest[..at]);
        let place = Some(&rest[at..]).filter(|_| !in_tag).and_then(place);
        match place {
            Some('n') => filled.push_str(reader),
            Some('d') => filled.push_str(date),
            Some(_) => filled.extend([time, " UTC"]),
            None => filled.push_str(&rest[at..=at]),
        }
        in_tag = match rest.as_bytes().get(at) {
            Some(b'<') => true,
            Some(b'>') => false,
            _ => in_tag,
        };
        rest = &rest[at + if place.is_some() { 2 } else { 1 }..];
    }
    filled.push_str(rest);
    filled.into()
}

/// Letter of the placeholder that `text` begins with.
fn place(text: &str) -> Option<char> {
    let mut chars = text.strip_prefix('%')?.chars();
    let place = chars.next().filter(|c| matches!(c, 'n' | 'd' | 't'));
    let is_word = chars.next().is_some_and(char::is_alphanumeric);
    place.filter(|_| !is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_what_only_looks_like_one_stays() {
        let now = UnixMillis(1_800_000_000_000);
        for (html, shown) in [
            ("Hi %n, it is %t on %d.", "Hi Bob, it is 08:00 UTC on 2027-01-15."),
            ("%n", "Bob"),
            ("100%", "100%"),
            ("100%now, 5% down, %N %x %%n", "100%now, 5% down, %N %x %Bob"),
            ("<A HREF=\"http://x/%d0%b0?%n\">%n</A>", "<A HREF=\"http://x/%d0%b0?%n\">Bob</A>"),
            ("http://x/%d0%b0%n\u{e9}", "http://x/%d0%b0%n\u{e9}"),
        ] {
            assert_eq!(filled(html, "Bob", now), shown);
        }
    }
}
