//! The pieces of an XML stream: headers and elements of the top level, found without reading more
//! of them than has to be.

/// A piece of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A stream header.
    Open(String),
    /// A stanza or another child of the stream.
    Element(String),
    /// The end of the stream.
    Close,
}

/// Takes the next piece off the front of `text`, if it is whole.
pub(crate) fn next(text: &mut Vec<u8>) -> Option<Piece> {
    let begin = text.iter().position(|b| *b == b'<')?;
    if text[begin..].starts_with(b"<?") {
        let end = memchr::memmem::find(text, b"?>")? + 2;
        text.drain(..end);
        return next(text);
    }
    let (mut at, mut depth) = (begin, 0_usize);
    loop {
        let tag = tag(text.get(at..)?)?;
        let (is_end, is_empty) = (text[at + 1] == b'/', text[at + tag - 2] == b'/');
        let is_stream = text[at..].starts_with(b"<stream:stream");
        at += tag;
        if depth == 0 && (is_end || is_stream) {
            let piece = String::from_utf8_lossy(&text[begin..at]).into_owned();
            text.drain(..at);
            return Some(if is_end { Piece::Close } else { Piece::Open(piece) });
        }
        match (is_end, is_empty) {
            (true, _) => depth -= 1,
            (false, false) => depth += 1,
            (false, true) => {}
        }
        if depth == 0 {
            let piece = String::from_utf8_lossy(&text[begin..at]).into_owned();
            text.drain(..at);
            return Some(Piece::Element(piece));
        }
        at += memchr::memchr(b'<', text.get(at..)?)?;
    }
}

/// The length of the tag at the front of `text`, if it is whole.
fn tag(text: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in text.iter().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Text between two strings, the first time that they occur.
pub(crate) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(found, _)| found)
}

/// The name of the element that a piece begins with.
pub(crate) fn name(element: &str) -> &str {
    element.trim_start_matches('<').split([' ', '>', '/', '\t', '\n']).next().unwrap_or_default()
}

/// An attribute of the element that a piece begins with.
pub(crate) fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let head = &element[..tag(element.as_bytes())?];
    let (_, rest) = head.split_once(&format!(" {name}="))?;
    let quote = rest.chars().next()?;
    rest[1..].split(quote).next()
}

/// The element with an attribute that its sender does not choose.
pub(crate) fn stamped(element: &str, named: &str, value: &str) -> String {
    let at = 1 + name(element).len();
    let mut stamped = element.to_owned();
    if let Some(old) = attribute(element, named) {
        let length = format!(" {named}='{old}'").len();
        let from = element.find(&format!(" {named}=")).unwrap_or(at);
        stamped.replace_range(from..from + length, "");
    }
    stamped.insert_str(at, &format!(" {named}='{value}'"));
    stamped
}
