//! IQs (RFC 6120, section 8.2.3): what is asked of foreign people, and what of the server.

use bytes::Bytes;
use crosstalk_core::{Address, EnvelopeIds, Fault, NameClass, Now, Output, Presence, Side};

use super::Jabber;
use super::account::{Asked, Support};
use super::wire::head::Head;
use super::wire::ns;
use super::wire::xml::{Element, scan};

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

impl Jabber {
    /// The client asks a foreign person's client something, or answers it.
    pub(super) fn query_to(
        &mut self,
        to: &Address,
        stanza: &Element,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if !matches!(stanza.attr("type"), Some("get" | "set")) {
            return self.link.keep(out);
        }
        let asked = stanza.elements().next().filter(|_| stanza.attr("type") == Some("get"));
        let answer = match asked {
            Some(q) if q.is("query", ns::DISCO_INFO) => disco_info(q),
            Some(q) if q.is("vCard", ns::VCARD) => {
                let alias = self.account.as_ref().and_then(|p| p.contacts.get(to));
                let alias = alias.and_then(|known| known.contact.alias.as_deref());
                let name = Element::new("FN", ns::VCARD).say(alias.unwrap_or(to.local()));
                Element::new("vCard", ns::VCARD).child(name)
            }
            _ => return self.refuse(&stanza.head(), "service-unavailable", out),
        };
        self.link.keep(out)?;
        let answer = self.reply(&stanza.head(), "result").child(answer);
        self.link.say(&answer, out)
    }

