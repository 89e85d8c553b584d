//! IQs (RFC 6120, section 8.2.3): what is asked of foreign people, and what of the server.

use bytes::Bytes;
use crosstalk_core::{Address, EnvelopeIds, Fault, Side};

use super::account::{Account, Asked, Support};
use super::context::Cx;
use super::privacy_lists::Privacy;
use super::stanza_errors::reply;
use super::wire::ns;
use super::wire::stanza_head::Head;
use super::wire::xml::Element;

/// Prefix of the ids of our own IQs.
const OURS: &str = "xt-";

/// The longest answer of a client's that is read, in bytes.
const MAX_ASKED: usize = 64 * 1024;

/// Features that foreign people's clients are said to support (XEP-0030), in the order of XEP-0115.
const FEATURES: [&str; 7] = [
    ns::CHAT_STATES,
    ns::DISCO_INFO,
    ns::XHTML_IM,
    ns::ATTENTION,
    ns::MARKERS,
    ns::RECEIPTS,
    ns::VCARD,
];
/// The name under which clients cache that (XEP-0115).
const CAPS_NODE: &str = "https://crosstalk.invalid/caps";
/// The SHA-1 of identity and features, as XEP-0115 spells them.
const CAPS_VERSION: &str = "zj+OO0J64IdqJMKJTkVv81yj9Ak=";

/// An id for an IQ of ours.
pub(super) fn our_id(ids: &mut EnvelopeIds) -> String {
    format!("{OURS}{}", ids.next_id())
}

/// The capabilities in a foreign person's presence.
pub(super) fn caps() -> Element {
    Element::new("c", ns::CAPS)
        .with("hash", "sha-1")
        .with("node", CAPS_NODE)
        .with("ver", CAPS_VERSION)
}

impl Account {
    /// The client asks a foreign person's client something, or answers it.
    pub(super) fn query_to(
        &self,
        to: &Address,
        stanza: &Element,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        if !matches!(stanza.attr("type"), Some("get" | "set")) {
            return cx.keep();
        }
        let asked = stanza.elements().next().filter(|_| stanza.attr("type") == Some("get"));
        let answer = match asked {
            Some(q) if q.is("query", ns::DISCO_INFO) => disco_info(q),
            Some(q) if q.is("vCard", ns::VCARD) => {
                let known = self.contacts.get(to);
                let alias = known.and_then(|known| known.contact.alias.as_deref());
                let name = Element::new("FN", ns::VCARD).say(alias.unwrap_or(to.local()));
                Element::new("vCard", ns::VCARD).child(name)
            }
            _ => return self.refuse(&stanza.head(), "service-unavailable", cx),
        };
        cx.keep()?;
        let answer = reply(&stanza.head(), "result", Some(&self.full)).child(answer);
        cx.say(&answer)
    }

    /// Pushes something to the client, as its server does (RFC 6121, section 2.1.6).
    pub(super) fn push_iq(&self, payload: Element, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let push = Element::new("iq", ns::CLIENT)
            .with("type", "set")
            .with("id", our_id(&mut cx.context.ids))
            .with("to", &self.full)
            .child(payload);
        cx.say(&push)
    }

    /// Asks the client what it understands, as its server might.
    pub(super) fn ask_client(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.chat_states = Support::Asked;
        let ask = Element::new("iq", ns::CLIENT)
            .with("type", "get")
            .with("id", our_id(&mut cx.context.ids))
            .with("from", cx.link.naming.domain())
            .with("to", &self.full)
            .child(Element::new("query", ns::DISCO_INFO));
        cx.say(&ask)
    }

    /// The client answers that, or one of our pushes.
    fn answered(&mut self, raw: &[u8], cx: &Cx<'_>) -> Result<(), Fault> {
        if raw.len() > MAX_ASKED {
            return Ok(());
        }
        let Some(stanza) = cx.read(Side::Client, raw)? else { return Ok(()) };
        let features = stanza.get("query", ns::DISCO_INFO).into_iter().flat_map(Element::elements);
        let mut names = features.filter_map(|feature| feature.attr("var"));
        if names.any(|name| name == ns::CHAT_STATES) {
            self.chat_states = Support::Yes;
        }
        Ok(())
    }

    /// The client asks its own server something.
    pub(super) fn own_query(
        &mut self,
        raw: Bytes,
        head: &Head<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let own = self.is_self(head.to.as_deref());
        let asked = if own { cx.only_child(&raw)? } else { None };
        let asked = asked.as_ref().map(|(name, ns)| (name.as_str(), ns.as_str()));
        let get = head.kind.as_deref() == Some("get");
        match asked {
            Some(("blocklist", ns::BLOCKING)) => return self.blocklist_get(raw, head, cx),
            Some(("query", ns::MAM)) => {
                let foreign = cx.mentions_foreign(&raw)?;
                return if foreign { self.nothing_archived(head, cx) } else { cx.up(raw) };
            }
            Some((name @ ("enable" | "disable"), ns::CARBONS)) => {
                self.carbons = false;
                if name == "enable" {
                    self.requests.asks(head.id.as_deref(), Asked::Carbons);
                }
            }
            Some((name @ ("invisible" | "visible"), ns)) if ns.starts_with(ns::INVISIBLE) => {
                self.own.hide(name == "invisible");
                self.own.touch();
            }
            Some(("query", ns::ROSTER | ns::PRIVACY) | ("block" | "unblock", ns::BLOCKING)) => {
                let Some(stanza) = cx.read(Side::Client, &raw)? else {
                    return self.refuse(head, "policy-violation", cx);
                };
                match asked {
                    Some((_, ns::ROSTER)) if get => return self.roster_get(raw, &stanza, cx),
                    Some((_, ns::ROSTER)) => return self.roster_set(raw, &stanza, cx),
                    Some((_, ns::BLOCKING)) => return self.block(raw, &stanza, cx),
                    // What does not reach the server is not answered by it.
                    _ if cx.mentions_foreign(&raw)? => {
                        return self.refuse(head, "not-acceptable", cx);
                    }
                    _ if !Privacy::can_follow(&stanza) => {
                        return self.refuse(head, "policy-violation", cx);
                    }
                    _ => {
                        self.privacy.ask(&stanza, &cx.link.naming);
                        self.own.touch();
                        return cx.up(raw);
                    }
                }
            }
            _ => {}
        }
        self.forward_if_clean(raw, head, cx)
    }

