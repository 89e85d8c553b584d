//! The roster (RFC 6121, section 2): one list of the server's people and the foreign ones.
//!
//! The client's version is the server's with a mark of the foreign part behind it, so that
//! either part may change without the other.

mod blocking;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use bytes::Bytes;
use crosstalk_core::{
    Address, Contact, Event, Fault, MAX_CONTACTS, MAX_GROUPS, MAX_LABEL, NameClass, Now, Output,
    Presence, Roster, RosterEdit, Side, Subscription,
};

use crate::xmpp::Jabber;
use crate::xmpp::account::{Account, Asked, Foreign, Known, Marks};
use crate::xmpp::jid::{self, Naming};
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::Element;

/// Separator between the server's version and the mark of the foreign part.
const MARK: &str = "+xt";

impl Jabber {
    /// The client asks for its roster.
    pub(in crate::xmpp) fn roster_get(
        &mut self,
        now: Now,
        raw: Bytes,
        stanza: &Element,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if self.waits_for_roster(now, &raw) {
            return Ok(());
        }
        let Some(account) = &mut self.account else { return Ok(()) };
        let asked = stanza.get("query", ns::ROSTER).and_then(|q| q.attr("ver"));
        let (theirs, ours) = asked.map_or((None, None), |ver| split_version(ver));
        let current = ours == mark(account).as_deref();
        account.requests.asks(stanza.attr("id"), Asked::Roster { current });
        // With another foreign part, only a full answer lets the client forget old items.
        let wanted = if current { theirs } else { theirs.map(|_| "") };
        if current {
            account.roster.version = theirs.map(str::to_owned);
        }
        if wanted == asked {
            return self.link.up(raw, out);
        }
        let mut stanza = stanza.clone();
        if let (Some(query), Some(wanted)) = (stanza.get_mut("query", ns::ROSTER), wanted) {
            query.set("ver", wanted);
        }
        self.link.up_as(&stanza, out)
    }

    /// The server's answer to [`Jabber::roster_get`].
    pub(in crate::xmpp) fn roster_result(
        &mut self,
        now: Now,
        raw: Bytes,
        current: bool,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let read = self.read(Side::Server, &raw)?;
        let Some(account) = &mut self.account else { return Ok(()) };
        let Some(mut stanza) = read else {
            // Too long to be read: it passes, and the foreign people come behind it.
            account.roster.shown = true;
            self.link.down(raw, out);
            return self.push_all(now, out);
        };
        if stanza.attr("type") == Some("error") {
            self.link.down(raw, out);
            return Ok(());
        }
        account.roster.shown = true;
        let Some(query) = stanza.get_mut("query", ns::ROSTER) else {
            self.link.down(raw, out);
            return if current { Ok(()) } else { self.push_all(now, out) };
        };
        account.roster.version = query.attr("ver").map(str::to_owned);
        if account.marks.items == 0 {
            self.link.down(raw, out);
            return Ok(());
        }
        if let Some(version) = client_version(account) {
            query.set("ver", version);
        }
        // What the server holds under a name of ours is a leftover from before the gateway.
        let naming = &self.naming;
        query.retain(|item| {
            !matches!(naming.class_of(item.attr("jid").unwrap_or_default()),
                NameClass::Foreign(a) if account.contacts.contains_key(&a))
        });
        for known in account.contacts.values().filter(|known| known.contact.listed) {
            query.push(item(account, naming, &known.contact));
        }
        self.link.down_as(&stanza, out);
        // profanity forgets who is there when it resumes a session, and asks for its list anew.
        self.show_everybody(now, out)
    }

    /// A push of the server: its version gets the foreign mark.
    pub(in crate::xmpp) fn roster_pushed(
        &mut self,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let read = self.read(Side::Server, &raw)?;
        let (Some(account), Some(mut stanza)) = (&mut self.account, read) else {
            self.link.down(raw, out);
            return Ok(());
        };
        if let Some(query) = stanza.get_mut("query", ns::ROSTER)
            && let Some(version) = query.attr("ver")
        {
            account.roster.version = Some(version.to_owned());
            if let Some(version) = client_version(account)
                && query.attr("ver") != Some(&version)
            {
                query.set("ver", version);
                self.link.down_as(&stanza, out);
                return Ok(());
            }
        }
        self.link.down(raw, out);
        Ok(())
    }

