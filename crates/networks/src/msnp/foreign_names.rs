//! Foreign names as clients are shown them, and where nobody looks for one: the last look at what a
//! server is to have.
//!
//! What is about foreign people is taken out of the commands that are known to name people. A name
//! can stand in other places, in words of other kinds, or in commands that nobody here knows.

use crosstalk_core::{Address, Contact, NameClass, Names};

use crate::common;
use crate::msnp::context::Cx;
use crate::msnp::wire::{Command, decode};

/// Characters that separate names from what surrounds them in a word or a payload.
const AROUND: [char; 15] =
    [';', ':', '=', ',', '"', '\'', '<', '>', '&', '?', '/', '(', ')', '[', ']'];

/// Whether a command names somebody foreign, or who cannot be, where it would be for the server to
/// find them. What people write is theirs: nicks, names of groups, messages.
pub(super) fn is_named_in(command: &Command, cx: &Cx<'_>) -> bool {
    let text = match command.verb() {
        "REG" | "REA" => 3..4,
        "ADD" | "SBP" => 4..5,
        "ADG" => 2..3,
        "CHG" => 4..usize::MAX,
        "PRP" => 3..usize::MAX,
        "SDC" => 8..9,
        _ => 0..0,
    };
    let mut words = command.words().enumerate().skip(2);
    let in_words = words.any(|(at, word)| {
        let is_nick = command.verb() == "ADC" && word.starts_with("F=");
        let is_text = is_nick || text.contains(&at);
        !is_text && is_foreign(word, cx)
    });
    in_words || is_foreign(&String::from_utf8_lossy(routing(command)), cx)
}

/// Whether a foreign name stands in a text.
pub(super) fn is_foreign(text: &str, cx: &Cx<'_>) -> bool {
    let mut tokens =
        text.split(|c: char| c.is_whitespace() || c.is_control() || AROUND.contains(&c));
    tokens.any(|token| {
        let is_name = token.contains('@') && cx.classify(token) != NameClass::Own;
        is_name || token.contains("%40") && cx.classify(&decode(token)) != NameClass::Own
    })
}

/// The part of a payload that says for whom it is: all of it or, where a message follows, the heads
/// before.
fn routing(command: &Command) -> &[u8] {
    let payload = command.payload();
    match command.verb() {
        "UUN" | "VAS" => payload,
        // For whom, how reliably, and what: each with a head of its own.
        "PUT" | "SDG" => {
            let mut ends = memchr::memmem::find_iter(payload, b"\r\n\r\n");
            ends.nth(2).and_then(|end| payload.get(..end)).unwrap_or(payload)
        }
        _ => &[],
    }
}

/// Spelling of `address` for MSN clients: the owner's where they accept it, which they do only with
/// a dot behind the `@`. `None` where they accept no spelling.
pub(super) fn spelling(
    contact: Option<&Contact>,
    address: &Address,
    names: &Names,
) -> Option<String> {
    common::spelling(contact, address, names, |name| {
        let domain = name.split_once('@').map(|(_, domain)| domain).unwrap_or_default();
        let plain = name.bytes().all(|b| b.is_ascii_graphic() && !b"\\/?=,;".contains(&b));
        plain && domain.contains('.') && !domain.contains('@')
    })
}

/// A name without the endpoint that MSNP16 and later put behind it.
pub(super) fn passport(name: &str) -> &str {
    name.split(';').next().unwrap_or_default()
}
