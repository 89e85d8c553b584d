//! A look at a stanza that makes no tree of it, for what passes: however deep it is and of however
//! many parts, in one go and in hardly any memory.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Scope;
use crate::common::xml_entities;
use crate::xmpp::wire::Malformed;

/// The longest name that anybody can have: a JID of three parts (RFC 7622).
const MAX_NAME: usize = 3 * 1023 + 2;
/// Elements in which people write what they like.
const WORDS: [&str; 5] = ["body", "subject", "status", "html", "password"];

const BROKEN: Malformed = Malformed("a stanza is not well-formed");

/// The local name and the namespace of the only child of a stanza; nothing where it has none or
/// several.
pub(in crate::xmpp) fn only_child(
    stanza: &[u8],
    scope: &Scope,
) -> Result<Option<(String, String)>, Malformed> {
    let mut xml = reader(stanza)?;
    let (mut depth, mut root, mut child) = (0_usize, None, None);
    loop {
        let (start, opens) = match xml.read_event().map_err(|_| BROKEN)? {
            Event::Start(start) => (start, 1),
            Event::Empty(start) => (start, 0),
            Event::End(_) if depth <= 1 => return Ok(child),
            Event::End(_) => {
                depth -= 1;
                continue;
            }
            Event::Eof => return Err(BROKEN),
            _ => continue,
        };
        match depth {
            0 if opens == 0 => return Ok(None),
            0 => root = Some(start),
            1 if child.is_some() => return Ok(None),
            1 => child = Some(named(&start, root.as_ref(), scope)?),
            _ => {}
        }
        depth += opens;
    }
}

/// The local name and the namespace of a top-level element.
pub(in crate::xmpp) fn root(element: &[u8], scope: &Scope) -> Result<(String, String), Malformed> {
    match reader(element)?.read_event().map_err(|_| BROKEN)? {
        Event::Start(start) | Event::Empty(start) => named(&start, None, scope),
        _ => Err(BROKEN),
    }
}

