//! A stanza as a small tree, for the few that are read or written.

use std::fmt::Write as _;

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, PrefixDeclaration, ResolveResult};

use super::ns;
use super::wire::Malformed;
use crate::html::escape;
use crate::reference;

/// An element with its namespace resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    name: String,
    ns: String,
    /// In order of appearance, under their names as written; default namespace declarations
    /// are not among them.
    attrs: Vec<(String, String)>,
    children: Vec<Node>,
}

/// A child of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Character data, unescaped.
    Text(String),
}

/// The namespaces that a stream header declares for everything inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    default: String,
    prefixes: Vec<(String, String)>,
}

impl Default for Scope {
    /// The usual client stream.
    fn default() -> Self {
        Self {
            default: ns::CLIENT.to_owned(),
            prefixes: vec![("stream".to_owned(), ns::STREAMS.to_owned())],
        }
    }
}

impl Scope {
    /// What the header `open` declares.
    pub fn of(open: &Element) -> Self {
        let prefixes = open
            .attrs
            .iter()
            .filter_map(|(k, v)| Some((k.strip_prefix("xmlns:")?.to_owned(), v.clone())))
            .collect();
        let default = open.attr("xmlns").unwrap_or_default().to_owned();
        Self { default, prefixes }
    }

    /// The namespace of stanzas.
    pub fn stanzas(&self) -> &str {
        &self.default
    }
}

impl Element {
    /// An empty element.
    pub fn new(name: &str, ns: &str) -> Self {
        Self { name: name.to_owned(), ns: ns.to_owned(), ..Self::default() }
    }

    /// Reads a whole stanza of a stream with this scope.
    pub fn parse(bytes: &[u8], scope: &Scope) -> Result<Self, Malformed> {
        parse(bytes, scope, false)
    }

    /// Reads a stream header. Its own default namespace is its attribute `xmlns`.
    pub fn parse_open(bytes: &[u8]) -> Result<Self, Malformed> {
        parse(bytes, &Scope::default(), true)
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
        match self.attrs.iter_mut().find(|(k, _)| k == name) {
            Some(slot) => slot.1 = value,
            None => self.attrs.push((name.to_owned(), value)),
        }
    }

    /// Takes an attribute away.
    pub fn unset(&mut self, name: &str) {
        self.attrs.retain(|(k, _)| k != name);
    }

    /// Adds a child.
    pub fn push(&mut self, child: Self) {
        self.children.push(Node::Element(child));
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
        self.name == name && self.ns == ns
    }

