//! Text in XML, as it is written and read.

use quick_xml::escape::escape;
use quick_xml::events::BytesRef;

use crate::common::xml_entities;

/// The longest reference, in bytes.
const MAX_REFERENCE: usize = 16;

/// Text for XML, without the characters that it cannot have.
pub(in crate::msnp) fn escaped(text: &str) -> String {
    let legal = |c: &char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    escape(text.chars().filter(legal).collect::<String>()).into_owned()
}

/// The inverse of it; a reference to nothing that is known stays as it is.
pub(in crate::msnp) fn unescaped(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((front, behind)) = rest.split_once('&') {
        plain.push_str(front);
        let end = behind.bytes().take(MAX_REFERENCE).position(|b| b == b';');
        let name = end.and_then(|end| behind.get(..end));
        let one = name.and_then(|name| xml_entities::resolve(&BytesRef::new(name)));
        if let (Some(name), Some(one)) = (name, one) {
            plain.push_str(&one);
            rest = behind.get(name.len() + 1..).unwrap_or_default();
        } else {
            plain.push('&');
            rest = behind;
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_one_by_one() {
        for (text, plain) in [
            ("a &amp; b &lt; &#99; &#x64;", "a & b < c d"),
            ("&nbsp; &amp; &bogus; &lt;3", "&nbsp; & &bogus; <3"),
            ("AT&T & &; &amp", "AT&T & &; &amp"),
            ("&&amp;&#xffffffff;&#0;&", "&&&#xffffffff;&#0;&"),
        ] {
            assert_eq!(unescaped(text), plain, "{text}");
        }
        assert_eq!(unescaped(&escaped("<a b='c'>&\"\0\r\u{1b}\u{ffff}x")), "<a b='c'>&\"x");
        let begun = std::time::Instant::now();
        assert_eq!(unescaped(&"&".repeat(1_000_000)).len(), 1_000_000);
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }
}
