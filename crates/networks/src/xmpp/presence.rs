//! Presence (RFC 6121, section 4), the person's own and that of foreign people.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use crosstalk_core::{
    Address, Audience, Availability, Event, Fault, Now, Presence, RichText, Side, Subscription,
    UnixMillis,
};

use super::account::{Account, Support};
use super::context::Cx;
use super::iq;
use super::roster::client_view::Foreign;
use super::wire::ns;
use super::wire::stanza_head::Head;
use super::wire::xml::Element;
use crate::common::time::timestamp;

impl Account {
    /// Presence for the person's own server: broadcast, or directed at somebody there.
    pub(super) fn own_presence(
        &mut self,
        raw: Bytes,
        head: &Head<'_>,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let stanza = if head.to.is_none() { cx.read(Side::Client, &raw)? } else { None };
        self.forward_if_clean(raw, head, cx)?;
        if head.to.is_some() {
            return Ok(());
        }
        let was_available = self.own.available;
        let presence = match head.kind.as_deref() {
            None => {
                self.own.available = true;
                self.own.takes_texts = !stanza.as_ref().is_some_and(has_negative_priority);
                if stanza.as_ref().is_some_and(|s| s.get("c", ns::CAPS).is_some()) {
                    // Clients that say what they understand all understand chat states.
                    self.chat_states = Support::Yes;
                }
                // Of what is too long to be read others see that the person is there.
                stanza.as_ref().map_or(Presence::available(), |s| read(cx.now, s))
            }
            Some(kind @ ("unavailable" | "invisible")) => {
                self.own.available = kind == "invisible";
                self.own.takes_texts = self.own.available;
                Presence::offline()
            }
            Some(_) => return Ok(()),
        };
        let became_available = self.own.available && !was_available;
        self.own.say(presence);
        self.ask_privacy(cx)?;
        self.own.touch();
        if became_available { self.became_available(cx) } else { Ok(()) }
    }

    /// Presence that the client directs at somebody foreign: one who may see the person sees it, until
    /// the client tells everybody something else (RFC 6121, section 4.6).
    pub(super) fn direct(
        &mut self,
        to: &Address,
        stanza: &Element,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let known = self.contacts.get(to);
        if known.is_some_and(|known| known.contact.from == Subscription::Granted) {
            let leaves = stanza.attr("type").is_some();
            let presence = if leaves { Presence::offline() } else { read(cx.now, stanza) };
            self.own.direct(to, presence);
            self.ask_privacy(cx)?;
            self.own.touch();
        }
        Ok(())
    }

    /// Asks the server what hides the person: which list is in force, and what it does.
    pub(super) fn ask_privacy(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let child = |name| Element::new("list", ns::PRIVACY).with("name", name);
        let mut query = Element::new("query", ns::PRIVACY);
        if let Some(name) = self.privacy.wants() {
            query.push(child(name));
        } else if !self.own.is_online()
            || self.contacts.is_empty()
            || !self.privacy.asks_default(cx.now.instant)
        {
            return Ok(());
        }
        let ask = Element::new("iq", ns::CLIENT)
            .with("type", "get")
            .with("id", iq::our_id(&mut cx.context.ids))
            .child(query);
        self.privacy.ask(&ask, &cx.link.naming);
        cx.ask(&ask)
    }

    /// Tells foreign people of the person's presence, if it may have changed: at the end of an input,
    /// which may change it many times.
    pub(super) fn publish_changes(&mut self, cx: &mut Cx<'_>) {
        if self.own.take_touched() {
            self.publish(cx);
        }
    }

    /// The same before somebody is let see the person who is not to see what was before.
    pub(super) fn publish_first(&mut self, cx: &mut Cx<'_>) {
        if self.own.take_touched_early() {
            self.publish(cx);
        } else if let Some(presence) = self.own.hide_for_now() {
            cx.emit(Event::Presence(presence));
        }
    }

    /// Tells foreign people of the person's presence, if it is not what they know.
    fn publish(&mut self, cx: &mut Cx<'_>) {
        // Without the list nobody knows whom the person would hide from.
        let unsure = self.foreign != Foreign::Here && self.contacts.is_empty();
        let admitted = || {
            if unsure {
                Some(BTreeSet::new())
            } else {
                self.privacy.admitted(self, &cx.link.naming)
            }
        };
        // Of a session that nobody would see anyway nothing needs to be worked out.
        let audience = if self.own.is_online() {
            let watchers = self.watchers().map(|contact| &contact.address);
            self.own.audience(watchers, admitted())
        } else {
            Audience::everybody()
        };
        for event in self.own.tell(audience) {
            cx.emit(event);
        }
    }

    /// Sends what waited for the client to be available: presence of contacts, and requests that
    /// came meanwhile.
    fn became_available(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let waiting = self.take_waiting();
        for message in waiting.again {
            cx.say_again(message);
        }
        if !self.contacts.is_empty() {
            self.ask_about_typing(cx)?;
        }
        self.show_everybody(cx)?;
        for envelope in waiting.envelopes {
            self.deliver(envelope, cx)?;
        }
        Ok(())
    }

    /// Asks an available client once whether it shows typing: as soon as there is somebody foreign
    /// whose typing it could show.
    pub(super) fn ask_about_typing(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let asks = self.own.available && self.chat_states == Support::Unknown;
        if asks { self.ask_client(cx) } else { Ok(()) }
    }

    /// Tells the client who of the foreign people is there, if it wants to hear of presence.
    pub(super) fn show_everybody(&self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let online = self.contacts.iter().filter(|(_, known)| known.presence.is_online());
        let online: Vec<Address> = online.map(|(address, _)| address.clone()).collect();
        for address in online {
            self.show_presence(&address, cx)?;
        }
        Ok(())
    }

    /// A foreign person's presence changed.
    pub(super) fn presence_of(
        &mut self,
        address: &Address,
        presence: Presence,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let Some(known) = self.contacts.get_mut(address) else { return Ok(()) };
        let shown = known.presence.is_online() || presence.is_online();
        let repeated = known.stale && known.presence == presence;
        (known.presence, known.stale) = (presence, false);
        if shown && !repeated { self.show_presence(address, cx) } else { Ok(()) }
    }

    /// Tells the client what is known of a foreign person, if it wants to hear of presence.
    pub(super) fn show_presence(&self, address: &Address, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if !self.own.available {
            return Ok(());
        }
        let offline = Presence::offline();
        let presence = self.contacts.get(address).map_or(&offline, |known| &known.presence);
        let from = self.full_of(&cx.link.naming, address);
        let stanza = write(cx.now, presence).with("from", from).with("to", &self.full);
        cx.say(&stanza)
    }

    /// After a resumed session: whoever did not show up again has gone meanwhile.
    pub(super) fn sweep(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if self.sweep_at.is_none_or(|at| at > cx.now.instant) {
            return Ok(());
        }
        self.sweep_at = None;
        let gone = self.contacts.iter().filter(|(_, known)| known.stale);
        let gone: Vec<Address> = gone.map(|(address, _)| address.clone()).collect();
        for address in gone {
            self.presence_of(&address, Presence::offline(), cx)?;
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