    /// The client changes an item of its roster.
    pub(in crate::xmpp) fn roster_set(
        &mut self,
        raw: Bytes,
        stanza: &Element,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let query = stanza.get("query", ns::ROSTER);
        let mut items = query.into_iter().flat_map(Element::elements);
        let (Some(item), None) = (items.next(), items.next()) else {
            return self.forward_if_clean(raw, &stanza.head(), out);
        };
        let spelled = item.attr("jid").unwrap_or_default();
        let address = match self.naming.class_of(spelled) {
            NameClass::Own => return self.link.up(raw, out),
            NameClass::Nowhere => return self.refuse(&stanza.head(), "item-not-found", out),
            NameClass::Foreign(address) => address,
        };
        let mut groups: Vec<String> = groups(item).collect();
        groups.sort_unstable();
        if groups.windows(2).any(|two| matches!(two, [one, other] if one == other)) {
            // RFC 6121, section 2.3.3.
            return self.refuse(&stanza.head(), "bad-request", out);
        }
        let Some(account) = &mut self.account else { return Ok(()) };
        let listed = account.lists(&address);
        let edit = if item.attr("subscription") == Some("remove") {
            if !listed {
                return self.refuse(&stanza.head(), "item-not-found", out);
            }
            RosterEdit::Remove(address)
        } else {
            let typed = jid::bare(spelled).to_lowercase();
            let typed = self.naming.accept(&typed, &address).filter(|_| !listed);
            let spelling =
                typed.map_or_else(|| account.bare_of(&self.naming, &address), str::to_owned);
            if account.adding.len() < MAX_CONTACTS {
                account.adding.insert(address.clone());
            }
            list(address, spelling, item)
        };
        out.emit(Event::Roster(edit));
        self.result(&stanza.head(), out)
    }

    /// The foreign contacts, once known: shown in the roster to come, or pushed into one that
    /// the client already has.
    pub(in crate::xmpp) fn take_roster(
        &mut self,
        now: Now,
        roster: &Roster,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        account.foreign = Foreign::Here;
        let gone: Vec<Contact> = account
            .contacts
            .values()
            .filter(|known| roster.contact(&known.contact.address).is_none())
            .map(|known| {
                Contact::new(known.contact.address.clone(), known.contact.spelling.clone())
            })
            .collect();
        for contact in gone {
            self.contact_changed(now, contact, out)?;
        }
        for contact in roster.contacts() {
            self.contact_changed(now, contact.clone(), out)?;
        }
        Ok(())
    }

    /// A contact is not as the client knows it, or is again what the client just made of it.
    pub(in crate::xmpp) fn contact_changed(
        &mut self,
        now: Now,
        contact: Contact,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        let address = contact.address.clone();
        account.adding.remove(&address);
        let before = account.contacts.remove(&address);
        let old_item = before
            .as_ref()
            .filter(|known| known.contact.listed)
            .map(|known| item(account, &self.naming, &known.contact));
        let was_blocked = before.as_ref().is_some_and(|known| known.contact.blocked);
        let new_item = contact.listed.then(|| item(account, &self.naming, &contact));
        let mark = new_item.as_ref().map(|item| mark_of(&address, item));
        account.marks.replace(before.as_ref().and_then(|known| known.mark), mark);
        let (listed, blocked) = (contact.listed, contact.blocked);
        let former = before.as_ref().map(|known| known.contact.spelling.clone());
        let (presence, stale) =
            before.map_or((Presence::offline(), false), |known| (known.presence, known.stale));
        let shown = presence.is_online();
        if contact.is_empty() {
            account.keep_spelling(&self.naming, &address, former.as_deref());
        } else {
            let known = Box::new(Known { contact, presence, stale, mark });
            account.contacts.insert(address.clone(), known);
        }
        if old_item != new_item && account.roster.shown {
            let jid = |item: &Option<Element>| item.as_ref()?.attr("jid").map(str::to_owned);
            if let Some(gone) = jid(&old_item).filter(|old| jid(&new_item).as_ref() != Some(old)) {
                let item = Element::new("item", ns::ROSTER);
                self.push(item.with("jid", gone).with("subscription", "remove"), out)?;
            }
            if let Some(item) = new_item {
                self.push(item, out)?;
            }
            // libpurple shows a regrouped contact offline until it hears again.
            if listed && shown {
                self.show_presence(now, &address, out)?;
            }
        }
        if listed && !address.is_control() {
            self.ask_about_typing(out)?;
        }
        if was_blocked == blocked { Ok(()) } else { self.push_block(&address, blocked, out) }
    }

