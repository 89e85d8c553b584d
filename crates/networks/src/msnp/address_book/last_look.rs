//! Foreign names where nobody looks for one: the last look at the requests that a server is to have.

use bytes::{Bytes, BytesMut};

use crate::msnp::context::Cx;
use crate::msnp::foreign_names::is_foreign;
use crate::msnp::wire::xml::{Changes, Document};
use crate::msnp::wire::xml_text::unescaped;

/// Elements that hold what people write of themselves and others, which is theirs.
const TEXTS: [&str; 12] = [
    "BodyText",
    "Content",
    "DisplayName",
    "FreeText",
    "Name",
    "PersonalStatus",
    "Value",
    "comment",
    "displayName",
    "name",
    "notes",
    "quickName",
];
/// The most that is held back of a request that passes in parts, in bytes, and how much of it stays
/// when that comes: no name is longer, written in character references.
const MAX_HELD: usize = 4 * 1024;
const OVERLAP: usize = 1024;

/// Whether an XML document names somebody foreign: in an element or an attribute, or in anything
/// else that no server should read.
pub(super) fn is_named_in(text: &str, document: &Document, cx: &Cx<'_>) -> bool {
    let root = document.root(text);
    let is_text = |name: &str| TEXTS.contains(&name);
    // Character data can be in parts, which an element puts together.
    let in_elements = root
        .all()
        .filter(|element| !is_text(element.name()))
        .any(|element| element.values().any(|value| is_foreign(&value, cx)));
    if in_elements {
        return true;
    }
    let mut without_texts = Changes::default();
    root.all().filter(|e| is_text(e.name())).for_each(|element| without_texts.cut(element));
    is_named_in_raw(&without_texts.apply(text), cx)
}

/// Whether a text that is no XML, or none that can be read here, names somebody foreign.
pub(super) fn is_named_in_raw(text: &str, cx: &Cx<'_>) -> bool {
    is_foreign(&unescaped(text), cx)
}

/// The same of bytes in whatever encoding. What would be put into XML by entities of its own cannot
/// be seen; SOAP has none of these (SOAP 1.1, section 3).
pub(super) fn is_named_in_bytes(raw: &[u8], cx: &Cx<'_>) -> bool {
    let has_entities = memchr::memmem::find(raw, b"<!ENTITY").is_some();
    // In UTF-16, every other byte of a name is 0.
    let bytes: Vec<u8> = raw.iter().copied().filter(|byte| *byte != 0).collect();
    has_entities || is_named_in_raw(&String::from_utf8_lossy(&bytes), cx)
}

/// A request too long to be waited for, looked at in parts: each goes on when no name in it can be
/// the beginning of a longer one.
#[derive(Default)]
pub(super) struct Scan(BytesMut);

impl Scan {
    /// Takes the next part, the last of all where it `ends`. Returns what may go on; none where it
    /// names somebody foreign.
    pub(super) fn take(&mut self, part: BytesMut, ends: bool, cx: &Cx<'_>) -> Option<Bytes> {
        self.0.unsplit(part);
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"<>\"'".contains(byte);
        let whole = self.0.iter().rposition(is_end).map_or(0, |at| at + 1);
        let whole = match self.0.len() {
            all if ends => all,
            // So long a word is no name, but may end with one.
            all if all - whole > MAX_HELD => all - OVERLAP,
            _ => whole,
        };
        let held = self.0.get(..whole).unwrap_or_default();
        if is_named_in_bytes(held, cx) {
            return None;
        }
        Some(self.0.split_to(whole).freeze())
    }

    /// Bytes held back.
    pub(super) fn weight(&self) -> usize {
        self.0.len()
    }
}
