//! The kinds of content that a message to somebody foreign can have, and what becomes of each: it
//! is shown, put into words, or refused with an error that its client shows. What nobody here
//! knows is refused, unless the client put it into words itself, by a body.

use crosstalk_core::RichText;

use super::messages::body;
use super::wire::ns;
use super::wire::xml::Element;

/// A kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A body, plain or formatted, a correction and a reply among them.
    Text,
    /// A subject without a body.
    Subject,
    /// A link out of band (XEP-0066), or to a shared file (XEP-0447).
    Link,
    /// A reaction (XEP-0444).
    Reaction,
    /// A message taken back (XEP-0424).
    Retraction,
    /// An invitation to a room (XEP-0249).
    Invitation,
    /// Something for certain keys (XEP-0384, XEP-0373, XEP-0027), whatever its body.
    Encrypted,
    /// A call (XEP-0353).
    Call,
    /// Nothing to show: typing, receipts, attention, hints.
    Marks,
    /// Anything else.
    Unknown,
}

/// Treatment of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The receiver reads it as it is, or as words for it.
    Said(RichText),
    /// There is nothing to read.
    Nothing,
    /// The sender is told why not.
    Refused(&'static str),
}

/// Prefixes of the namespaces of what only goes along with content.
const ALONG: [&str; 13] = [
    ns::CHAT_STATES,
    ns::RECEIPTS,
    ns::MARKERS,
    ns::ATTENTION,
    ns::NICK,
    ns::DELAY,
    ns::CARBONS,
    ns::CAPS,
    ns::HINTS,
    "urn:xmpp:sid:",
    "jabber:x:delay",
    "jabber:x:event",
    "vcard-temp:x:update",
];

/// The kind of one child of a message.
fn kind_of(child: &Element) -> Kind {
    match (child.name(), child.ns()) {
        ("body", ns::CLIENT) | ("html", ns::XHTML_IM) => Kind::Text,
        ("subject", ns::CLIENT) => Kind::Subject,
        ("thread", ns::CLIENT) => Kind::Marks,
        ("x", ns::OUT_OF_BAND) | ("file-sharing", ns::FILE_SHARING) => Kind::Link,
        ("reactions", ns::REACTIONS) => Kind::Reaction,
        ("retract", ns) if ns.starts_with(ns::RETRACT) => Kind::Retraction,
        ("x", ns::CONFERENCE) => Kind::Invitation,
        ("encrypted" | "openpgp", _) | ("x", ns::ENCRYPTED) => Kind::Encrypted,
        (_, ns) if ns.starts_with(ns::CALL) => Kind::Call,
        (_, ns) if ALONG.iter().any(|along| ns.starts_with(along)) => Kind::Marks,
        _ => Kind::Unknown,
    }
}

/// The kind of a message, by what of it weighs most.
pub(super) fn kind(stanza: &Element) -> Kind {
    let has = |kind| stanza.elements().any(|child| kind_of(child) == kind);
    if has(Kind::Encrypted) {
        return Kind::Encrypted;
    }
    if body::text(stanza).is_some() {
        return Kind::Text;
    }
    let told = [
        Kind::Link,
        Kind::Reaction,
        Kind::Retraction,
        Kind::Invitation,
        Kind::Call,
        Kind::Unknown,
        Kind::Subject,
    ];
    told.into_iter().find(|kind| has(*kind)).unwrap_or(Kind::Marks)
}

/// Treatment of a message.
pub(super) fn fate(stanza: &Element) -> Fate {
    let words = |words: String| Fate::Said(RichText::plain(words));
    let first = |kind| stanza.elements().find(move |child| kind_of(child) == kind);
    match kind(stanza) {
        Kind::Text => {
            let Some(mut text) = body::text(stanza) else { return Fate::Nothing };
            if let Some(link) = first(Kind::Link).and_then(link)
                && !text.text().contains(&link)
            {
                text.push(&format!("\n{link}"), &[]);
            }
            Fate::Said(text)
        }
        Kind::Subject => match stanza.text_of("subject").filter(|subject| !subject.is_empty()) {
            Some(subject) => words(subject),
            None => Fate::Nothing,
        },
        Kind::Link => match first(Kind::Link).and_then(link) {
            Some(link) => words(link),
            None => Fate::Refused("nobody there can fetch this"),
        },
        Kind::Reaction => {
            let signs = first(Kind::Reaction).into_iter().flat_map(Element::elements);
            let signs: Vec<String> = signs.map(Element::text).filter(|s| !s.is_empty()).collect();
            words(if signs.is_empty() {
                "[took a reaction back]".into()
            } else {
                format!("[reacted with {}]", signs.join(" "))
            })
        }
        Kind::Retraction => words("[took a message back]".into()),
        Kind::Invitation => match first(Kind::Invitation).and_then(|x| Some((x, x.attr("jid")?))) {
            Some((x, room)) => {
                let reason = x.attr("reason").map(|reason| format!(": {reason}"));
                words(format!("[invitation to the room {room}{}]", reason.unwrap_or_default()))
            }
            None => Fate::Refused("an invitation without a room"),
        },
        Kind::Encrypted => Fate::Refused(
            "this is encrypted, and nobody there could read it: switch encryption off for this \
             contact",
        ),
        Kind::Call => Fate::Refused("there are no calls to people of other networks"),
        Kind::Marks => Fate::Nothing,
        Kind::Unknown => Fate::Refused("people of other networks cannot be shown this"),
    }
}

/// The address that an out-of-band link or a shared file has, with what is said of it.
fn link(link: &Element) -> Option<String> {
    if link.is("x", ns::OUT_OF_BAND) {
        let url = link.text_of("url").filter(|url| !url.is_empty())?;
        let says = link.text_of("desc").filter(|desc| !desc.is_empty());
        return Some(says.map_or_else(|| url.clone(), |says| format!("{says}\n{url}")));
    }
    let sources = link.get("sources", ns::FILE_SHARING)?;
    let url = sources.elements().find_map(|source| source.attr("target"))?;
    Some(url.to_owned())
}
