//! Small XML documents, read whole: contact lists of MSNP13 and later, and SOAP.
//!
//! Elements know where they stand in the text, so that one can be cut out or put in and every
//! other byte stays as it was. Prefixes are ignored: these documents tell elements by local names.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

pub(super) use quick_xml::escape::escape;

use crate::reference;

/// The deepest that elements may lie in each other, and the most in a document.
const MAX_DEPTH: usize = 64;
const MAX_ELEMENTS: usize = 65_536;

/// An element.
pub(super) struct Element {
    /// Its local name.
    pub(super) name: String,
    /// Attributes, by local name.
    attributes: Vec<(String, String)>,
    /// Its own character data, without that of its children.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
    /// All of it in the text.
    pub(super) span: Range<usize>,
    /// What is between its tags; none where there is one tag only.
    pub(super) inside: Option<Range<usize>>,
}

impl Element {
    /// Reads a document; none where it is not well-formed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        let mut path: Vec<Self> = Vec::new();
        let mut left = MAX_ELEMENTS;
        loop {
            let begin = position(&reader)?;
            let event = reader.read_event().ok()?;
            let end = position(&reader)?;
            let done = match event {
                Event::Start(start) if path.len() < MAX_DEPTH => {
                    path.push(Self::open(&start, begin..end, Some(end..end))?);
                    None
                }
                Event::Empty(start) => Some(Self::open(&start, begin..end, None)?),
                Event::End(_) => {
                    let mut element = path.pop()?;
                    element.span.end = end;
                    element.inside = element.inside.map(|inside| inside.start..begin);
                    Some(element)
                }
                Event::Text(text) => append(&mut path, &text.xml10_content()),
                Event::CData(text) => append(&mut path, &text.xml10_content()),
                Event::GeneralRef(name) => append(&mut path, &reference::resolve(&name)?),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => None,
                Event::Start(_) | Event::DocType(_) | Event::Eof => return None,
            };
            if let Some(done) = done {
                left = left.checked_sub(1)?;
                match path.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Some(done),
                }
            }
        }
    }

    fn open(
        start: &BytesStart<'_>,
        span: Range<usize>,
        inside: Option<Range<usize>>,
    ) -> Option<Self> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).ok()?;
            let name: &str = attribute.key.local_name().into_inner();
            attributes.push((name.to_owned(), value.into_owned()));
        }
        let name: &str = start.local_name().into_inner();
        let (name, text) = (name.to_owned(), String::new());
        Some(Self { name, attributes, text, children: Vec::new(), span, inside })
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Every child of that name.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The element at the end of a path of first children.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The character data at the end of a path, without the space around it; empty without one.
    pub(super) fn text_at(&self, path: &[&str]) -> &str {
        self.at(path).map_or("", |element| element.text.trim())
    }

    /// The values of its attributes, and its own character data.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        let attributes = self.attributes.iter().map(|(_, value)| value.as_str());
        attributes.chain([self.text.as_str()]).map(str::trim)
    }

    /// The element itself and everything inside, from the outside in.
    pub(super) fn all(&self) -> impl Iterator<Item = &Self> {
        let mut left = vec![self];
        std::iter::from_fn(move || {
            let next = left.pop()?;
            left.extend(next.children.iter().rev());
            Some(next)
        })
    }
}

fn position(reader: &Reader<&[u8]>) -> Option<usize> {
    usize::try_from(reader.buffer_position()).ok()
}

/// Adds character data to the innermost open element.
fn append(path: &mut [Element], text: &str) -> Option<Element> {
    if let Some(parent) = path.last_mut() {
        parent.text.push_str(text);
    }
    None
}

/// A text in which parts are replaced.
#[derive(Default)]
pub(super) struct Changes(Vec<(Range<usize>, String)>);

impl Changes {
    /// Takes an element out.
    pub(super) fn cut(&mut self, element: &Element) {
        self.0.push((element.span.clone(), String::new()));
    }

    /// Puts `what` at the end of an element's content.
    pub(super) fn append(&mut self, element: &Element, what: &str, text: &str) {
        if let Some(inside) = &element.inside {
            return self.0.push((inside.end..inside.end, what.to_owned()));
        }
        let tag = text.get(element.span.clone()).unwrap_or_default();
        let (open, _) = tag.rsplit_once('/').unwrap_or((tag, ""));
        let name = open.trim_start_matches('<').split_ascii_whitespace().next();
        let name = name.unwrap_or_default();
        self.0.push((element.span.clone(), format!("{open}>{what}</{name}>")));
    }

    /// Puts `what` at the beginning of an element's content, where it has any.
    pub(super) fn prepend(&mut self, element: &Element, what: &str) {
        if let Some(inside) = element.inside.as_ref().filter(|_| !what.is_empty()) {
            self.0.push((inside.start..inside.start, what.to_owned()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with the changes made.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut changed = String::with_capacity(text.len());
        let mut at = 0;
        for (range, with) in &self.0 {
            changed.push_str(text.get(at..range.start).unwrap_or_default());
            changed.push_str(with);
            at = at.max(range.end);
        }
        changed.push_str(text.get(at..).unwrap_or_default());
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<?xml version='1.0'?>\n<s:a xmlns:s='x' k=\"1 &amp; 2\"><b>t&lt;&#117;</b><b/>\
                        <c i:type='P'>\r\n</c></s:a>";

    #[test]
    fn elements_know_what_and_where_they_are() {
        let a = Element::parse(TEXT).unwrap();
        assert_eq!((a.name.as_str(), a.attribute("k")), ("a", Some("1 & 2")));
        assert_eq!((a.text_at(&["b"]), a.named("b").count()), ("t<u", 2));
        assert_eq!(a.child("c").unwrap().attribute("type"), Some("P"));
        assert_eq!(&TEXT[a.children[1].span.clone()], "<b/>");
        let names: Vec<_> = a.all().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "b", "c"]);
    }

    #[test]
    fn changes_leave_every_other_byte() {
        let a = Element::parse(TEXT).unwrap();
        let mut changes = Changes::default();
        changes.cut(&a.children[0]);
        changes.append(&a.children[1], "<n/>", TEXT);
        changes.append(&a.children[2], "!", TEXT);
        let changed =
            TEXT.replace("<b>t&lt;&#117;</b><b/>", "<b><n/></b>").replace("\n</c>", "\n!</c>");
        assert_eq!(changes.apply(TEXT), changed);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(100_000);
        let wide = format!("<a>{}</a>", "<b/>".repeat(70_000));
        for text in ["", "x", "<a>", "<a></b>", "<a>&x;</a>", "<!DOCTYPE a><a/>", &deep, &wide] {
            assert!(Element::parse(text).is_none());
        }
    }
}
