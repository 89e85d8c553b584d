//! A stanza as a small tree, for the few that are interpreted.
//!
//! What only passes is never made into one: of that, `scan` looks at names as they go by.

mod read;
pub(in crate::xmpp) mod scan;
mod write;

use std::borrow::Cow;
use std::sync::Arc;

use crate::xmpp::wire::Malformed;
use crate::xmpp::wire::stanza_head::Head;

pub use read::{MAX_DEPTH, Scope, TOO_MUCH};

/// An element with its namespace resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    name: Box<str>,
    /// Shared with the elements around it.
    ns: Arc<str>,
    /// In order of appearance, under their names as written; default namespace declarations
    /// are not among them.
    attrs: Vec<Attribute>,
    children: Vec<Node>,
}

/// A name and a value.
type Attribute = (Box<str>, Box<str>);

/// A child of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// An element.
    Element(Element),
    /// Character data, unescaped.
    Text(String),
}

impl Element {
    /// An empty element.
    pub fn new(name: &str, ns: &str) -> Self {
        Self { name: name.into(), ns: ns.into(), attrs: Vec::new(), children: Vec::new() }
    }

    /// Reads a whole stanza of a stream with this scope. What it takes is at most a small multiple
    /// of `bytes`; a stanza that would take more is [`TOO_MUCH`].
    pub fn parse(bytes: &[u8], scope: &Scope) -> Result<Self, Malformed> {
        read::read(bytes, scope, false)
    }

    /// Reads a stream header. Its own default namespace is its attribute `xmlns`.
    pub fn parse_open(bytes: &[u8]) -> Result<Self, Malformed> {
        read::read(bytes, &Scope::default(), true)
    }

    /// With an attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// With an attribute, if there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With one more child.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.push(child);
        self
    }

    /// With more children.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(Node::Element));
        self
    }

    /// With more character data.
    #[must_use]
    pub fn say(mut self, text: impl Into<String>) -> Self {
        self.children.push(Node::Text(text.into()));
        self
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.attrs.iter_mut().find(|(k, _)| **k == *name) {
            Some(slot) => slot.1 = value.into(),
            None => self.attrs.push((name.into(), value.into())),
        }
    }

    /// Takes an attribute away.
    pub fn unset(&mut self, name: &str) {
        self.attrs.retain(|(k, _)| **k != *name);
    }

    /// Adds a child.
    pub fn push(&mut self, child: Self) {
        add(&mut self.children, Node::Element(child));
    }

    /// The local name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace.
    pub fn ns(&self) -> &str {
        &self.ns
    }

    /// Whether this is the element `name` of `ns`.
    pub fn is(&self, name: &str, ns: &str) -> bool {
        *self.name == *name && *self.ns == *ns
    }

    /// An attribute's value.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|(k, _)| **k == *name).map(|(_, v)| &**v)
    }

    /// Its name and addressing.
    pub fn head(&self) -> Head<'_> {
        let attr = |name| self.attr(name).map(Cow::Borrowed);
        Head {
            name: &self.name,
            xmlns: Some(Cow::Borrowed(&self.ns)),
            to: attr("to"),
            from: attr("from"),
            id: attr("id"),
            kind: attr("type"),
            h: self.attr("h").and_then(|h| h.parse().ok()),
        }
    }

    /// The children that are elements.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|n| match n {
            Node::Element(e) => Some(e),
            Node::Text(_) => None,
        })
    }

    /// The first child `name` of `ns`.
    pub fn get(&self, name: &str, ns: &str) -> Option<&Self> {
        self.elements().find(|e| e.is(name, ns))
    }

    /// As [`Element::get`], to change it.
    pub fn get_mut(&mut self, name: &str, ns: &str) -> Option<&mut Self> {
        self.children.iter_mut().find_map(|n| match n {
            Node::Element(e) if e.is(name, ns) => Some(e),
            _ => None,
        })
    }

    /// Keeps only the child elements that `keep` likes; character data stays.
    pub fn retain(&mut self, mut keep: impl FnMut(&Self) -> bool) {
        self.children.retain(|n| match n {
            Node::Element(e) => keep(e),
            Node::Text(_) => true,
        });
    }

    /// The character data directly inside.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for node in &self.children {
            if let Node::Text(t) = node {
                text.push_str(t);
            }
        }
        text
    }

    /// The character data of the child `name` of this element's own namespace.
    pub fn text_of(&self, name: &str) -> Option<String> {
        self.get(name, &self.ns).map(Self::text)
    }
}

/// Adds a child with less room to spare than a vector takes by itself.
fn add(children: &mut Vec<Node>, child: Node) {
    if children.len() == children.capacity() {
        children.reserve_exact(1 + children.len() / 4);
    }
    children.push(child);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmpp::wire::ns;

    fn parsed(xml: &str) -> Element {
        Element::parse(xml.as_bytes(), &Scope::default()).unwrap()
    }

    #[test]
    fn a_stanza_reads_and_writes_the_same() {
        for xml in [
            "<message to='b@c' xml:lang='en'><body a='&quot;&gt;'>1 &lt; 2 &amp; \"x\"</body>\
             <active xmlns='http://jabber.org/protocol/chatstates'/></message>",
            "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>",
            "<iq><a xmlns='x'><b xmlns='y'/> <c/></a></iq>",
        ] {
            assert_eq!(parsed(xml).to_xml(), xml);
        }
    }

    #[test]
    fn prefixes_quotes_and_references_are_resolved() {
        let iq = parsed("<iq xmlns:p='x'><p:q a=\"it's\n&#x41;\"><![CDATA[<&]]>&#66;</p:q></iq>");
        let q = iq.get("q", "x").unwrap();
        assert_eq!((q.attr("a"), q.text().as_str()), (Some("it's A"), "<&B"));
    }

    #[test]
    fn a_header_tells_the_scope() {
        let open = "<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams'>";
        let open = Element::parse_open(open.as_bytes()).unwrap();
        assert!(open.is("stream", ns::STREAMS));
        let scope = Scope::of(&open);
        assert_eq!(scope.stanzas(), "jabber:server");
        let features = Element::parse(b"<s:features/>", &scope).unwrap();
        assert!(features.is("features", ns::STREAMS));
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for bad in [
            "<a>",
            "<a></b>",
            "<a b='1' b='2'/>",
            "<p:a/>",
            "<a>&x;</a>",
            "<a b/>",
            "",
            "x",
            "<>",
            "<></>",
            "<\0></\0>",
            "<stream:/>",
            "<1/>",
            "<a&/>",
            "<a\"/>",
            "<a :='1'/>",
            "<a 1='1'/>",
            "<a b:='1'/>",
            "<a b:c:='1'/>",
        ] {
            assert!(Element::parse(bad.as_bytes(), &Scope::default()).is_err(), "{bad}");
        }
        assert!(Element::parse(b"<a>\xff</a>", &Scope::default()).is_err());
    }

    #[test]
    fn what_xml_cannot_carry_is_left_out() {
        assert_eq!(Element::new("a", ns::CLIENT).say("\0x\u{b}]]>").to_xml(), "<a>x]]&gt;</a>");
    }
}
