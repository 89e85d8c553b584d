//! The block list (XEP-0191): foreign names are kept from the server and shown beside its own.

use bytes::Bytes;
use crosstalk_core::{Address, Event, Fault, MAX_CONTACTS, NameClass, Output, RosterEdit, Side};

use crate::xmpp::Jabber;
use crate::xmpp::account::Asked;
use crate::xmpp::iq;
use crate::xmpp::wire::head::Head;
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::Element;

impl Jabber {
    /// The client asks whom it blocked.
    pub(in crate::xmpp) fn blocklist_get(
        &mut self,
        raw: Bytes,
        head: &Head<'_>,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if let Some(account) = &mut self.account {
            account.requests.asks(head.id.as_deref(), Asked::Blocklist);
        }
        self.link.up(raw, out)
    }

    /// The server's answer to that.
    pub(in crate::xmpp) fn blocklist_result(
        &mut self,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let read = self.read(Side::Server, &raw)?;
        let (Some(account), Some(mut stanza)) = (&mut self.account, read) else {
            self.link.down(raw, out);
            return Ok(());
        };
        let blocked = account.contacts.iter().filter(|(_, known)| known.contact.blocked);
        let blocked: Vec<String> =
            blocked.map(|(address, _)| account.bare_of(&self.naming, address)).collect();
        let Some(list) = stanza.get_mut("blocklist", ns::BLOCKING) else {
            self.link.down(raw, out);
            return Ok(());
        };
        account.blocklist_shown = true;
        if blocked.is_empty() {
            self.link.down(raw, out);
            return Ok(());
        }
        for jid in blocked {
            list.push(Element::new("item", ns::BLOCKING).with("jid", jid));
        }
        self.link.down_as(&stanza, out);
        Ok(())
    }

    /// The client blocks or unblocks.
    pub(in crate::xmpp) fn block(
        &mut self,
        raw: Bytes,
        stanza: &Element,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Some(change) = stanza.elements().next() else {
            return self.forward_if_clean(raw, &stanza.head(), out);
        };
        let block = change.name() == "block";
        let classes: Vec<NameClass> = change
            .elements()
            .map(|item| self.naming.class_of(item.attr("jid").unwrap_or_default()))
            .collect();
        if classes.contains(&NameClass::Nowhere) {
            return self.refuse(&stanza.head(), "item-not-found", out);
        }
        if classes.len() > MAX_CONTACTS {
            return self.refuse(&stanza.head(), "policy-violation", out);
        }
        let everybody = !block && classes.is_empty();
        let foreign: Vec<Address> = if everybody {
            let contacts = self.account.iter().flat_map(|p| &p.contacts);
            let blocked = contacts.filter(|(_, known)| known.contact.blocked);
            blocked.map(|(address, _)| address.clone()).collect()
        } else {
            let foreign = classes.iter().filter_map(|class| match class {
                NameClass::Foreign(address) => Some(address.clone()),
                _ => None,
            });
            foreign.collect()
        };
        for address in &foreign {
            out.emit(Event::Roster(RosterEdit::Block(address.clone(), block)));
        }
        if everybody || foreign.is_empty() {
            return self.link.up(raw, out);
        }
        if foreign.len() == classes.len() {
            return self.result(&stanza.head(), out);
        }
        let mut rest = stanza.clone();
        if let Some(change) = rest.get_mut(change.name(), ns::BLOCKING) {
            let naming = &self.naming;
            change.retain(|item| {
                naming.class_of(item.attr("jid").unwrap_or_default()) == NameClass::Own
            });
        }
        self.link.up_as(&rest, out)
    }

    /// Tells a client that follows its block list that a foreign person joined or left it.
    pub(in crate::xmpp) fn push_block(
        &mut self,
        address: &Address,
        blocked: bool,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Some(account) = self.account.as_ref().filter(|p| p.blocklist_shown) else {
            return Ok(());
        };
        let name = if blocked { "block" } else { "unblock" };
        let item =
            Element::new("item", ns::BLOCKING).with("jid", account.bare_of(&self.naming, address));
        let push = Element::new("iq", ns::CLIENT)
            .with("type", "set")
            .with("id", iq::our_id(&mut self.context.ids))
            .with("to", &account.full)
            .child(Element::new(name, ns::BLOCKING).child(item));
        self.link.say(&push, out)
    }
}
