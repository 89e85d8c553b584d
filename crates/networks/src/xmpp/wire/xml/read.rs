//! XML to elements, at a cost that the size of the XML bounds.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{Attribute, Element, Node, add};
use crate::common::xml_entities;
use crate::xmpp::wire::Malformed;
use crate::xmpp::wire::ns;

/// The deepest nesting that is interpreted.
pub const MAX_DEPTH: usize = 64;
/// The most elements, texts and attributes that are interpreted: a list of some 5,000 contacts.
/// Each takes about a hundred bytes.
const MAX_PARTS: usize = 32_768;
/// The most attributes of one element. Each is compared with those before.
const MAX_ATTRIBUTES: usize = 64;
/// The most namespace declarations in force at once. Each name is looked up among them.
const MAX_DECLARATIONS: usize = 64;

/// Well-formed as far as was looked, but more than is interpreted.
pub const TOO_MUCH: Malformed = Malformed("a stanza holds more than is interpreted");

/// The namespaces that a stream header declares for everything inside it. Nearly all headers declare
/// the same two, which take no room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Option<Box<Declared>>);

/// Namespaces that an unusual header declares.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Declared {
    default: Box<str>,
    prefixes: Vec<(Box<str>, Box<str>)>,
}

impl Scope {
    /// Namespaces that the header `open` declares.
    pub fn of(open: &Element) -> Self {
        let default = open.attr("xmlns").unwrap_or_default();
        let declared = open.attrs.iter();
        let prefixes = declared.filter_map(|(k, v)| Some((k.strip_prefix("xmlns:")?, &**v)));
        let is_usual = default == ns::CLIENT && prefixes.clone().eq([("stream", ns::STREAMS)]);
        Self((!is_usual).then(|| {
            let prefixes = prefixes.map(|(prefix, ns)| (prefix.into(), ns.into())).collect();
            Box::new(Declared { default: default.into(), prefixes })
        }))
    }

    /// The namespace of stanzas.
    pub fn stanzas(&self) -> &str {
        self.0.as_ref().map_or(ns::CLIENT, |declared| &declared.default)
    }

    /// The namespace that a prefix stands for, or that names without one are of.
    pub(in crate::xmpp) fn namespace(&self, prefix: &str) -> Option<&str> {
        match (&self.0, prefix) {
            (_, "") => Some(self.stanzas()),
            (None, "stream") => Some(ns::STREAMS),
            (None, _) => None,
            (Some(declared), _) => {
                let found = declared.prefixes.iter().find(|(declared, _)| **declared == *prefix);
                found.map(|(_, ns)| &**ns)
            }
        }
    }
}

/// Reads the first element of `bytes`; with `open`, its start tag alone.
pub(in crate::xmpp) fn read(bytes: &[u8], scope: &Scope, open: bool) -> Result<Element, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed("a stanza is not UTF-8"))?;
    let mut xml = Reader::from_str(text);
    let mut tree = Tree::new(scope, text.len());
    loop {
        let event = xml.read_event().map_err(|_| Malformed("a stanza is not well-formed"))?;
        let done = match event {
            Event::Start(start) => {
                tree.start(&start, open)?;
                open
            }
            Event::Empty(start) => {
                tree.start(&start, open)?;
                true
            }
            Event::End(_) => true,
            Event::Text(text) => {
                tree.say(text.xml10_content())?;
                false
            }
            Event::CData(text) => {
                tree.say(text.xml10_content())?;
                false
            }
            Event::GeneralRef(name) => {
                let text =
                    xml_entities::resolve(&name).ok_or(Malformed("a reference to nothing"))?;
                tree.say(Cow::Borrowed(&text))?;
                false
            }
            _ => return Err(Malformed("a stanza is cut short")),
        };
        if done && let Some(root) = tree.end()? {
            return Ok(root);
        }
    }
}

/// Whether two namespaces are the same, which may be long, and are compared for each element: mostly
/// they are one and the same text.
pub(in crate::xmpp) fn same(one: &str, other: &str) -> bool {
    std::ptr::eq(one, other) || one == other
}

/// Whether `text` can be a name without a prefix: what the parser takes for one may be empty or have
/// marks in it that would not be read as they are written (XML 1.0 2.3, as far as ASCII goes).
fn is_name(text: &str) -> bool {
    let is_mark =
        |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.');
    let is_begun = text.starts_with(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '.'));
    is_begun && !text.contains(is_mark)
}

/// A tree as far as it was read.
struct Tree<'s> {
    scope: &'s Scope,
    /// Namespaces from outside that were met, each in one place for all elements in it.
    outside: Vec<(Box<str>, Arc<str>)>,
    /// The open elements, each with how many declarations were in force around it.
    path: Vec<(Element, usize)>,
    /// The declarations inside the stanza that are in force.
    declared: Vec<(Box<str>, Arc<str>)>,
    /// Number of further parts that fit.
    parts: usize,
    /// Number of further bytes of namespaces that fit when all is written again.
    room: usize,
}

