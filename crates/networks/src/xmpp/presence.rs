//! Presence (RFC 6121, section 4), the person's own and that of foreign people.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use crosstalk_core::{
    Address, Availability, Event, Fault, Now, Output, Presence, RichText, Side, UnixMillis,
};

use super::Jabber;
use super::account::{Foreign, Support};
use super::iq;
use super::wire::head::Head;
use super::wire::ns;
use super::wire::xml::Element;
use crate::common::time::timestamp;

impl Jabber {
    /// Presence for the person's own server: broadcast, or directed at somebody there.
    pub(super) fn own_presence(
        &mut self,
        now: Now,
        raw: Bytes,
        head: &Head<'_>,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let stanza = if head.to.is_none() { self.read(Side::Client, &raw)? } else { None };
        self.forward_if_clean(raw, head, out)?;
        let Some(account) = &mut self.account else { return Ok(()) };
        if head.to.is_some() {
            return Ok(());
        }
        let was_available = account.own.available;
        let presence = match head.kind.as_deref() {
            None => {
                account.own.available = true;
                account.own.takes_texts = !stanza.as_ref().is_some_and(has_negative_priority);
                if stanza.as_ref().is_some_and(|s| s.get("c", ns::CAPS).is_some()) {
                    // Clients that say what they understand all understand chat states.
                    account.chat_states = Support::Yes;
                }
                // Of what is too long to be read others see that the person is there.
                stanza.as_ref().map_or(Presence::available(), |s| read(now, s))
            }
            Some(kind @ ("unavailable" | "invisible")) => {
                account.own.available = kind == "invisible";
                account.own.takes_texts = account.own.available;
                Presence::offline()
            }
            Some(_) => return Ok(()),
        };
        let became_available = account.own.available && !was_available;
        account.own.say(presence);
        self.ask_privacy(now, out)?;
        self.publish(out);
        if became_available { self.became_available(now, out) } else { Ok(()) }
    }

    /// Asks the server what hides the person: which list is in force, and what it does.
    pub(super) fn ask_privacy(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        let child = |name| Element::new("list", ns::PRIVACY).with("name", name);
        let mut query = Element::new("query", ns::PRIVACY);
        if let Some(name) = account.privacy.wants() {
            query.push(child(name));
        } else if !account.own.is_online()
            || account.contacts.is_empty()
            || !account.privacy.asks_default(now.instant)
        {
            return Ok(());
        }
        let ask = Element::new("iq", ns::CLIENT)
            .with("type", "get")
            .with("id", iq::our_id(&mut self.context.ids))
            .child(query);
        account.privacy.ask(&ask, &self.naming);
        self.link.ask(&ask, out)
    }

    /// Tells foreign people of the person's presence, if it is not what they know.
    pub(super) fn publish(&mut self, out: &mut Output) {
        let Some(account) = &mut self.account else { return };
        // Without the list nobody knows whom the person would hide from.
        let unsure = account.foreign != Foreign::Here && account.contacts.is_empty();
        // Others see the person all alike: who hides from one of them hides from all.
        let seen_by_all = |only: BTreeSet<Address>| {
            !only.is_empty() && account.watchers().all(|contact| only.contains(&contact.address))
        };
        let audience = || account.privacy.audience(account, &self.naming);
        let visible = account.own.is_online() && !unsure && audience().is_none_or(seen_by_all);
        if let Some(presence) = account.own.tell(visible) {
            out.emit(Event::Presence(presence));
        }
    }

    /// Sends what waited for the client to be available: presence of contacts, and requests that
    /// came meanwhile.
    fn became_available(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        let waiting = account.take_waiting();
        for message in waiting.again {
            self.link.say_again(&message, out)?;
        }
        if !account.contacts.is_empty() {
            self.ask_about_typing(out)?;
        }
        self.show_everybody(now, out)?;
        for envelope in waiting.envelopes {
            self.deliver(now, envelope, out)?;
        }
        Ok(())
    }

    /// Asks an available client once whether it shows typing: as soon as there is somebody foreign
    /// whose typing it could show.
    pub(super) fn ask_about_typing(&mut self, out: &mut Output) -> Result<(), Fault> {
        let account = self.account.as_deref();
        if account.is_some_and(|p| p.own.available && p.chat_states == Support::Unknown) {
            self.ask_client(out)?;
        }
        Ok(())
    }