    /// Tells the client every foreign item, one by one.
    fn push_all(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        let Some(account) = &self.account else { return Ok(()) };
        let listed = account.contacts.values().filter(|known| known.contact.listed);
        let items: Vec<_> = listed
            .map(|known| {
                let address = known.contact.address.clone();
                (address, item(account, &self.naming, &known.contact))
            })
            .collect();
        for (address, item) in items {
            self.push(item, out)?;
            self.show_presence(now, &address, out)?;
        }
        Ok(())
    }

    /// Tells the client one item.
    fn push(&mut self, item: Element, out: &mut Output) -> Result<(), Fault> {
        let Some(account) = &self.account else { return Ok(()) };
        let version = client_version(account);
        let query = Element::new("query", ns::ROSTER).with_some("ver", version).child(item);
        let push = Element::new("iq", ns::CLIENT)
            .with("type", "set")
            .with("id", crate::xmpp::iq::our_id(&mut self.context.ids))
            .with("to", &account.full)
            .child(query);
        self.link.say(&push, out)
    }
}

/// The groups of a roster item.
fn groups(item: &Element) -> impl Iterator<Item = String> {
    item.elements().filter(|e| e.is("group", ns::ROSTER)).map(Element::text)
}

/// Edit that a client's roster item asks for.
fn list(address: Address, spelling: String, item: &Element) -> RosterEdit {
    let label =
        |text: &str| text.get(..text.floor_char_boundary(MAX_LABEL)).unwrap_or_default().to_owned();
    let groups = groups(item).map(|group| label(&group));
    RosterEdit::List {
        address,
        spelling,
        alias: item.attr("name").filter(|name| !name.is_empty()).map(label),
        groups: groups.filter(|g| !g.is_empty()).take(MAX_GROUPS).collect(),
    }
}

/// A contact as a roster item.
fn item(account: &Account, naming: &Naming, contact: &Contact) -> Element {
    let subscription = match (&contact.to, &contact.from) {
        (Subscription::Granted, Subscription::Granted) => "both",
        (Subscription::Granted, _) => "to",
        (_, Subscription::Granted) => "from",
        _ => "none",
    };
    let asked = matches!(contact.to, Subscription::Asked(_)).then_some("subscribe");
    let jid = naming.accept(&contact.spelling, &contact.address).map(str::to_owned);
    let jid = jid.unwrap_or_else(|| account.bare_of(naming, &contact.address));
    let mut item = Element::new("item", ns::ROSTER)
        .with("jid", jid)
        .with_some("name", contact.alias.as_deref())
        .with("subscription", subscription)
        .with_some("ask", asked);
    for group in &contact.groups {
        item.push(Element::new("group", ns::ROSTER).say(group));
    }
    item
}

/// The part of one item in the [mark](mark) of all.
fn mark_of(address: &Address, item: &Element) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((address, item.to_xml()))
}

/// A mark of the foreign part of the roster; nothing where there is none.
fn mark(account: &Account) -> Option<String> {
    let Marks { sum, items } = account.marks;
    (items > 0).then(|| format!("{sum:016x}"))
}

/// The version to tell the client, where the server has one.
fn client_version(account: &Account) -> Option<String> {
    let theirs = account.roster.version.as_deref()?;
    Some(match mark(account) {
        Some(ours) => format!("{theirs}{MARK}{ours}"),
        None => theirs.to_owned(),
    })
}

/// A client's version, taken apart.
fn split_version(version: &str) -> (Option<&str>, Option<&str>) {
    version
        .rsplit_once(MARK)
        .map_or((Some(version), None), |(theirs, ours)| (Some(theirs), Some(ours)))
}