    /// The server answers what the client, or the gateway, asked of privacy lists.
    fn privacy_answered(
        &mut self,
        head: &Head<'_>,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let id = head.id.as_deref().unwrap_or_default();
        let read = cx.read(Side::Server, &raw)?;
        let asks = self.privacy.answered(read.as_ref(), id, &cx.link.naming);
        if id.starts_with(OURS) {
            cx.swallow();
        } else {
            cx.down(raw);
        }
        if asks {
            self.ask_privacy(cx)?;
        }
        self.own.touch();
        Ok(())
    }

    /// The server says that a privacy list was changed, by this session or another.
    fn privacy_pushed(&mut self, raw: Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let read = cx.read(Side::Server, &raw)?;
        let list = read.as_ref().and_then(|iq| iq.get("query", ns::PRIVACY)?.elements().next());
        if let Some(name) = list.and_then(|l| l.attr("name")) {
            self.privacy.changed(name);
        }
        cx.down(raw);
        self.ask_privacy(cx)?;
        self.own.touch();
        Ok(())
    }

    /// The archive of what was said with a foreign person is empty.
    fn nothing_archived(&self, head: &Head<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        cx.keep()?;
        let nothing = Element::new("set", ns::RSM).child(Element::new("count", ns::RSM).say("0"));
        let fin = Element::new("fin", ns::MAM).with("complete", "true").child(nothing);
        let answer = reply(head, "result", Some(&self.full)).child(fin);
        cx.say(&answer)
    }

    /// The client answers an IQ that was not a foreign person's: the server's or ours.
    pub(super) fn answer_from_client(
        &mut self,
        head: &Head<'_>,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        if head.id.as_deref().is_some_and(|id| id.starts_with(OURS)) {
            self.answered(&raw, cx)?;
            return cx.keep();
        }
        self.forward_if_clean(raw, head, cx)
    }

    /// An IQ of the server: an answer that foreign items belong into, a push, or neither.
    pub(super) fn query_from_server(
        &mut self,
        head: &Head<'_>,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let place = cx.link.acks.as_ref().and_then(|acks| acks.next_place());
        let id = head.id.as_deref().unwrap_or_default();
        match head.kind.as_deref() {
            // Other people can send answers too, to questions they were never asked.
            Some("result" | "error") if self.is_self(head.from.as_deref()) => {
                match self.requests.answered(id, place) {
                    Some(Asked::Roster { current }) => {
                        return self.roster_result(raw, current, cx);
                    }
                    Some(Asked::Blocklist) => return self.blocklist_result(raw, cx),
                    Some(Asked::Carbons) => {
                        self.carbons = head.kind.as_deref() == Some("result");
                    }
                    None => {}
                }
                if self.privacy.awaits(id) {
                    return self.privacy_answered(head, raw, cx);
                }
                if id.starts_with(OURS) {
                    // Asked on a connection of before: the client knows nothing of it.
                    cx.swallow();
                    return Ok(());
                }
            }
            Some("set")
                if self.is_self(head.from.as_deref())
                    && memchr::memmem::find(&raw, ns::PRIVACY.as_bytes()).is_some() =>
            {
                return self.privacy_pushed(raw, cx);
            }
            // Only the server, or the account itself, pushes (RFC 6121, section 2.1.6).
            Some("set")
                if self.is_self(head.from.as_deref())
                    && memchr::memmem::find(&raw, ns::ROSTER.as_bytes()).is_some() =>
            {
                return self.roster_pushed(raw, cx);
            }
            _ => {}
        }
        cx.down(raw);
        Ok(())
    }

    /// Answers the client's request with success.
    pub(super) fn result(&self, request: &Head<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        cx.keep()?;
        cx.say(&reply(request, "result", Some(&self.full)))
    }
}

/// The answer to service discovery, with the node that was asked for.
fn disco_info(asked: &Element) -> Element {
    let identity = Element::new("identity", ns::DISCO_INFO)
        .with("category", "client")
        .with("type", "pc")
        .with("name", "CrossTalk");
    let mut info =
        Element::new("query", ns::DISCO_INFO).with_some("node", asked.attr("node")).child(identity);
    for feature in FEATURES {
        info.push(Element::new("feature", ns::DISCO_INFO).with("var", feature));
    }
    info
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use sha1::{Digest, Sha1};

    #[test]
    fn capabilities_have_the_name_that_they_hash_to() {
        let mut spelled = String::from("client/pc//CrossTalk<");
        assert!(FEATURES.is_sorted());
        for feature in FEATURES {
            spelled.extend([feature, "<"]);
        }
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha1::digest(spelled));
        assert_eq!(hash, CAPS_VERSION);
    }
}