    /// Asks the client what it understands, as its server might.
    pub(super) fn ask_client(&mut self, out: &mut Output) -> Result<(), Fault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        account.chat_states = Support::Asked;
        let ask = Element::new("iq", ns::CLIENT)
            .with("type", "get")
            .with("id", our_id(&mut self.context.ids))
            .with("from", self.naming.domain())
            .with("to", &account.full)
            .child(Element::new("query", ns::DISCO_INFO));
        self.link.say(&ask, out)
    }

    /// The client answers that, or one of our pushes.
    fn answered(&mut self, raw: &[u8]) -> Result<(), Fault> {
        if raw.len() > MAX_ASKED {
            return Ok(());
        }
        let Some(stanza) = self.read(Side::Client, raw)? else { return Ok(()) };
        let features = stanza.get("query", ns::DISCO_INFO).into_iter().flat_map(Element::elements);
        let mut names = features.filter_map(|feature| feature.attr("var"));
        if names.any(|name| name == ns::CHAT_STATES)
            && let Some(account) = &mut self.account
        {
            account.chat_states = Support::Yes;
        }
        Ok(())
    }

    /// The client asks its own server something.
    pub(super) fn own_query(
        &mut self,
        now: Now,
        raw: Bytes,
        head: &Head<'_>,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let own = self.account.as_ref().is_some_and(|p| p.is_self(head.to.as_deref()));
        let asked = if own { self.only_child(&raw)? } else { None };
        let asked = asked.as_ref().map(|(name, ns)| (name.as_str(), ns.as_str()));
        let get = head.kind.as_deref() == Some("get");
        match asked {
            Some(("blocklist", ns::BLOCKING)) => return self.blocklist_get(raw, head, out),
            Some(("query", ns::MAM)) if self.mentions_foreign(&raw)? => {
                return self.nothing_archived(head, out);
            }
            Some((name @ ("enable" | "disable"), ns::CARBONS)) => {
                if let Some(account) = &mut self.account {
                    account.carbons = false;
                    if name == "enable" {
                        account.requests.asks(head.id.as_deref(), Asked::Carbons);
                    }
                }
            }
            Some((name @ ("invisible" | "visible"), ns)) if ns.starts_with(ns::INVISIBLE) => {
                if let Some(account) = &mut self.account {
                    account.privacy.commanded = name == "invisible";
                    // Who shows again says so by presence.
                    if name == "visible" {
                        account.own.say(Presence::offline());
                    }
                }
                self.publish(out);
            }
            Some(("query", ns::ROSTER | ns::PRIVACY) | ("block" | "unblock", ns::BLOCKING)) => {
                let Some(stanza) = self.read(Side::Client, &raw)? else {
                    return self.refuse(head, "policy-violation", out);
                };
                match asked {
                    Some((_, ns::ROSTER)) if get => return self.roster_get(now, raw, &stanza, out),
                    Some((_, ns::ROSTER)) => return self.roster_set(raw, &stanza, out),
                    Some((_, ns::BLOCKING)) => return self.block(raw, &stanza, out),
                    _ => {
                        if let Some(account) = &mut self.account {
                            account.privacy.ask(&stanza, &self.naming);
                        }
                        self.publish(out);
                    }
                }
            }
            _ => {}
        }
        self.forward_if_clean(raw, head, out)
    }

    /// The server answers what the client, or the gateway, asked of privacy lists.
    fn privacy_answered(
        &mut self,
        now: Now,
        head: &Head<'_>,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let id = head.id.as_deref().unwrap_or_default();
        let read = self.read(Side::Server, &raw)?;
        if let Some(account) = &mut self.account {
            account.privacy.answered(read.as_ref(), id, &self.naming);
        }
        if id.starts_with(OURS) {
            self.link.swallow(out);
        } else {
            self.link.down(raw, out);
        }
        self.ask_privacy(now, out)?;
        self.publish(out);
        Ok(())
    }

    /// The server says that a privacy list was changed, by this session or another.
    fn privacy_pushed(&mut self, now: Now, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let read = self.read(Side::Server, &raw)?;
        let list = read.as_ref().and_then(|iq| iq.get("query", ns::PRIVACY)?.elements().next());
        if let (Some(account), Some(name)) = (&mut self.account, list.and_then(|l| l.attr("name")))
        {
            account.privacy.changed(name);
        }
        self.link.down(raw, out);
        self.ask_privacy(now, out)?;
        self.publish(out);
        Ok(())
    }

    /// The archive of what was said with a foreign person is empty.
    fn nothing_archived(&mut self, head: &Head<'_>, out: &mut Output) -> Result<(), Fault> {
        self.link.keep(out)?;
        let nothing = Element::new("set", ns::RSM).child(Element::new("count", ns::RSM).say("0"));
        let fin = Element::new("fin", ns::MAM).with("complete", "true").child(nothing);
        let answer = self.reply(head, "result").child(fin);
        self.link.say(&answer, out)
    }

    /// The client answers an IQ that was not a foreign person's: the server's or ours.
    pub(super) fn answer_from_client(
        &mut self,
        head: &Head<'_>,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if head.id.as_deref().is_some_and(|id| id.starts_with(OURS)) {
            self.answered(&raw)?;
            return self.link.keep(out);
        }
        self.forward_if_clean(raw, head, out)
    }

    /// An IQ of the server: an answer that foreign items belong into, a push, or neither.
    pub(super) fn query_from_server(
        &mut self,
        now: Now,
        head: &Head<'_>,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        let place = self.link.acks.as_ref().and_then(|acks| acks.next_place());
        let id = head.id.as_deref().unwrap_or_default();
        match head.kind.as_deref() {
            // Other people can send answers too, to questions they were never asked.
            Some("result" | "error") if account.is_self(head.from.as_deref()) => {
                match account.requests.answered(id, place) {
                    Some(Asked::Roster { current }) => {
                        return self.roster_result(now, raw, current, out);
                    }
                    Some(Asked::Blocklist) => return self.blocklist_result(raw, out),
                    Some(Asked::Carbons) => {
                        account.carbons = head.kind.as_deref() == Some("result");
                    }
                    None => {}
                }
                if account.privacy.awaits(id) {
                    return self.privacy_answered(now, head, raw, out);
                }
                if id.starts_with(OURS) {
                    // Asked on a connection of before.
                    self.link.swallow(out);
                    return Ok(());
                }
            }
            Some("set")
                if account.is_self(head.from.as_deref())
                    && memchr::memmem::find(&raw, ns::PRIVACY.as_bytes()).is_some() =>
            {
                return self.privacy_pushed(now, raw, out);
            }
            // Only the server, or the account itself, pushes (RFC 6121, section 2.1.6).
            Some("set")
                if account.is_self(head.from.as_deref())
                    && memchr::memmem::find(&raw, ns::ROSTER.as_bytes()).is_some() =>
            {
                return self.roster_pushed(raw, out);
            }
            _ => {}
        }
        self.link.down(raw, out);
        Ok(())
    }

    /// Answers the client's request with success.
    pub(super) fn result(&mut self, request: &Head<'_>, out: &mut Output) -> Result<(), Fault> {
        self.link.keep(out)?;
        let result = self.reply(request, "result");
        self.link.say(&result, out)
    }

    /// Keeps a stanza from the server and tells the client so, unless it is an answer itself.
    pub(super) fn refuse(
        &mut self,
        asked: &Head<'_>,
        condition: &str,
        out: &mut Output,
    ) -> Result<(), Fault> {
        self.refuse_saying(asked, condition, "", out)
    }

    /// The same, with a reason in words.
    pub(super) fn refuse_saying(
        &mut self,
        asked: &Head<'_>,
        condition: &str,
        why: &str,
        out: &mut Output,
    ) -> Result<(), Fault> {
        self.link.keep(out)?;
        if matches!(asked.kind.as_deref(), Some("error" | "result")) {
            return Ok(());
        }
        let mut error = Element::new("error", ns::CLIENT)
            .with("type", "cancel")
            .child(Element::new(condition, ns::STANZAS));
        if !why.is_empty() {
            error.push(Element::new("text", ns::STANZAS).say(why));
        }
        let answer = self.reply(asked, "error").child(error);
        self.link.say(&answer, out)
    }

    /// The frame of an answer to `request`.
    fn reply(&self, request: &Head<'_>, kind: &str) -> Element {
        Element::new(request.name, ns::CLIENT)
            .with("type", kind)
            .with_some("id", request.id.as_deref())
            .with_some("from", request.to.as_deref())
            .with_some("to", self.account.as_ref().map(|p| p.full.as_str()))
    }

    /// Forwards a stanza for the client's own server unless a foreign name stands in it.
    pub(super) fn forward_if_clean(
        &mut self,
        raw: Bytes,
        head: &Head<'_>,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if self.mentions_foreign(&raw)? {
            return self.refuse(head, "not-acceptable", out);
        }
        self.link.up(raw, out)
    }

    /// Whether a foreign name stands in the client's `stanza`.
    fn mentions_foreign(&self, stanza: &[u8]) -> Result<bool, Fault> {
        let is_foreign = |name: &str| {
            let shaped = name.contains('@') && !name.contains(char::is_whitespace);
            shaped && self.naming.class_of(name) != NameClass::Own
        };
        if !self.naming.may_be_in(stanza) {
            return Ok(false);
        }
        scan::mentions(stanza, is_foreign).map_err(|e| Fault::client(e.0))
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
