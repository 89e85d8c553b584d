//! Handlers of the stanzas of a session, by who says each and to whom.

use bytes::Bytes;
use crosstalk_core::{Fault, MAX_TEXT, NameClass, Side};

use super::account::Account;
use super::context::{Cx, broken};
use super::stream_management;
use super::wire::stanza_head::Head;

/// The longest stanza for a foreign person, in bytes: the longest text that there is, plain and
/// formatted, with room for markup.
const MAX_FOREIGN: usize = 8 * MAX_TEXT;

impl Account {
    /// One top-level element of the client.
    pub(super) fn client_stanza(&mut self, raw: &Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let head = Head::of(raw).map_err(|e| broken(Side::Client, e))?;
        if !head.is_stanza() {
            return stream_management::ack_from_client(&mut self.requests, &head, raw, cx);
        }
        // Of stanzas alone, as XEP-0198 counts: what is said again comes among the first of them.
        self.repeats.count();
        let class = head.to.as_deref().map_or(NameClass::Own, |to| cx.link.naming.class_of(to));
        let to = match class {
            NameClass::Foreign(to) => to,
            NameClass::Nowhere => return self.refuse(&head, "item-not-found", cx),
            NameClass::Own => return self.own_stanza(raw.clone(), &head, cx),
        };
        // Larger than anything that could arrive at somebody: not worth reading.
        let read = (raw.len() <= MAX_FOREIGN).then(|| cx.read(Side::Client, raw));
        let Some(stanza) = read.transpose()?.flatten() else {
            return self.refuse(&head, "policy-violation", cx);
        };
        match head.name {
            "message" => self.message_to(&to, &stanza, cx),
            "presence" => self.presence_to(&to, &stanza, cx),
            _ => self.query_to(&to, &stanza, cx),
        }
    }

    /// A stanza for the client's own server or somebody there.
    fn own_stanza(&mut self, raw: Bytes, head: &Head<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        match (head.name, head.kind.as_deref()) {
            ("presence", _) => self.own_presence(raw, head, cx),
            ("iq", Some("result" | "error")) => self.answer_from_client(head, raw, cx),
            ("iq", _) => self.own_query(raw, head, cx),
            _ => self.forward_if_clean(raw, head, cx),
        }
    }

    /// One top-level element of the server.
    pub(super) fn server_stanza(&mut self, raw: &Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let head = Head::of(raw).map_err(|e| broken(Side::Server, e))?;
        match head.name {
            "iq" => self.query_from_server(&head, raw.clone(), cx),
            "message" | "presence" => {
                cx.down(raw.clone());
                Ok(())
            }
            _ => stream_management::ack_from_server(&head, raw, cx),
        }
    }
}
