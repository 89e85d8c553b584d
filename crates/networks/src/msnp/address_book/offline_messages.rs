//! Messages for people who are offline, which clients leave by SOAP since MSNP13.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crosstalk_core::{NameClass, RichText};

use super::elements;
use super::requests::Ask;
use crate::msnp::context::Cx;
use crate::msnp::foreign_list::Edit;
use crate::msnp::wire::xml::Element;

/// The ticket that a message is left with.
pub(super) fn ticket(envelope: Element<'_>) -> Cow<'_, str> {
    let ticket = envelope.at(&["Header", "Ticket"]);
    ticket.and_then(|ticket| ticket.attribute("passport")).unwrap_or_default()
}

/// Reads a message, as what becomes of it once it is sent, and that; none where it is for nobody
/// foreign.
pub(super) fn read(envelope: Element<'_>, cx: &Cx<'_>) -> Option<(Ask, Vec<Edit>)> {
    let to = envelope.at(&["Header", "To"])?.attribute("memberName")?;
    let guest = match cx.classify(&to) {
        NameClass::Own => return None,
        NameClass::Nowhere => return Some((Ask::Fault(elements::oim_fault()), Vec::new())),
        NameClass::Foreign(guest) => guest,
    };
    let text = text(&envelope.at(&["Body", "Content"])?.text());
    let number = envelope.text_at(&["Header", "Sequence", "MessageNumber"]).parse().unwrap_or(1);
    Some((Ask::Answer(elements::oim_stored(number)), vec![Edit::Say(guest, text)]))
}

/// The text in a MIME message, whose line ends may be those of XML.
fn text(content: &str) -> RichText {
    let content = content.trim_start().replace("\r\n", "\n");
    let (head, body) = content.split_once("\n\n").unwrap_or(("", &content));
    let coded = head.to_ascii_lowercase().contains("content-transfer-encoding: base64");
    let letters: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let decoded = STANDARD.decode(letters).ok().filter(|_| coded);
    let text = decoded.map(|bytes| String::from_utf8_lossy(&bytes).replace("\r\n", "\n"));
    RichText::plain(text.unwrap_or_else(|| body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_decoded_where_it_is_coded() {
        let head = "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n";
        let coded = format!("{head}Content-Transfer-Encoding: base64\n\n0J/RgNC4\n0LLQtdGC\n");
        assert_eq!(text(&coded).text(), "Привет");
        assert_eq!(text(&format!("{head}\nplain = 0J/RgNC4")).text(), "plain = 0J/RgNC4");
    }
}
