//! The block list (XEP-0191): foreign names are kept from the server and shown beside its own.

use bytes::Bytes;
use crosstalk_core::{Address, Fault, MAX_CONTACTS, NameClass, RosterEdit, Side};

use crate::xmpp::account::{Account, Asked};
use crate::xmpp::context::Cx;
use crate::xmpp::wire::ns;
use crate::xmpp::wire::stanza_head::Head;
use crate::xmpp::wire::xml::Element;

impl Account {
    /// The client asks whom it blocked.
    pub(in crate::xmpp) fn blocklist_get(
        &mut self,
        raw: Bytes,
        head: &Head<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        self.requests.asks(head.id.as_deref(), Asked::Blocklist);
        cx.up(raw)
    }

    /// The server's answer to that.
    pub(in crate::xmpp) fn blocklist_result(
        &mut self,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let read = cx.read(Side::Server, &raw)?;
        let Some(mut stanza) = read else {
            cx.down(raw);
            return Ok(());
        };
        let blocked = self.contacts.iter().filter(|(_, known)| known.contact.blocked);
        let blocked: Vec<String> =
            blocked.map(|(address, _)| self.bare_of(&cx.link.naming, address)).collect();
        let Some(list) = stanza.get_mut("blocklist", ns::BLOCKING) else {
            cx.down(raw);
            return Ok(());
        };
        self.blocklist_shown = true;
        if blocked.is_empty() {
            cx.down(raw);
            return Ok(());
        }
        for jid in blocked {
            list.push(Element::new("item", ns::BLOCKING).with("jid", jid));
        }
        cx.down_as(&stanza);
        Ok(())
    }

    /// The client blocks or unblocks.
    pub(in crate::xmpp) fn block(
        &mut self,
        raw: Bytes,
        stanza: &Element,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let Some(change) = stanza.elements().next() else {
            return self.forward_if_clean(raw, &stanza.head(), cx);
        };
        let block = change.name() == "block";
        let classes: Vec<NameClass> = change
            .elements()
            .map(|item| cx.link.naming.class_of(item.attr("jid").unwrap_or_default()))
            .collect();
        if classes.contains(&NameClass::Nowhere) {
            return self.refuse(&stanza.head(), "item-not-found", cx);
        }
        if classes.len() > MAX_CONTACTS {
            return self.refuse(&stanza.head(), "policy-violation", cx);
        }
        let everybody = !block && classes.is_empty();
        let foreign: Vec<Address> = if everybody {
            let blocked = self.contacts.iter().filter(|(_, known)| known.contact.blocked);
            blocked.map(|(address, _)| address.clone()).collect()
        } else {
            let foreign = classes.iter().filter_map(|class| match class {
                NameClass::Foreign(address) => Some(address.clone()),
                _ => None,
            });
            foreign.collect()
        };
        if !block && !foreign.is_empty() {
            self.publish_first(cx);
        }
        for address in &foreign {
            cx.edit(RosterEdit::Block(address.clone(), block));
        }
        if everybody || foreign.is_empty() {
            return cx.up(raw);
        }
        if foreign.len() == classes.len() {
            return self.result(&stanza.head(), cx);
        }
        let mut rest = stanza.clone();
        if let Some(change) = rest.get_mut(change.name(), ns::BLOCKING) {
            let naming = &cx.link.naming;
            change.retain(|item| {
                naming.class_of(item.attr("jid").unwrap_or_default()) == NameClass::Own
            });
        }
        cx.up_as(&rest)
    }

    /// Tells a client that follows its block list that a foreign person joined or left it.
    pub(in crate::xmpp) fn push_block(
        &mut self,
        address: &Address,
        blocked: bool,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        if !self.blocklist_shown {
            return Ok(());
        }
        let name = if blocked { "block" } else { "unblock" };
        let item =
            Element::new("item", ns::BLOCKING).with("jid", self.bare_of(&cx.link.naming, address));
        self.push_iq(Element::new(name, ns::BLOCKING).child(item), cx)
    }
}
