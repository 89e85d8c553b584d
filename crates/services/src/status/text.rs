//! Texts, addresses and times as sites want them, and words for what they answer.

use crosstalk_core::{Quoted, UnixMillis};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::{Outcome, Reply};
use crate::request::Trouble;
use crate::speech::{Speech, speech};

/// Stands for the end of a text that is cut.
const CUT: &str = "\u{2026}";
/// The longest host, user or handle.
const MAX_NAME: usize = 100;

/// `text` with at most `most` of what `weight` counts of a grapheme, and at most so many `bytes`;
/// a longer one is cut at a grapheme (UAX 29) and ends with an ellipsis, which counts as one.
pub(super) fn cut(text: &str, most: usize, bytes: usize, weight: fn(&str) -> usize) -> String {
    let (mut weighs, mut end) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        weighs += weight(grapheme);
        if weighs > most || at + grapheme.len() > bytes {
            return format!("{}{CUT}", text[..end].trim_end());
        }
        // The last place at which the ellipsis still fits behind it.
        if weighs < most && at + grapheme.len() + CUT.len() <= bytes {
            end = at + grapheme.len();
        }
    }
    text.to_owned()
}

/// Whether it is a host. Only on this machine it may have a port: nobody has the gateway knock at
/// those of others.
pub(super) fn is_host(host: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let (name, port) = host.split_once(':').map_or((host, None), |(n, p)| (n, Some(p)));
    (1..=MAX_NAME).contains(&host.len())
        && host.chars().all(letter)
        && name.contains(|c: char| c.is_ascii_alphanumeric())
        && !name.starts_with(['.', '-'])
        && port.is_none_or(|port| is_here(name) && port.parse::<u16>().is_ok())
}

fn is_here(name: &str) -> bool {
    let is_number = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    name == "localhost" || (name.starts_with("127.") && is_number)
}

/// The root of what is at `host`: in the clear only on this machine.
pub(super) fn root(host: &str) -> String {
    let name = host.split(':').next().unwrap_or_default();
    format!("{}://{host}", if is_here(name) { "http" } else { "https" })
}

/// The host that a person typed as an address such as `https://example.org/`.
pub(super) fn host(typed: &str) -> Option<String> {
    let typed = typed.trim_end_matches('/');
    let host = typed.split_once("://").map_or(typed, |(_, host)| host).to_lowercase();
    let is_whole = !typed.contains("://") || typed.to_lowercase() == root(&host);
    (is_host(&host) && is_whole).then_some(host)
}

/// Whether it can be a token: one printable word of ASCII that fits into a setting.
pub(super) fn is_token(token: &str) -> bool {
    (8..=150).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic())
}

/// A time as RFC 3339 has it, in UTC. The calendar of days is that of Howard Hinnant's
/// `civil_from_days`.
pub(super) fn rfc3339(at: UnixMillis) -> String {
    let (days, rest) = (at.0 / 86_400_000, at.0 % 86_400_000);
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + next;
    let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    let millis = rest % 1000;
    format!("{year:04}-{month:02}-{date:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
}

/// The body of a response as JSON; null where it is none.
pub(super) fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// Meaning of a response of `site` whose status says all that is known.
pub(super) fn by_status(site: &'static str, reply: &Reply) -> Outcome {
    match *reply {
        Err(why) => Outcome::Again(trouble(site, why)),
        Ok((status, _)) => match status {
            401 => Outcome::Refused(speech!("{} does not take the token", site)),
            403 => Outcome::Refused(speech!("{} does not let the token do this", site)),
            429 => Outcome::Again(too_often(site)),
            408 | 500.. => Outcome::Again(out_of_order(site)),
            200..300 => Outcome::Rejected(not_understood(site)),
            _ => Outcome::Rejected(speech!("{} answered with status {}", site, u64::from(status))),
        },
    }
}

/// Words for what kept a site from answering.
pub(super) fn trouble(site: &'static str, why: Trouble) -> Speech {
    match why {
        Trouble::Timeout => speech!("{} did not answer in time", site),
        Trouble::Unreachable | Trouble::Broken => speech!("{} cannot be reached", site),
        Trouble::TooLarge => speech!("{} answered more than is read", site),
        Trouble::Busy => "too much is asked of this gateway at the moment".into(),
    }
}

pub(super) fn too_often(site: &'static str) -> Speech {
    speech!("{} was asked too often", site)
}

pub(super) fn out_of_order(site: &'static str) -> Speech {
    speech!("{} is out of order at the moment", site)
}

pub(super) fn not_understood(site: &'static str) -> Speech {
    speech!("{} answered something that this gateway does not understand", site)
}

/// Whose account it is, as a site calls it.
pub(super) fn called(name: &str) -> Speech {
    speech!("{}", Quoted::name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_grapheme() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        let one = |_: &str| 1;
        assert_eq!(cut("short", 5, 99, one), "short");
        assert_eq!(cut("longer", 5, 99, one), "long\u{2026}");
        assert_eq!(cut(&family.repeat(4), 3, 999, one), format!("{}\u{2026}", family.repeat(2)));
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2, 99, one), "e\u{301}\u{2026}");
        let bytes = cut(&family.repeat(300), 300, 3000, one);
        assert!(bytes.len() <= 3000 && bytes.len() > 2900, "{}", bytes.len());
        assert!(bytes.trim_end_matches('\u{2026}').len().is_multiple_of(family.len()));
        assert_eq!(cut("ab  cd", 5, 99, one), "ab\u{2026}");
    }

    #[test]
    fn hosts_are_names_and_nothing_is_asked_in_the_clear_but_here() {
        for (typed, expected) in [
            ("https://a.test", Some("a.test")),
            ("https://A.Test/", Some("a.test")),
            ("a.test", Some("a.test")),
            ("http://127.0.0.1:80", Some("127.0.0.1:80")),
            ("http://a.test", None),
            ("ftp://a.test", None),
            ("https://a.test/path", None),
            ("https://user@a.test", None),
            ("https://a.test?x", None),
            ("https://a.test#", None),
            ("https://a.test:8443", None),
            ("http://localhost:99999", None),
            ("https://", None),
            ("https://127.0.0.1", None),
        ] {
            assert_eq!(host(typed).as_deref(), expected, "{typed}");
        }
        assert_eq!(root("127.evil.test"), "https://127.evil.test");
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (at, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(UnixMillis(at)), expected);
        }
    }
}