    /// Tells the client who of the foreign people is there, if it wants to hear of presence.
    pub(super) fn show_everybody(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        let Some(account) = &self.account else { return Ok(()) };
        let online = account.contacts.iter().filter(|(_, known)| known.presence.is_online());
        let online: Vec<Address> = online.map(|(address, _)| address.clone()).collect();
        for address in online {
            self.show_presence(now, &address, out)?;
        }
        Ok(())
    }

    /// A foreign person's presence changed.
    pub(super) fn presence_of(
        &mut self,
        now: Now,
        address: &Address,
        presence: Presence,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        let Some(known) = account.contacts.get_mut(address) else { return Ok(()) };
        let shown = known.presence.is_online() || presence.is_online();
        let repeated = known.stale && known.presence == presence;
        (known.presence, known.stale) = (presence, false);
        if shown && !repeated { self.show_presence(now, address, out) } else { Ok(()) }
    }

    /// Tells the client what is known of a foreign person, if it wants to hear of presence.
    pub(super) fn show_presence(
        &mut self,
        now: Now,
        address: &Address,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let Some(account) = &self.account else { return Ok(()) };
        if !account.own.available {
            return Ok(());
        }
        let offline = Presence::offline();
        let presence = account.contacts.get(address).map_or(&offline, |known| &known.presence);
        let from = account.full_of(&self.naming, address);
        let stanza = write(now, presence).with("from", from).with("to", &account.full);
        self.link.say(&stanza, out)
    }

    /// After a resumed session: whoever did not show up again has gone meanwhile.
    pub(super) fn sweep(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        let Some(account) = &mut self.account else { return Ok(()) };
        if account.sweep_at.is_none_or(|at| at > now.instant) {
            return Ok(());
        }
        account.sweep_at = None;
        let gone = account.contacts.iter().filter(|(_, known)| known.stale);
        let gone: Vec<Address> = gone.map(|(address, _)| address.clone()).collect();
        for address in gone {
            self.presence_of(now, &address, Presence::offline(), out)?;
        }
        Ok(())
    }
}

/// A client's presence stanza as presence. A negative priority takes no messages, so nobody is
/// told of it.
fn read(now: Now, stanza: &Element) -> Presence {
    if has_negative_priority(stanza) {
        return Presence::offline();
    }
    let show = match stanza.text_of("show").as_deref().map(str::trim) {
        Some("away") => Availability::Away,
        Some("xa") => Availability::ExtendedAway,
        Some("dnd") => Availability::Busy,
        Some("chat") => Availability::Chatty,
        _ => Availability::Available,
    };
    let since = stanza.get("idle", ns::IDLE).and_then(|idle| time_of(idle.attr("since")?));
    let last = stanza.get("query", ns::LAST).and_then(|last| last.attr("seconds")?.parse().ok());
    Presence {
        show,
        text: RichText::plain(stanza.text_of("status").unwrap_or_default()),
        idle_since: since.or_else(|| Some(now.wall.minus(Duration::from_secs(last?)))),
        online_since: None,
    }
}

fn has_negative_priority(stanza: &Element) -> bool {
    let priority = stanza.text_of("priority").and_then(|p| p.trim().parse::<i32>().ok());
    priority.is_some_and(|p| p < 0)
}

/// Presence as a stanza, with both ways to say how long somebody is idle.
fn write(now: Now, presence: &Presence) -> Element {
    let mut stanza = Element::new("presence", ns::CLIENT);
    let child = |name, text: &str| Element::new(name, ns::CLIENT).say(text);
    match presence.show {
        Availability::Offline => stanza.set("type", "unavailable"),
        Availability::ExtendedAway => stanza.push(child("show", "xa")),
        Availability::Away => stanza.push(child("show", "away")),
        Availability::Busy => stanza.push(child("show", "dnd")),
        Availability::Chatty => stanza.push(child("show", "chat")),
        Availability::Available => {}
    }
    if !presence.text.is_empty() {
        stanza.push(child("status", presence.text.text()));
    }
    if presence.is_online() {
        if let Some(since) = presence.idle_since {
            let seconds = now.wall.since(since).as_secs().to_string();
            stanza.push(Element::new("idle", ns::IDLE).with("since", timestamp(since)));
            stanza.push(Element::new("query", ns::LAST).with("seconds", seconds));
        }
        stanza.push(iq::caps());
    }
    stanza
}

fn time_of(text: &str) -> Option<UnixMillis> {
    humantime::parse_rfc3339(text).ok().map(|time: SystemTime| time.into())
}