/// Whether an attribute's value or a text is a name by what `is_name` says. What people say to
/// each other may hold any name.
pub(in crate::xmpp) fn mentions(
    stanza: &[u8],
    is_name: impl Fn(&str) -> bool,
) -> Result<bool, Malformed> {
    let mut xml = reader(stanza)?;
    let (mut depth, mut words, mut text) = (0_usize, None, Text::default());
    loop {
        let event = xml.read_event().map_err(|_| BROKEN)?;
        if let Event::Start(start) | Event::Empty(start) = &event
            && words.is_none()
        {
            let local = start.local_name().into_inner();
            if depth > 0 && WORDS.contains(&local) {
                words = Some(depth);
            } else if mentioned(start, &is_name)? {
                return Ok(true);
            }
        }
        match event {
            Event::Text(piece) if words.is_none() => text.add(&piece.xml10_content()),
            Event::CData(piece) if words.is_none() => text.add(&piece.xml10_content()),
            Event::GeneralRef(name) => text.add(&xml_entities::resolve(&name).ok_or(BROKEN)?),
            Event::Text(_) | Event::CData(_) => {}
            Event::Start(_) | Event::Empty(_) | Event::End(_) => {
                if std::mem::take(&mut text).is(&is_name) {
                    return Ok(true);
                }
                match event {
                    Event::Start(_) => depth += 1,
                    Event::End(_) => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if words == Some(depth) && !matches!(event, Event::Start(_)) {
                    words = None;
                }
                if depth == 0 {
                    return Ok(false);
                }
            }
            _ => return Err(BROKEN),
        }
    }
}

fn mentioned(start: &BytesStart<'_>, is_name: &impl Fn(&str) -> bool) -> Result<bool, Malformed> {
    for attr in start.attributes().with_checks(false) {
        let value = attr.map_err(|_| BROKEN)?.normalized_value(XmlVersion::Explicit1_0);
        if is_name(value.map_err(|_| BROKEN)?.trim()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The character data between two tags, as far as it can be a name.
#[derive(Default)]
struct Text {
    name: String,
    /// White space follows, so that nothing else may.
    ended: bool,
    /// It is no name.
    is_none: bool,
}

impl Text {
    fn add(&mut self, piece: &str) {
        let word = piece.trim();
        let starts_apart = piece.starts_with(char::is_whitespace) && !self.name.is_empty();
        if word.is_empty() {
            self.ended |= starts_apart;
        } else if self.ended
            || starts_apart
            || self.name.len() + word.len() > MAX_NAME
            || word.contains(char::is_whitespace)
        {
            (self.is_none, self.name) = (true, String::new());
        } else if !self.is_none {
            self.name.push_str(word);
            self.ended = piece.ends_with(char::is_whitespace);
        }
    }

    fn is(&self, is_name: &impl Fn(&str) -> bool) -> bool {
        !self.is_none && !self.name.is_empty() && is_name(&self.name)
    }
}

fn reader(stanza: &[u8]) -> Result<Reader<&[u8]>, Malformed> {
    let text = std::str::from_utf8(stanza).map_err(|_| Malformed("a stanza is not UTF-8"))?;
    Ok(Reader::from_str(text))
}

/// The local name and the namespace of a child of `root`.
fn named(
    start: &BytesStart<'_>,
    root: Option<&BytesStart<'_>>,
    scope: &Scope,
) -> Result<(String, String), Malformed> {
    let name = start.name().into_inner();
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    for tag in std::iter::once(start).chain(root) {
        if let Some(ns) = declared(tag, prefix)? {
            return Ok((local.to_owned(), ns));
        }
    }
    let ns = scope.namespace(prefix).ok_or(Malformed("an undeclared prefix"))?;
    Ok((local.to_owned(), ns.to_string()))
}

/// Namespace that a tag declares for a prefix.
fn declared(tag: &BytesStart<'_>, prefix: &str) -> Result<Option<String>, Malformed> {
    for attr in tag.attributes().with_checks(false) {
        let attr = attr.map_err(|_| BROKEN)?;
        let name: &str = attr.key.as_ref();
        let declares = if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
        if declares == Some(prefix) {
            let value = attr.normalized_value(XmlVersion::Explicit1_0).map_err(|_| BROKEN)?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_child_is_named_as_a_tree_would_name_it() {
        for (stanza, child) in [
            ("<iq><query xmlns='a'><x/></query></iq>", Some(("query", "a"))),
            ("<iq> <p:q xmlns:p='&#97;'/> </iq>", Some(("q", "a"))),
            ("<iq xmlns:p='a'><p:q/></iq>", Some(("q", "a"))),
            ("<iq xmlns='b'><q/></iq>", Some(("q", "b"))),
            ("<iq><q/></iq>", Some(("q", "jabber:client"))),
            ("<iq><a/><b/></iq>", None),
            ("<iq>x</iq>", None),
            ("<iq/>", None),
        ] {
            let found = only_child(stanza.as_bytes(), &Scope::default()).unwrap();
            let child = child.map(|(name, ns)| (name.to_owned(), ns.to_owned()));
            assert_eq!(found, child, "{stanza}");
        }
        for bad in ["<iq><p:q/></iq>", "<iq><a></iq>", "<iq>"] {
            assert!(only_child(bad.as_bytes(), &Scope::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_found_however_it_is_written_and_nowhere_in_words() {
        let is_name = |text: &str| text == "a@b";
        for (stanza, found) in [
            ("<m><x y='a&#64;b'/></m>", true),
            ("<m><x> a@b </x></m>", true),
            ("<m><x>a<![CDATA[@]]>&#98;\n</x></m>", true),
            ("<m>a@b<x/></m>", true),
            ("<m><x>a@b c</x></m>", false),
            ("<m><x>a@b<![CDATA[ ]]>c</x></m>", false),
            ("<m><x>c <![CDATA[a@b]]></x></m>", false),
            ("<m><x>a@<y/>b</x></m>", false),
            ("<m><body z='a@b'>a@b<y>a@b</y></body></m>", false),
            ("<m><subject/><x>a@b</x></m>", true),
            ("<m><body><body>x</body>a@b</body><x>a@b</x></m>", true),
            ("<body>a@b</body>", true),
        ] {
            assert_eq!(mentions(stanza.as_bytes(), is_name).unwrap(), found, "{stanza}");
        }
        let deep = format!("<m>{}<x>a@b</x>{}</m>", "<d>".repeat(9_000), "</d>".repeat(9_000));
        assert!(mentions(deep.as_bytes(), is_name).unwrap());
        assert!(mentions(b"<m><a></m>", is_name).is_err());
        assert!(mentions(b"<m>&x;</m>", is_name).is_err());
    }
}
