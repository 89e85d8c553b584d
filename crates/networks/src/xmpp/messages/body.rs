//! Bodies of messages: the plain one (RFC 6121, section 5.2.3) and the one with formatting (XHTML-IM,
//! XEP-0071), read and written.

use crosstalk_core::RichText;

use crate::common::html;
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::{Element, Scope};

/// Beginning of a text that corrects another, for those who are shown both.
const CORRECTION: &str = "* ";

/// Text of a message, with its formatting where that is of the same text.
pub fn text(stanza: &Element) -> Option<RichText> {
    let plain = stanza.text_of("body").filter(|body| !body.is_empty());
    let rich = stanza
        .get("html", ns::XHTML_IM)
        .and_then(|html| html.get("body", ns::XHTML))
        .map(|body| html::read(&body.inner_html()));
    let mut text = match (plain, rich) {
        (Some(plain), rich) => styled(plain, &rich.unwrap_or_default()),
        (None, Some(rich)) if !rich.is_empty() => rich,
        (None, _) => return None,
    };
    let subject = stanza.text_of("subject").filter(|subject| !subject.is_empty());
    let corrects = stanza.get("replace", ns::CORRECT).is_some();
    if subject.is_some() || corrects {
        let mark = if corrects { CORRECTION } else { "" };
        let subject = subject.map(|subject| format!("{subject}\n")).unwrap_or_default();
        text = RichText::plain(format!("{mark}{subject}{}", text.text()));
    }
    Some(text)
}

/// The plain text as it is, in the formatting of `rich` where that says the same.
fn styled(plain: String, rich: &RichText) -> RichText {
    let same = rich.text().trim_end() == plain.trim_end();
    let mut text = RichText::plain(plain);
    for span in rich.spans().iter().filter(|_| same) {
        let end = text.text().len().min(span.end as usize);
        text.style(span.start as usize..end, span.style.clone());
    }
    text
}

/// A text that stands for an earlier one (XEP-0308), of which the client is told where it knows
/// that one; else it has the mark that the text brings for those who do not know of such.
pub(super) fn with_correction(
    message: Element,
    text: &RichText,
    replaced: Option<String>,
) -> Element {
    match (replaced, text.text().starts_with(CORRECTION)) {
        (Some(id), true) => {
            let text = text.slice(CORRECTION.len()..text.text().len());
            with_text(message, &text).child(Element::new("replace", ns::CORRECT).with("id", id))
        }
        _ => with_text(message, text),
    }
}

/// A readable body, and the formatting for clients that show it.
pub fn with_text(message: Element, text: &RichText) -> Element {
    let message = message.child(Element::new("body", ns::CLIENT).say(text.text()));
    if text.spans().is_empty() {
        return message;
    }
    let xml = format!("<body xmlns='{}'>{}</body>", ns::XHTML, html::xhtml(text));
    match Element::parse(xml.as_bytes(), &Scope::default()) {
        Ok(body) => message.child(Element::new("html", ns::XHTML_IM).child(body)),
        Err(_) => message,
    }
}