    /// An attribute's value.
    pub fn attr(&self, name: &str) -> Option<&str> {
        self.attrs.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// All attributes.
    pub fn attrs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attrs.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Everything inside.
    pub fn nodes(&self) -> &[Node] {
        &self.children
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

    /// As XML for a stream whose stanzas are of `jabber:client` and whose `stream` prefix is
    /// the usual one.
    pub fn to_xml(&self) -> String {
        let mut out = String::with_capacity(128);
        self.write(&mut out, ns::CLIENT);
        out
    }

    /// As XML within an element of namespace `outer`.
    pub fn write(&self, out: &mut String, outer: &str) {
        let prefix = if self.ns == ns::STREAMS { "stream:" } else { "" };
        // Inside a prefixed element the default namespace is still the outer one.
        let default = if prefix.is_empty() { &self.ns } else { outer };
        let _ = write!(out, "<{prefix}{}", self.name);
        if default != outer {
            out.push_str(" xmlns='");
            out.push_str(&escape(&self.ns));
            out.push('\'');
        }
        for (name, value) in &self.attrs {
            let _ = write!(out, " {name}='");
            out.push_str(&escape(value));
            out.push('\'');
        }
        if self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for child in &self.children {
            match child {
                Node::Element(e) => e.write(out, default),
                Node::Text(t) => out.push_str(&escape(t)),
            }
        }
        let _ = write!(out, "</{prefix}{}>", self.name);
    }
}

fn parse(bytes: &[u8], scope: &Scope, open: bool) -> Result<Element, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed("a stanza is not UTF-8"))?;
    let mut reader = NsReader::from_str(text);
    let resolver = reader.resolver_mut();
    let outer = std::iter::once((PrefixDeclaration::Default, &scope.default))
        .chain(scope.prefixes.iter().map(|(p, ns)| (PrefixDeclaration::Named(p), ns)));
    for (prefix, ns) in outer {
        resolver.add(prefix, Namespace(ns)).map_err(|_| Malformed("illegal namespace"))?;
    }
    let mut path: Vec<Element> = Vec::new();
    loop {
        let (resolved, event) =
            reader.read_resolved_event().map_err(|_| Malformed("a stanza is not well-formed"))?;
        let ns = match resolved {
            ResolveResult::Bound(ns) => ns.0.to_owned(),
            ResolveResult::Unbound => String::new(),
            ResolveResult::Unknown(_) => return Err(Malformed("an undeclared prefix")),
        };
        let done = match event {
            Event::Start(start) if open => return element(&start, ns, true),
            Event::Start(start) => {
                path.push(element(&start, ns, false)?);
                None
            }
            Event::Empty(start) => Some(element(&start, ns, open)?),
            Event::End(_) => path.pop(),
            Event::Text(t) => append(&mut path, &t.xml10_content()),
            Event::CData(t) => append(&mut path, &t.xml10_content()),
            Event::GeneralRef(name) => {
                let text = reference::resolve(&name);
                append(&mut path, &text.ok_or(Malformed("a reference to nothing"))?)
            }
            _ => return Err(Malformed("a stanza is cut short")),
        };
        if let Some(done) = done {
            match path.last_mut() {
                Some(parent) => parent.push(done),
                None => return Ok(done),
            }
        }
    }
}

/// Adds character data to the innermost open element.
fn append(path: &mut [Element], text: &str) -> Option<Element> {
    if let Some(parent) = path.last_mut() {
        match parent.children.last_mut() {
            Some(Node::Text(last)) => last.push_str(text),
            _ => parent.children.push(Node::Text(text.to_owned())),
        }
    }
    None
}

fn element(start: &BytesStart<'_>, ns: String, open: bool) -> Result<Element, Malformed> {
    let mut attrs = Vec::new();
    for attr in start.attributes() {
        let attr = attr.map_err(|_| Malformed("illegal attributes"))?;
        let name: &str = attr.key.as_ref();
        if name == "xmlns" && !open {
            continue;
        }
        let value = attr.normalized_value(XmlVersion::Explicit1_0);
        let value = value.map_err(|_| Malformed("an illegal attribute value"))?;
        attrs.push((name.to_owned(), value.into_owned()));
    }
    let name: &str = start.local_name().into_inner();
    Ok(Element { name: name.to_owned(), ns, attrs, children: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(xml: &str) -> Element {
        Element::parse(xml.as_bytes(), &Scope::default()).unwrap()
    }

    #[test]
    fn a_stanza_reads_and_writes_the_same() {
        for xml in [
            "<message to='b@c' xml:lang='en'><body>1 &lt; 2 &amp; &quot;x&quot;</body>\
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
        for bad in
            ["<a>", "<a></b>", "<a b='1' b='2'/>", "<p:a/>", "<a>&x;</a>", "<a b/>", "", "x", "<>"]
        {
            assert!(Element::parse(bad.as_bytes(), &Scope::default()).is_err(), "{bad}");
        }
        assert!(Element::parse(b"<a>\xff</a>", &Scope::default()).is_err());
    }

    #[test]
    fn what_xml_cannot_carry_is_left_out() {
        assert_eq!(Element::new("a", ns::CLIENT).say("\0x\u{b}]]>").to_xml(), "<a>x]]&gt;</a>");
    }
}
