//! References in XML, such as `&lt;` and `&#60;`.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::BytesRef;

/// What a reference stands for; none where it is illegal, or nothing declares it.
pub(crate) fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref().ok()? {
        Some(one) => Some(one.into()),
        None => resolve_predefined_entity(reference).map(str::to_owned),
    }
}
