//! References in XML, such as `&lt;` and `&#60;`.

use std::ops::Deref;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::BytesRef;

/// Character that a reference stands for, kept in place, since a text may be full of them.
pub(crate) struct Resolved([u8; 4], usize);

impl From<char> for Resolved {
    fn from(one: char) -> Self {
        let mut bytes = [0; 4];
        let length = one.encode_utf8(&mut bytes).len();
        Self(bytes, length)
    }
}

impl Deref for Resolved {
    type Target = str;

    fn deref(&self) -> &str {
        let bytes = self.0.get(..self.1).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

/// Character that a reference stands for; `None` where it is illegal, or nothing declares it.
pub(crate) fn resolve(reference: &BytesRef<'_>) -> Option<Resolved> {
    let one = match reference.resolve_char_ref().ok()? {
        Some(one) => one,
        // Each of the five stands for one character.
        None => resolve_predefined_entity(reference)?.chars().next()?,
    };
    Some(one.into())
}
