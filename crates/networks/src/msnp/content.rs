//! Content of MSG: a MIME head and a body.

use std::borrow::Cow;

use crosstalk_core::{Body, MAX_TEXT, RichText, Style, Typing, UnixMillis};

use crate::common::split_text;
use crate::common::time::timestamp;
use crate::msnp::wire::decode;

/// The longest text in one MSG to a client, in bytes. Clients keep what they send short, and read
/// what is longer.
const MAX_PIECE: usize = 16_000;
/// The longest head of a message, in bytes.
pub(super) const MAX_HEAD: usize = 8 * 1024;
/// The most that is read of a body, in bytes: a text of full length in lines of one character.
const MAX_BODY: usize = 2 * MAX_TEXT;

/// Words for a text that cannot be sent in one piece.
const TOO_LONG: &str = "a text of this length";

/// Kind of content that clients send each other in MSG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// `text/plain`; and actions, which are text in `text/x-msnmsgr-datacast`.
    Text(RichText),
    /// `text/x-msmsgscontrol`: typing.
    Typing,
    /// `text/x-msnmsgr-datacast` with `ID: 1`.
    Nudge,
    /// A frame of what a client offers another one, such as a file, and of what comes of it.
    Frame,
    /// The same in the words of MSNP8 and before.
    Invitation,
    /// Content that can be shown to nobody on another network, with its name.
    Unshown(&'static str),
    /// Content of unknown type.
    Unknown,
    /// Content that clients send each other and nobody sees: capabilities, and the pictures that
    /// stand for words, which state the words typed for them.
    Technical,
}

impl Content {
    /// Reads a payload.
    pub fn read(payload: &[u8]) -> Self {
        let (head, body) = parts(payload);
        let body = || String::from_utf8_lossy(body.get(..MAX_BODY).unwrap_or(body));
        let kind = field(&head, "content-type").unwrap_or_default().to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match kind {
            // The kind that MIME takes for granted.
            "text/plain" | "" if !head.is_empty() => Self::text(&body(), &head),
            "text/x-msmsgscontrol" if field(&head, "typinguser").is_some() => Self::Typing,
            "text/x-msnmsgr-datacast" => Self::cast(&body()),
            "application/x-msnmsgrp2p" => Self::Frame,
            "text/x-msmsgsinvite" => Self::Invitation,
            "image/gif" | "application/x-ms-ink" => Self::Unshown("a drawing"),
            "text/x-msmsgscontrol"
            | "text/x-mms-emoticon"
            | "text/x-mms-animemoticon"
            | "text/x-clientcaps"
            | "text/x-clientinfo"
            | "text/x-keepalive" => Self::Technical,
            _ => Self::Unknown,
        }
    }

    fn text(body: &str, head: &str) -> Self {
        let text = body.replace("\r\n", "\n");
        if text.len() > MAX_TEXT {
            Self::Unshown(TOO_LONG)
        } else {
            Self::Text(styled(&text, head))
        }
    }

    /// `ID: n` and, of some, `Data: what`.
    fn cast(body: &str) -> Self {
        match field(body, "id") {
            Some("1") => Self::Nudge,
            Some("2") => Self::Unshown("a wink"),
            Some("3") => Self::Unshown("a voice clip"),
            Some("4") => {
                let mut text = RichText::plain("");
                text.push(field(body, "data").unwrap_or_default(), &[Style::Italic]);
                Self::Text(text)
            }
            _ => Self::Unknown,
        }
    }

    /// Body that it becomes on another network, if any.
    pub(super) fn body(self) -> Option<Body> {
        match self {
            Self::Text(text) => Some(Body::Text { text, auto: false }),
            Self::Typing => Some(Body::Typing(Typing::Active)),
            Self::Nudge => Some(Body::Attention),
            _ => None,
        }
    }
}

/// Head and body of a payload. One whose head is longer than any has nothing that is read.
pub(super) fn parts(payload: &[u8]) -> (Cow<'_, str>, &[u8]) {
    let front = payload.get(..MAX_HEAD).unwrap_or(payload);
    let end = memchr::memmem::find(front, b"\r\n\r\n");
    let (head, body) = match end {
        Some(end) => (&payload[..end], &payload[end + 4..]),
        None if front.len() == payload.len() => (payload, &[][..]),
        None => Default::default(),
    };
    (String::from_utf8_lossy(head), body)
}

