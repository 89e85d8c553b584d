//! Stanzas that go no further: the errors that answer them (RFC 6120, section 8.3), and foreign
//! names, which no server is told.

use bytes::Bytes;
use crosstalk_core::{Fault, NameClass};

use super::account::Account;
use super::context::Cx;
use super::wire::ns;
use super::wire::stanza_head::Head;
use super::wire::xml::{Element, scan};

impl Account {
    /// Keeps a stanza from the server and tells the client so, unless it is an answer itself.
    pub(super) fn refuse(
        &self,
        asked: &Head<'_>,
        condition: &str,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        cx.refuse(asked, (condition, ""), Some(&self.full))
    }

    /// Forwards a stanza for the client's own server unless a foreign name stands in it.
    pub(super) fn forward_if_clean(
        &self,
        raw: Bytes,
        head: &Head<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        cx.forward_if_clean(raw, head, Some(&self.full))
    }
}

impl Cx<'_> {
    /// Keeps a stanza from the server and tells the client so, whose full JID is `full` if it has
    /// one, unless that is an answer itself: by a condition, and a reason in words or none.
    pub(super) fn refuse(
        &mut self,
        asked: &Head<'_>,
        (condition, why): (&str, &str),
        full: Option<&str>,
    ) -> Result<(), Fault> {
        self.keep()?;
        // An error that answers an error would go back and forth for ever (RFC 6120, section 8.3.1).
        if matches!(asked.kind.as_deref(), Some("error" | "result")) {
            return Ok(());
        }
        let mut error = Element::new("error", ns::CLIENT)
            .with("type", "cancel")
            .child(Element::new(condition, ns::STANZAS));
        if !why.is_empty() {
            error.push(Element::new("text", ns::STANZAS).say(why));
        }
        self.say(&reply(asked, "error", full).child(error))
    }

    /// Forwards a stanza for the client's own server unless a foreign name stands in it.
    pub(super) fn forward_if_clean(
        &mut self,
        raw: Bytes,
        head: &Head<'_>,
        full: Option<&str>,
    ) -> Result<(), Fault> {
        if self.mentions_foreign(&raw)? {
            return self.refuse(head, ("not-acceptable", ""), full);
        }
        self.up(raw)
    }

    /// Whether a foreign name stands in the client's `stanza`.
    pub(super) fn mentions_foreign(&self, stanza: &[u8]) -> Result<bool, Fault> {
        let naming = &self.link.naming;
        let is_foreign = |name: &str| {
            let shaped = name.contains('@') && !name.contains(char::is_whitespace);
            shaped && naming.class_of(name) != NameClass::Own
        };
        if !naming.may_be_in(stanza) {
            return Ok(false);
        }
        scan::mentions(stanza, is_foreign).map_err(|e| Fault::client(e.0))
    }
}

/// The frame of an answer to `request`, for the session `full`.
pub(super) fn reply(request: &Head<'_>, kind: &str, full: Option<&str>) -> Element {
    Element::new(request.name, ns::CLIENT)
        .with("type", kind)
        .with_some("id", request.id.as_deref())
        .with_some("from", request.to.as_deref())
        .with_some("to", full)
}
