//! Small XML documents, read whole: contact lists of MSNP13 and later, and SOAP.
//!
//! Elements know where they stand in the text, so that one can be cut out or put in and every
//! other byte stays as it was. Prefixes are ignored: these documents tell elements by local names.
//!
//! A [`Document`] is a list of places, 20 bytes for each element, and whatever else is asked of an
//! element is read from the text again. Trees of other libraries recurse, or compare attributes and
//! namespaces in pairs; both are for documents that one trusts.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::common::xml_entities;

/// The deepest that elements may lie in each other, and the most in a document.
const MAX_DEPTH: usize = 64;
const MAX_ELEMENTS: usize = 65_536;
/// The most attributes of an element, and the longest name of either, in bytes.
const MAX_ATTRIBUTES: usize = 32;
const MAX_NAME: usize = 128;

/// Ranges of the elements of a text, in order of their beginnings.
pub(in crate::msnp) struct Document(Vec<Place>);

/// Range of an element.
struct Place {
    /// Its start tag begins and ends.
    start: u32,
    open: u32,
    /// Its end tag begins and ends; where there is one tag only, that is its end.
    close: u32,
    end: u32,
    /// The first element that is not inside.
    after: u32,
}

/// An element of a text.
#[derive(Clone, Copy)]
pub(in crate::msnp) struct Element<'a> {
    places: &'a [Place],
    text: &'a str,
    at: usize,
}

impl Document {
    /// Reads a document; none where it is not well-formed, or has too much of anything.
    pub(in crate::msnp) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        let (mut places, mut path): (Vec<Place>, Vec<usize>) = (Vec::new(), Vec::new());
        loop {
            let start = position(&reader)?;
            let event = reader.read_event().ok()?;
            let end = position(&reader)?;
            match event {
                Event::Start(tag) if path.len() < MAX_DEPTH => {
                    check(&tag)?;
                    path.push(places.len());
                    places.push(Place { start, open: end, close: end, end, after: 0 });
                }
                Event::Empty(tag) => {
                    check(&tag)?;
                    let after = u32::try_from(places.len() + 1).ok()?;
                    places.push(Place { start, open: end, close: end, end, after });
                }
                Event::End(_) => {
                    let after = u32::try_from(places.len()).ok()?;
                    let place = places.get_mut(path.pop()?)?;
                    (place.close, place.end, place.after) = (start, end, after);
                }
                Event::GeneralRef(name) if xml_entities::resolve(&name).is_some() => {}
                Event::Start(_) | Event::DocType(_) | Event::Eof | Event::GeneralRef(_) => {
                    return None;
                }
                // Character data is read where it is asked for.
                _ => {}
            }
            if places.len() > MAX_ELEMENTS {
                return None;
            }
            if path.is_empty() && !places.is_empty() {
                return Some(Self(places));
            }
        }
    }

    /// The outermost element; `text` is what was read.
    pub(in crate::msnp) fn root<'a>(&'a self, text: &'a str) -> Element<'a> {
        Element { places: &self.0, text, at: 0 }
    }
}

/// Whether a start tag is one that can be read.
fn check(tag: &BytesStart<'_>) -> Option<()> {
    let (mut left, name) = (MAX_ATTRIBUTES, tag.name());
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        attribute.normalized_value(XmlVersion::Explicit1_0).ok()?;
        left = left.checked_sub(1)?;
        (attribute.key.as_ref().len() <= MAX_NAME).then_some(())?;
    }
    (name.as_ref().len() <= MAX_NAME).then_some(())
}

