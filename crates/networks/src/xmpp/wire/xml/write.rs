//! Elements as XML.

use std::fmt::Write as _;

use super::read::same;
use super::{Element, Node};
use crate::xmpp::wire::ns;

impl Element {
    /// As XML for a stream whose stanzas are of `jabber:client` and whose `stream` prefix is
    /// the usual one.
    pub fn to_xml(&self) -> String {
        let mut out = String::with_capacity(256);
        self.write(&mut out, ns::CLIENT);
        out
    }

    /// As XML within an element of namespace `outer`.
    pub fn write(&self, out: &mut String, outer: &str) {
        let prefix = if *self.ns == *ns::STREAMS { "stream:" } else { "" };
        // Inside a prefixed element the default namespace is still the outer one.
        let default = if prefix.is_empty() { &*self.ns } else { outer };
        let _ = write!(out, "<{prefix}{}", self.name);
        if !same(default, outer) {
            write_attr(out, "xmlns", &self.ns);
        }
        for (name, value) in &self.attrs {
            write_attr(out, name, value);
        }
        if self.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for child in &self.children {
            match child {
                Node::Element(e) => e.write(out, default),
                Node::Text(text) => write_text(out, text),
            }
        }
        let _ = write!(out, "</{prefix}{}>", self.name);
    }

    /// Content as HTML by the names of its elements, whatever their namespaces.
    pub fn inner_html(&self) -> String {
        let mut out = String::new();
        for child in &self.children {
            child.write_html(&mut out);
        }
        out
    }
}

impl Node {
    fn write_html(&self, out: &mut String) {
        let element = match self {
            Self::Element(element) => element,
            Self::Text(text) => return write_text(out, text),
        };
        let _ = write!(out, "<{}", element.name);
        for (name, value) in element.attrs.iter().filter(|(name, _)| !name.contains(':')) {
            write_attr(out, name, value);
        }
        if element.children.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for child in &element.children {
            child.write_html(out);
        }
        let _ = write!(out, "</{}>", element.name);
    }
}

fn write_attr(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, " {name}='");
    write_escaped(out, value, |c| matches!(c, '\'' | '>' | '"'));
    out.push('\'');
}

/// Writes text. Only what must be escaped is, so that it gets hardly longer.
fn write_text(out: &mut String, text: &str) {
    let mut rest = text;
    // `]]>` may not stand in text.
    while let Some((before, after)) = rest.split_once("]]>") {
        write_escaped(out, before, |_| false);
        out.push_str("]]&gt;");
        rest = after;
    }
    write_escaped(out, rest, |_| false);
}

/// Writes what XML can carry, with references for `&`, `<` and what `more` says.
fn write_escaped(out: &mut String, text: &str, more: impl Fn(char) -> bool) {
    let plain = |c: char| !(matches!(c, '&' | '<') || more(c) || is_unfit(c));
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| !plain(*c)) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        out.push_str(match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            _ => "",
        });
        rest = after.get(c.len_utf8()..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// Whether XML 1.0 has no way to carry `c`.
const fn is_unfit(c: char) -> bool {
    matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}
