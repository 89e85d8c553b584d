//! The start tag of a stanza: enough to tell whose business it is.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::parser::{ElementParser, Parser};

use super::wire::Malformed;

/// A stanza's name and addressing.
#[derive(Debug, Default)]
pub struct Head<'a> {
    /// The local name.
    pub name: &'a str,
    /// `xmlns`, where the element declares one.
    pub xmlns: Option<Cow<'a, str>>,
    /// `to`.
    pub to: Option<Cow<'a, str>>,
    /// `from`.
    pub from: Option<Cow<'a, str>>,
    /// `id`.
    pub id: Option<Cow<'a, str>>,
    /// `type`.
    pub kind: Option<Cow<'a, str>>,
    /// `h` of XEP-0198.
    pub h: Option<u32>,
}

impl<'a> Head<'a> {
    /// Reads the start tag at the front of `stanza`.
    pub fn of(stanza: &'a [u8]) -> Result<Self, Malformed> {
        const BROKEN: Malformed = Malformed("a start tag is not well-formed");
        let end = ElementParser::default().feed(stanza).ok_or(BROKEN)?;
        let tag = stanza.get(..=end).unwrap_or_default();
        let tag = std::str::from_utf8(tag).map_err(|_| Malformed("a stanza is not UTF-8"))?;
        let (Event::Start(start) | Event::Empty(start)) =
            Reader::from_str(tag).read_event().map_err(|_| BROKEN)?
        else {
            return Err(BROKEN);
        };
        let mut head = Self { name: local_name(tag), ..Self::default() };
        for attr in start.attributes() {
            let attr = attr.map_err(|_| BROKEN)?;
            let slot = match attr.key.as_ref() {
                "to" => &mut head.to,
                "from" => &mut head.from,
                "id" => &mut head.id,
                "type" => &mut head.kind,
                "xmlns" => &mut head.xmlns,
                "h" => {
                    head.h = attr.value.parse().ok();
                    continue;
                }
                _ => continue,
            };
            let value = attr.normalized_value(XmlVersion::Explicit1_0).map_err(|_| BROKEN)?;
            *slot = Some(Cow::Owned(value.into_owned()));
        }
        Ok(head)
    }

    /// Whether this counts in XEP-0198.
    pub fn is_stanza(&self) -> bool {
        matches!(self.name, "message" | "presence" | "iq")
    }
}

fn local_name(tag: &str) -> &str {
    let name = tag.trim_start_matches('<');
    let end = name.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/');
    let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addressing_is_read_unescaped() {
        let head = Head::of(b"<message to='a&amp;b@c' id=\"1\" type='chat'><body/>").unwrap();
        assert_eq!((head.name, head.to.as_deref()), ("message", Some("a&b@c")));
        assert_eq!((head.id.as_deref(), head.kind.as_deref()), (Some("1"), Some("chat")));
        assert!(head.is_stanza());
        let ack = Head::of(b"<sm:a xmlns:sm='urn:xmpp:sm:3' h='7'/>").unwrap();
        assert_eq!((ack.name, ack.h), ("a", Some(7)));
    }

    #[test]
    fn a_broken_tag_is_refused() {
        for bad in ["<message to=a>", "<message to='1' to='2'>", "</message>", "<!x>", "text>"] {
            assert!(Head::of(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