/// The value of a field in a head, its name in lower case.
pub(super) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The text in the style of its `X-MMS-IM-Format`, which holds for all of it.
fn styled(body: &str, head: &str) -> RichText {
    let mut text = RichText::plain(body);
    let format = field(head, "x-mms-im-format").unwrap_or_default();
    let value = |key: &str| {
        let mut pairs = format.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(k, _)| *k == key).map(|(_, v)| decode(v))
    };
    let whole = 0..text.text().len();
    for effect in value("EF").unwrap_or_default().chars() {
        let style = match effect {
            'B' => Style::Bold,
            'I' => Style::Italic,
            'U' => Style::Underline,
            'S' => Style::Strike,
            _ => continue,
        };
        text.style(whole.clone(), style);
    }
    let colour = value("CO").and_then(|v| u32::from_str_radix(&v, 16).ok());
    if let Some(colour) = colour.filter(|c| (1..=0xff_ffff).contains(c)) {
        text.style(whole, Style::Colour(swapped(colour)));
    }
    text
}

/// Red and blue exchanged: MSN writes colours from blue to red.
const fn swapped(colour: u32) -> u32 {
    (colour & 0xff) << 16 | (colour & 0xff00) | (colour >> 16 & 0xff)
}

/// The payloads that show `text`: as many as it needs.
pub fn texts(text: &RichText) -> Vec<String> {
    payloads(text, String::new())
}

/// The same for one that waited somewhere. MSG has no field for when it was said, so words
/// before it tell.
pub fn late_texts(text: &RichText, sent_at: UnixMillis) -> Vec<String> {
    let said = timestamp(sent_at).replace('T', " ").replace('Z', " UTC");
    payloads(text, format!("[{said}] "))
}

/// The payloads of `text`, with something before it in the same style.
fn payloads(text: &RichText, before: String) -> Vec<String> {
    let head = head(text);
    let whole = before + text.text();
    let mut rest = whole.as_str();
    let mut payloads = Vec::new();
    loop {
        let piece = split_text::front(rest, MAX_PIECE, usize::MAX);
        rest = &rest[piece.len()..];
        payloads.push(format!("{head}{}", piece.replace('\n', "\r\n")));
        if rest.is_empty() {
            return payloads;
        }
    }
}

/// The head of a text, with the styles that hold for all of it.
fn head(text: &RichText) -> String {
    let whole = text.spans().iter().filter(|s| s.start == 0 && s.end as usize == text.text().len());
    let (mut effects, mut colour) = (String::new(), 0);
    for span in whole {
        match span.style {
            Style::Bold => effects.push('B'),
            Style::Italic => effects.push('I'),
            Style::Underline => effects.push('U'),
            Style::Strike => effects.push('S'),
            Style::Colour(c) => colour = swapped(c & 0xff_ffff),
            Style::Link(_) => {}
        }
    }
    format!(
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\
         X-MMS-IM-Format: FN=MS%20Shell%20Dlg; EF={effects}; CO={colour:x}; CS=0; PF=0\r\n\r\n"
    )
}

/// The payload that shows `who` typing.
pub fn typing(who: &str) -> String {
    format!(
        "MIME-Version: 1.0\r\nContent-Type: text/x-msmsgscontrol\r\nTypingUser: {who}\r\n\r\n\r\n"
    )
}