impl<'s> Tree<'s> {
    fn new(scope: &'s Scope, length: usize) -> Self {
        // Written again, each element names its namespace anew where a prefix named it before.
        let room = 4 * length + 4096;
        let (outside, path, declared) = (Vec::new(), Vec::new(), Vec::new());
        Self { scope, outside, path, declared, parts: MAX_PARTS, room }
    }

    /// Opens an element.
    fn start(&mut self, start: &BytesStart<'_>, open: bool) -> Result<(), Malformed> {
        if self.path.len() >= MAX_DEPTH {
            return Err(TOO_MUCH);
        }
        let outside = self.declared.len();
        let attrs = self.attributes(start, open)?;
        let name = start.name().into_inner();
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if !is_name(local) {
            return Err(Malformed("an element has no proper name"));
        }
        let ns = self.namespace(prefix)?;
        let outer = self.path.last().map_or(ns::CLIENT, |(parent, _)| parent.ns());
        if !same(&ns, outer) {
            self.room = self.room.checked_sub(ns.len() + 9).ok_or(TOO_MUCH)?;
        }
        self.take(1)?;
        let element = Element { name: local.into(), ns, attrs, children: Vec::new() };
        self.path.push((element, outside));
        Ok(())
    }

    /// Reads attributes, and what they declare.
    fn attributes(
        &mut self,
        start: &BytesStart<'_>,
        open: bool,
    ) -> Result<Vec<Attribute>, Malformed> {
        const ILLEGAL: Malformed = Malformed("illegal attributes");
        let (mut attrs, first) = (Vec::<Attribute>::new(), self.declared.len());
        for attr in start.attributes().with_checks(false) {
            let attr = attr.map_err(|_| ILLEGAL)?;
            let name: &str = attr.key.as_ref();
            if !name.split(':').all(is_name) {
                return Err(ILLEGAL);
            }
            let value = attr.normalized_value(XmlVersion::Explicit1_0);
            let value = value.map_err(|_| Malformed("an illegal attribute value"))?;
            self.take(1)?;
            let prefix = if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
            if let Some(prefix) = prefix {
                let mut before = self.declared.get(first..).unwrap_or_default().iter();
                if matches!(prefix, "xml" | "xmlns") || before.any(|(p, _)| **p == *prefix) {
                    return Err(ILLEGAL);
                }
                if self.declared.len() >= MAX_DECLARATIONS {
                    return Err(TOO_MUCH);
                }
                // One of each text, so that elements in the same are told by where it lies.
                let known = self.declared.iter().find(|(_, ns)| **ns == *value);
                let ns = known.map_or_else(|| (&*value).into(), |(_, ns)| Arc::clone(ns));
                self.declared.push((prefix.into(), ns));
            }
            if name != "xmlns" || open {
                if attrs.iter().any(|(before, _)| **before == *name) {
                    return Err(ILLEGAL);
                }
                if attrs.len() >= MAX_ATTRIBUTES {
                    return Err(TOO_MUCH);
                }
                attrs.push((name.into(), value.into()));
            }
        }
        attrs.shrink_to_fit();
        Ok(attrs)
    }

    /// The namespace that a prefix stands for.
    fn namespace(&mut self, prefix: &str) -> Result<Arc<str>, Malformed> {
        let mut known = self.declared.iter().rev().chain(&self.outside);
        if let Some((_, ns)) = known.find(|(declared, _)| **declared == *prefix) {
            return Ok(Arc::clone(ns));
        }
        let ns = self.scope.namespace(prefix).ok_or(Malformed("an undeclared prefix"))?;
        let ns: Arc<str> = ns.into();
        self.outside.push((prefix.into(), Arc::clone(&ns)));
        Ok(ns)
    }

    /// Adds character data to the innermost open element.
    fn say(&mut self, text: Cow<'_, str>) -> Result<(), Malformed> {
        let Some((parent, _)) = self.path.last_mut() else { return Ok(()) };
        if let Some(Node::Text(last)) = parent.children.last_mut() {
            last.push_str(&text);
            return Ok(());
        }
        add(&mut parent.children, Node::Text(text.into_owned()));
        self.take(1)
    }

    /// Closes the innermost open element. Returns it if it is the whole.
    fn end(&mut self) -> Result<Option<Element>, Malformed> {
        let Some((mut element, outside)) = self.path.pop() else {
            return Err(Malformed("a stanza is not well-formed"));
        };
        self.declared.truncate(outside);
        element.children.shrink_to_fit();
        let Some((parent, _)) = self.path.last_mut() else { return Ok(Some(element)) };
        add(&mut parent.children, Node::Element(element));
        Ok(None)
    }

    fn take(&mut self, parts: usize) -> Result<(), Malformed> {
        self.parts = self.parts.checked_sub(parts).ok_or(TOO_MUCH)?;
        Ok(())
    }
}
