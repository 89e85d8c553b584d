//! The roster (RFC 6121, section 2): one list of the server's people and the foreign ones.
//!
//! The client's version is the server's with a mark of the foreign part behind it, so that
//! either part may change without the other.

mod blocking;
pub(super) mod client_view;
pub(super) mod spellings;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use bytes::Bytes;
use crosstalk_core::{
    Address, Contact, Fault, MAX_CONTACTS, MAX_GROUPS, MAX_LABEL, NameClass, Presence, Roster,
    RosterEdit, Side, Subscription,
};

use self::client_view::{Foreign, Known, Marks};
use crate::xmpp::account::{Account, Asked};
use crate::xmpp::context::Cx;
use crate::xmpp::jid::{self, Naming};
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::Element;

/// Separator between the server's version and the mark of the foreign part.
const MARK: &str = "+xt";

impl Account {
    /// The client asks for its roster.
    pub(in crate::xmpp) fn roster_get(
        &mut self,
        raw: Bytes,
        stanza: &Element,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        if self.foreign == Foreign::Awaited {
            cx.link.held.wait_for_list(raw, cx.now.instant);
            return Ok(());
        }
        let asked = stanza.get("query", ns::ROSTER).and_then(|q| q.attr("ver"));
        let (theirs, ours) = asked.map_or((None, None), |ver| split_version(ver));
        let current = ours == mark(self).as_deref();
        self.requests.asks(stanza.attr("id"), Asked::Roster { current });
        // With another foreign part, only a full answer lets the client forget old items.
        let wanted = if current { theirs } else { theirs.map(|_| "") };
        if current {
            self.roster.version = theirs.map(str::to_owned);
            // It has its list: what changes before the server has said so is a push.
            self.roster.shown |= theirs.is_some();
        }
        if wanted == asked {
            return cx.up(raw);
        }
        let mut stanza = stanza.clone();
        if let (Some(query), Some(wanted)) = (stanza.get_mut("query", ns::ROSTER), wanted) {
            query.set("ver", wanted);
        }
        cx.up_as(&stanza)
    }

    /// The server's answer to [`Account::roster_get`].
    pub(in crate::xmpp) fn roster_result(
        &mut self,
        raw: Bytes,
        current: bool,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let read = cx.read(Side::Server, &raw)?;
        let Some(mut stanza) = read else {
            // Too long to be read: it passes, and the foreign people come behind it.
            self.roster.shown = true;
            cx.down(raw);
            return self.push_all(cx);
        };
        if stanza.attr("type") == Some("error") {
            cx.down(raw);
            return Ok(());
        }
        self.roster.shown = true;
        let Some(query) = stanza.get_mut("query", ns::ROSTER) else {
            cx.down(raw);
            return if current { Ok(()) } else { self.push_all(cx) };
        };
        self.roster.version = query.attr("ver").map(str::to_owned);
        if self.marks.items == 0 {
            cx.down(raw);
            return Ok(());
        }
        if let Some(version) = client_version(self) {
            query.set("ver", version);
        }
        // What the server holds under a name of ours is a leftover from before the gateway.
        let naming = &cx.link.naming;
        query.retain(|item| {
            !matches!(naming.class_of(item.attr("jid").unwrap_or_default()),
                NameClass::Foreign(a) if self.contacts.contains_key(&a))
        });
        for known in self.contacts.values().filter(|known| known.contact.listed) {
            query.push(item(self, naming, &known.contact));
        }
        cx.down_as(&stanza);
        // profanity forgets who is there when it resumes a session, and asks for its list anew.
        self.show_everybody(cx)
    }

    /// A push of the server: its version gets the foreign mark.
    pub(in crate::xmpp) fn roster_pushed(
        &mut self,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let read = cx.read(Side::Server, &raw)?;
        let Some(mut stanza) = read else {
            cx.down(raw);
            return Ok(());
        };
        if let Some(query) = stanza.get_mut("query", ns::ROSTER)
            && let Some(version) = query.attr("ver")
        {
            self.roster.version = Some(version.to_owned());
            if let Some(version) = client_version(self)
                && query.attr("ver") != Some(&version)
            {
                query.set("ver", version);
                cx.down_as(&stanza);
                return Ok(());
            }
        }
        cx.down(raw);
        Ok(())
    }