/// The payload of a nudge.
pub fn nudge() -> String {
    "MIME-Version: 1.0\r\nContent-Type: text/x-msnmsgr-datacast\r\n\r\nID: 1\r\n\r\n".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_writing_and_reading() {
        let mut text = RichText::plain("");
        text.push("Привет\n<b>", &[Style::Bold, Style::Colour(0xff_0000)]);
        let payload = &texts(&text)[0];
        assert!(payload.contains("EF=B; CO=ff;") && payload.contains("\r\n\r\nПривет\r\n"));
        assert_eq!(Content::read(payload.as_bytes()), Content::Text(text));
        assert_eq!(Content::read(typing("a@b.c").as_bytes()), Content::Typing);
        assert_eq!(Content::read(nudge().as_bytes()), Content::Nudge);
        assert_eq!(Content::read(b"Content-Type: text/x-clientcaps\r\n\r\n"), Content::Technical);
    }

    #[test]
    fn a_late_text_keeps_its_style_behind_its_time() {
        let mut text = RichText::plain("");
        text.push("fat", &[Style::Bold]);
        let payload = &late_texts(&text, UnixMillis(1_700_000_000_000))[0];
        assert!(payload.contains("EF=B;"), "{payload}");
        assert!(payload.ends_with("\r\n\r\n[2023-11-14 22:13:20 UTC] fat"), "{payload}");
    }

    #[test]
    fn what_is_longer_than_any_message_or_has_no_end_of_its_head_is_not_cut() {
        let head = "Content-Type: text/plain\r\nX-MMS-IM-Format: EF=BBBIB; CO=ff\r\n";
        let text = |length| Content::read(format!("{head}\r\n{}", "x".repeat(length)).as_bytes());
        let Content::Text(longest) = text(MAX_TEXT) else { panic!("no text") };
        assert_eq!((longest.text().len(), longest.spans().len()), (MAX_TEXT, 3));
        for length in [MAX_TEXT + 1, 2 * MAX_TEXT, 1 << 20] {
            assert_eq!(text(length), Content::Unshown(TOO_LONG));
        }
        let endless = format!("{head}{}\r\n\r\ntext", "X: y\r\n".repeat(MAX_HEAD));
        assert_eq!(Content::read(endless.as_bytes()), Content::Unknown);
        let invalid =
            [b"Content-Type: text/plain\r\n\r\n".as_slice(), &vec![0xff; 90_000]].concat();
        assert_eq!(Content::read(&invalid), Content::Unshown(TOO_LONG));
    }

    #[test]
    fn texts_have_no_control_characters_in_either_direction() {
        let payload = &texts(&"a\0b\u{1b}\tc\nd\u{85}".into())[0];
        assert!(payload.ends_with("\r\n\r\nab\tc\r\nd"), "{payload:?}");
        let text = Content::read(b"Content-Type: text/plain\r\n\r\na\rb\r\nc\nd");
        assert_eq!(text, Content::Text("a\nb\nc\nd".into()));
    }

    #[test]
    fn every_kind_is_one_thing() {
        let read = |head: &str, body: &str| {
            Content::read(format!("MIME-Version: 1.0\r\n{head}\r\n\r\n{body}").as_bytes())
        };
        let cast = |body: &str| read("Content-Type: text/x-msnmsgr-datacast", body);
        let mut action = RichText::plain("");
        action.push("waves", &[Style::Italic]);
        assert_eq!(cast("ID: 4\r\nData: waves\r\n\r\n"), Content::Text(action));
        assert_eq!(cast("ID: 2\r\nData: <msnobj/>\r\n\r\n"), Content::Unshown("a wink"));
        assert_eq!(cast("ID: 3\r\nData: <msnobj/>\r\n\r\n"), Content::Unshown("a voice clip"));
        assert_eq!(cast("ID: 99\r\n\r\n"), Content::Unknown);
        assert_eq!(read("X-Y: z", "hello"), Content::Text("hello".into()));
        for (kind, content) in [
            ("image/gif", Content::Unshown("a drawing")),
            ("application/x-ms-ink", Content::Unshown("a drawing")),
            ("application/x-msnmsgrp2p", Content::Frame),
            ("text/x-msmsgsinvite; charset=UTF-8", Content::Invitation),
            ("text/x-mms-emoticon", Content::Technical),
            ("TEXT/X-MMS-ANIMEMOTICON", Content::Technical),
            ("text/x-clientinfo", Content::Technical),
            ("text/x-msmsgscontrol", Content::Technical),
            ("application/x-something-new", Content::Unknown),
        ] {
            assert_eq!(read(&format!("Content-Type: {kind}"), "x"), content, "{kind}");
        }
    }

    #[test]
    fn long_texts_come_in_pieces_that_add_up() {
        let long = "щ ж ё 789 ".repeat(4_000);
        let pieces = texts(&long.as_str().into());
        assert!(pieces.len() > 3 && pieces.iter().all(|p| p.len() < 16_400));
        let read = pieces.iter().map(|p| match Content::read(p.as_bytes()) {
            Content::Text(text) => text.text().to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(read.collect::<String>(), long);
    }
}