fn position(reader: &Reader<&[u8]>) -> Option<u32> {
    u32::try_from(reader.buffer_position()).ok()
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

impl<'a> Element<'a> {
    fn place(&self) -> Option<&'a Place> {
        self.places.get(self.at)
    }

    fn slice(&self, from: u32, to: u32) -> &'a str {
        self.text.get(from as usize..to as usize).unwrap_or_default()
    }

    /// Content of its start tag: its whole name, and the attributes.
    fn tag(&self) -> (&'a str, &'a str) {
        let tag = self.place().map_or("", |place| self.slice(place.start, place.open));
        let tag = tag.trim_start_matches('<').trim_end_matches('>');
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        let end = tag.find(|c: char| c.is_ascii_whitespace()).unwrap_or(tag.len());
        tag.split_at(end)
    }

    /// Its local name.
    pub(in crate::msnp) fn name(&self) -> &'a str {
        local(self.tag().0)
    }

    /// All of it in the text.
    pub(in crate::msnp) fn span(&self) -> Range<usize> {
        self.place().map_or(0..0, |place| place.start as usize..place.end as usize)
    }

    /// Range between its tags; `None` where there is one tag only.
    fn inside(&self) -> Option<Range<usize>> {
        let place = self.place().filter(|place| place.close < place.end)?;
        Some(place.open as usize..place.close as usize)
    }

    fn attributes(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> + use<'a> {
        let mut attributes = Attributes::new(self.tag().1, 0);
        attributes.with_checks(false);
        attributes.filter_map(|attribute| {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).ok()?;
            Some((local(attribute.key.into_inner()), value))
        })
    }

    /// The value of an attribute, by local name.
    pub(in crate::msnp) fn attribute(&self, name: &str) -> Option<Cow<'a, str>> {
        self.attributes().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Its own character data, without that of its children.
    pub(in crate::msnp) fn text(&self) -> Cow<'a, str> {
        let Some(inside) = self.inside() else { return Cow::Borrowed("") };
        let whole = self.text.get(inside.clone()).unwrap_or_default();
        if !whole.contains(['<', '&', '\r']) {
            return whole.into();
        }
        let (mut text, mut from) = (String::new(), inside.start);
        for child in self.children() {
            let span = child.span();
            push_text(self.text.get(from..span.start).unwrap_or_default(), &mut text);
            from = span.end;
        }
        push_text(self.text.get(from..inside.end).unwrap_or_default(), &mut text);
        text.into()
    }

    pub(in crate::msnp) fn children(&self) -> impl Iterator<Item = Self> + Clone + use<'a> {
        let Self { places, text, at } = *self;
        let end = self.place().map_or(at, |place| place.after as usize);
        let mut next = at + 1;
        std::iter::from_fn(move || {
            let child = Self { places, text, at: next };
            next = child.place().filter(|_| next < end)?.after as usize;
            Some(child)
        })
    }

    /// The first child of that name.
    pub(in crate::msnp) fn child(&self, name: &str) -> Option<Self> {
        self.children().find(|child| child.name() == name)
    }

    /// Every child of that name.
    pub(in crate::msnp) fn named<'n>(
        &self,
        name: &'n str,
    ) -> impl Iterator<Item = Self> + use<'a, 'n> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The element at the end of a path of first children.
    pub(in crate::msnp) fn at(&self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(*self, |element, name| element.child(name))
    }

    /// The character data at the end of a path, without the space around it; empty without one.
    pub(in crate::msnp) fn text_at(&self, path: &[&str]) -> Cow<'a, str> {
        self.at(path).map_or(Cow::Borrowed(""), |element| trimmed(element.text()))
    }

    /// The values of its attributes, and its own character data.
    pub(in crate::msnp) fn values(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let values = self.attributes().map(|(_, value)| value);
        values.chain([self.text()]).map(trimmed)
    }

    /// The element itself and everything inside, from the outside in.
    pub(in crate::msnp) fn all(&self) -> impl Iterator<Item = Self> + use<'a> {
        let Self { places, text, at } = *self;
        let end = self.place().map_or(at, |place| place.after as usize);
        (at..end).map(move |at| Self { places, text, at })
    }
}

/// A text without the space around it.
pub(in crate::msnp) fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => text.trim().into(),
        Cow::Owned(text) if text.trim().len() == text.len() => text.into(),
        Cow::Owned(text) => text.trim().to_owned().into(),
    }
}

