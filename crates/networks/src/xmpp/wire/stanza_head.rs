//! The start tag of a stanza: enough to tell whose business it is.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attributes;
use quick_xml::parser::{ElementParser, Parser};

use crate::xmpp::wire::Malformed;

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
        let tag = stanza.get(..end).and_then(|tag| tag.strip_prefix(b"<")).ok_or(BROKEN)?;
        let tag = std::str::from_utf8(tag).map_err(|_| Malformed("a stanza is not UTF-8"))?;
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        let name = tag.split_ascii_whitespace().next().filter(|n| tag.starts_with(n));
        let name = name.filter(|n| !n.starts_with(['/', '!', '?'])).ok_or(BROKEN)?;
        let local = name.rsplit_once(':').map_or(name, |(_, local)| local);
        let mut head = Self { name: local, ..Self::default() };
        // Each with each would be compared otherwise; those that matter are looked at below.
        for attr in Attributes::new(tag, name.len()).with_checks(false) {
            let attr = attr.map_err(|_| BROKEN)?;
            let slot = match attr.key.0 {
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
            if slot.is_some() {
                return Err(BROKEN);
            }
            *slot = Some(attr.normalized_value(XmlVersion::Explicit1_0).map_err(|_| BROKEN)?);
        }
        Ok(head)
    }

    /// Whether this counts in XEP-0198.
    pub fn is_stanza(&self) -> bool {
        matches!(self.name, "message" | "presence" | "iq")
    }
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
        for bad in [
            "<message to=a>",
            "<message to='1' to='2'>",
            "</message>",
            "<!x>",
            "text>",
            "<>",
            "< a>",
        ] {
            assert!(Head::of(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