    /// The client changes an item of its roster.
    pub(in crate::xmpp) fn roster_set(
        &mut self,
        raw: Bytes,
        stanza: &Element,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let query = stanza.get("query", ns::ROSTER);
        let mut items = query.into_iter().flat_map(Element::elements);
        let (Some(item), None) = (items.next(), items.next()) else {
            return self.forward_if_clean(raw, &stanza.head(), cx);
        };
        let spelled = item.attr("jid").unwrap_or_default();
        let address = match cx.link.naming.class_of(spelled) {
            NameClass::Own => return cx.up(raw),
            NameClass::Nowhere => return self.refuse(&stanza.head(), "item-not-found", cx),
            NameClass::Foreign(address) => address,
        };
        let mut groups: Vec<String> = groups(item).collect();
        groups.sort_unstable();
        if groups.windows(2).any(|two| matches!(two, [one, other] if one == other)) {
            // RFC 6121, section 2.3.3.
            return self.refuse(&stanza.head(), "bad-request", cx);
        }
        let listed = self.lists(&address);
        let edit = if item.attr("subscription") == Some("remove") {
            if !listed {
                return self.refuse(&stanza.head(), "item-not-found", cx);
            }
            RosterEdit::Remove(address)
        } else {
            let typed = jid::bare(spelled).to_lowercase();
            let typed = cx.link.naming.accept(&typed, &address).filter(|_| !listed);
            let spelling =
                typed.map_or_else(|| self.bare_of(&cx.link.naming, &address), str::to_owned);
            if self.adding.len() < MAX_CONTACTS {
                self.adding.insert(address.clone());
            }
            list(address, spelling, item)
        };
        cx.edit(edit);
        self.result(&stanza.head(), cx)
    }

    /// Takes the foreign contacts, once they are known.
    pub(in crate::xmpp) fn roster(
        &mut self,
        roster: &Roster,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        self.take_roster(roster, cx)?;
        cx.link.held.until = None;
        self.ask_privacy(cx)?;
        self.own.touch();
        Ok(())
    }

    /// Takes a contact that changed.
    pub(in crate::xmpp) fn changed(
        &mut self,
        contact: Contact,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        self.contact_changed(contact, cx)?;
        self.ask_privacy(cx)?;
        self.own.touch();
        Ok(())
    }

    /// Shows the foreign contacts in the roster to come, or pushes them into one that the client
    /// already has.
    fn take_roster(&mut self, roster: &Roster, cx: &mut Cx<'_>) -> Result<(), Fault> {
        self.foreign = Foreign::Here;
        let gone: Vec<Contact> = self
            .contacts
            .values()
            .filter(|known| roster.contact(&known.contact.address).is_none())
            .map(|known| {
                Contact::new(known.contact.address.clone(), known.contact.spelling.clone())
            })
            .collect();
        for contact in gone {
            self.contact_changed(contact, cx)?;
        }
        for contact in roster.contacts() {
            self.contact_changed(contact.clone(), cx)?;
        }
        Ok(())
    }

    /// A contact is not as the client knows it, or is again what the client just made of it.
    fn contact_changed(&mut self, contact: Contact, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let address = contact.address.clone();
        self.adding.remove(&address);
        let before = self.contacts.remove(&address);
        let old_item = before
            .as_ref()
            .filter(|known| known.contact.listed)
            .map(|known| item(self, &cx.link.naming, &known.contact));
        let was_blocked = before.as_ref().is_some_and(|known| known.contact.blocked);
        let new_item = contact.listed.then(|| item(self, &cx.link.naming, &contact));
        let mark = new_item.as_ref().map(|item| mark_of(&address, item));
        self.marks.replace(before.as_ref().and_then(|known| known.mark), mark);
        let (listed, blocked) = (contact.listed, contact.blocked);
        let former = before.as_ref().map(|known| known.contact.spelling.clone());
        let (presence, stale) =
            before.map_or((Presence::offline(), false), |known| (known.presence, known.stale));
        let shown = presence.is_online();
        if contact.is_empty() {
            self.spellings.keep(&cx.link.naming, &address, former.as_deref());
        } else {
            let known = Box::new(Known { contact, presence, stale, mark });
            self.contacts.insert(address.clone(), known);
        }
        // Written before the client is told: the version in what it is told is of the list with this
        // contact as it is now.
        if old_item != new_item && self.roster.shown {
            let jid = |item: &Option<Element>| item.as_ref()?.attr("jid").map(str::to_owned);
            if let Some(gone) = jid(&old_item).filter(|old| jid(&new_item).as_ref() != Some(old)) {
                // Under another JID it is another item to the client, which would show both.
                let item = Element::new("item", ns::ROSTER);
                self.push_item(item.with("jid", gone).with("subscription", "remove"), cx)?;
            }
            if let Some(item) = new_item {
                self.push_item(item, cx)?;
            }
            // libpurple shows a regrouped contact offline until it hears again.
            if listed && shown {
                self.show_presence(&address, cx)?;
            }
        }
        if listed && !address.is_control() {
            self.ask_about_typing(cx)?;
        }
        if was_blocked == blocked { Ok(()) } else { self.push_block(&address, blocked, cx) }
    }

    /// Tells the client every foreign item, one by one.
    fn push_all(&self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let listed = self.contacts.values().filter(|known| known.contact.listed);
        let items: Vec<_> = listed
            .map(|known| {
                let address = known.contact.address.clone();
                (address, item(self, &cx.link.naming, &known.contact))
            })
            .collect();
        for (address, item) in items {
            self.push_item(item, cx)?;
            self.show_presence(&address, cx)?;
        }
        Ok(())
    }

    /// Tells the client one item.
    fn push_item(&self, item: Element, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let version = client_version(self);
        let query = Element::new("query", ns::ROSTER).with_some("ver", version).child(item);
        self.push_iq(query, cx)
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