/// Adds the character data of what stands between two elements.
fn push_text(between: &str, text: &mut String) {
    let mut reader = Reader::from_str(between);
    loop {
        match reader.read_event() {
            Ok(Event::Text(part)) => text.push_str(&part.xml10_content()),
            Ok(Event::CData(part)) => text.push_str(&part.xml10_content()),
            Ok(Event::GeneralRef(name)) => {
                text.extend(xml_entities::resolve(&name).as_deref());
            }
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// A text in which parts are replaced.
#[derive(Default)]
pub(in crate::msnp) struct Changes(Vec<(Range<usize>, String)>);

impl Changes {
    /// Takes an element out.
    pub(in crate::msnp) fn cut(&mut self, element: Element<'_>) {
        self.0.push((element.span(), String::new()));
    }

    /// Puts `what` at the end of an element's content.
    pub(in crate::msnp) fn append(&mut self, element: Element<'_>, what: &str) {
        if let Some(inside) = element.inside() {
            return self.0.push((inside.end..inside.end, what.to_owned()));
        }
        let (name, attributes) = element.tag();
        self.0.push((element.span(), format!("<{name}{attributes}>{what}</{name}>")));
    }

    /// Puts `what` at the beginning of an element's content, where it has any.
    pub(in crate::msnp) fn prepend(&mut self, element: Element<'_>, what: &str) {
        if let Some(inside) = element.inside().filter(|_| !what.is_empty()) {
            self.0.push((inside.start..inside.start, what.to_owned()));
        }
    }

    pub(in crate::msnp) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with the changes made.
    pub(in crate::msnp) fn apply(mut self, text: &str) -> String {
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
        let document = Document::parse(TEXT).unwrap();
        let a = document.root(TEXT);
        assert_eq!((a.name(), a.attribute("k").as_deref()), ("a", Some("1 & 2")));
        assert_eq!((&*a.text_at(&["b"]), a.named("b").count()), ("t<u", 2));
        assert_eq!(a.child("c").unwrap().attribute("type").as_deref(), Some("P"));
        assert_eq!(&TEXT[a.children().nth(1).unwrap().span()], "<b/>");
        let names: Vec<_> = a.all().map(|e| e.name()).collect();
        assert_eq!(names, ["a", "b", "b", "c"]);
        assert_eq!(a.children().map(|e| e.all().count()).collect::<Vec<_>>(), [1, 1, 1]);
    }

    #[test]
    fn character_data_is_that_around_the_children() {
        let text = "<a> x<b>no</b><![CDATA[<]]>&gt;<!-- no --><c/>y\r\n</a>";
        let document = Document::parse(text).unwrap();
        assert_eq!(document.root(text).text(), " x<>y\n");
        let values: Vec<_> = document.root(text).values().collect();
        assert_eq!(values, ["x<>y"]);
    }

    #[test]
    fn changes_leave_every_other_byte() {
        let document = Document::parse(TEXT).unwrap();
        let [first, second, third] =
            [0, 1, 2].map(|n| document.root(TEXT).children().nth(n).unwrap());
        let mut changes = Changes::default();
        changes.cut(first);
        changes.append(second, "<n/>");
        changes.append(third, "!");
        let changed =
            TEXT.replace("<b>t&lt;&#117;</b><b/>", "<b><n/></b>").replace("\n</c>", "\n!</c>");
        assert_eq!(changes.apply(TEXT), changed);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(100_000);
        let wide = format!("<a>{}</a>", "<b/>".repeat(70_000));
        let many: Vec<_> = (0..100).map(|n| format!("a{n}=''")).collect();
        let many = format!("<a {}/>", many.join(" "));
        let long = format!("<{}/>", "a".repeat(1_000));
        for text in ["", "x", "<a>", "<a></b>", "<a>&x;</a>", "<!DOCTYPE a><a/>", "<a b='' b=''/>"]
        {
            assert!(Document::parse(text).is_none(), "{text}");
        }
        for text in [deep, wide, many, long] {
            assert!(Document::parse(&text).is_none());
        }
    }
}
