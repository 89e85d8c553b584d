//! Events for the person, from the server's stanzas.

use std::io;
use std::time::{Duration, SystemTime};

use crosstalk_core::{Availability, Presence, RichText, Typing, UnixMillis};
use crosstalk_networks::xmpp::messages::text;
use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;

use super::{Session, condition};
use crate::Event;
use crate::xmpp::bare;
use crate::xmpp::link::{error, result};

impl Session {
    /// Takes one element. Returns whether the client stays signed on.
    pub(super) async fn take(&mut self, element: &Element) -> io::Result<bool> {
        match (element.name(), element.ns()) {
            ("enabled", ns::SM) => self.arrived = Some(0),
            ("r", ns::SM) => {
                let handled = self.arrived.unwrap_or_default().to_string();
                self.link.send(&Element::new("a", ns::SM).with("h", handled)).await?;
            }
            ("error", ns::STREAMS) => return Ok(false),
            (_, ns::CLIENT) => {
                self.arrived = self.arrived.map(|count| count.wrapping_add(1));
                self.stanza(element).await?;
            }
            _ => {}
        }
        Ok(true)
    }

    async fn stanza(&mut self, stanza: &Element) -> io::Result<()> {
        match (stanza.name(), stanza.attr("type").unwrap_or_default()) {
            ("iq", "result") => {
                if let Some(query) = stanza.get("query", ns::ROSTER) {
                    self.list(query).await;
                }
                Ok(())
            }
            ("iq", "get" | "set") => self.question(stanza).await,
            ("message", kind) => self.message(kind, stanza).await,
            ("presence", kind) => {
                self.contact_presence(kind, stanza).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A roster, or a change of it.
    async fn list(&mut self, query: &Element) {
        for item in query.elements() {
            let Some(jid) = item.attr("jid").map(bare) else { continue };
            if item.attr("subscription") == Some("remove") {
                self.contacts.remove(&jid);
                if self.roster.remove(&jid) {
                    self.tell(Event::Unlisted(jid)).await;
                }
            } else if self.roster.insert(jid.clone()) {
                self.tell(Event::Listed(jid)).await;
            }
        }
    }

    async fn question(&mut self, iq: &Element) -> io::Result<()> {
        let Some(payload) = iq.elements().next() else { return Ok(()) };
        let answer = match (payload.name(), payload.ns()) {
            ("query", ns::ROSTER) => {
                self.list(payload).await;
                result(iq)
            }
            ("block" | "unblock", ns::BLOCKING) | ("ping", "urn:xmpp:ping") => result(iq),
            ("query", ns::DISCO_INFO) => result(iq).child(features(payload.attr("node"))),
            _ => error(iq, "cancel", "service-unavailable"),
        };
        self.link.send(&answer).await
    }

    async fn message(&mut self, kind: &str, message: &Element) -> io::Result<()> {
        let Some(from) = message.attr("from").map(ToOwned::to_owned) else { return Ok(()) };
        let person = bare(&from);
        if kind == "error" {
            let why = condition(message);
            self.tell(Event::Undelivered { to: person, why }).await;
            return Ok(());
        }
        let states = [
            ("composing", Typing::Active),
            ("paused", Typing::Paused),
            ("active", Typing::Idle),
            ("inactive", Typing::Idle),
        ];
        let state = states.iter().find(|(name, _)| message.get(name, ns::CHAT_STATES).is_some());
        if message.get("attention", ns::ATTENTION).is_some() {
            self.tell(Event::Nudged { by: person }).await;
        } else if let Some(text) = text(message) {
            self.tell(Event::Said { from: person, text, auto: false }).await;
            self.acknowledge(&from, message).await?;
        } else if let Some((_, typing)) = state {
            self.tell(Event::Typing { from: person, typing: *typing }).await;
        }
        Ok(())
    }

    /// XEP-0184, where the sender asks for it.
    async fn acknowledge(&mut self, from: &str, message: &Element) -> io::Result<()> {
        let (Some(id), Some(_)) = (message.attr("id"), message.get("request", ns::RECEIPTS)) else {
            return Ok(());
        };
        let received = Element::new("received", ns::RECEIPTS).with("id", id);
        let receipt = Element::new("message", ns::CLIENT)
            .with("to", from)
            .with("id", self.fresh_id())
            .child(received);
        self.link.send(&receipt).await
    }

    async fn contact_presence(&mut self, kind: &str, stanza: &Element) {
        let Some(from) = stanza.attr("from") else { return };
        let of = bare(from);
        let resource = from.split_once('/').map_or("", |(_, resource)| resource).to_owned();
        match kind {
            "subscribe" => {
                let text = RichText::plain(stanza.text_of("status").unwrap_or_default());
                return self.tell(Event::Asked { by: of, text }).await;
            }
            "" => {
                self.contacts.entry(of.clone()).or_default().insert(resource, presence(stanza));
            }
            "unavailable" if resource.is_empty() => {
                self.contacts.remove(&of);
            }
            "unavailable" => {
                self.contacts.entry(of.clone()).or_default().remove(&resource);
            }
            _ => return,
        }
        if of != bare(&self.jid) {
            let resources = self.contacts.get(&of).into_iter().flat_map(|all| all.values());
            let best = resources.max_by_key(|p| p.show).cloned().unwrap_or_default();
            self.tell(Event::Presence { of, presence: best }).await;
        }
    }
}

fn features(node: Option<&str>) -> Element {
    let identity =
        Element::new("identity", ns::DISCO_INFO).with("category", "client").with("type", "bot");
    [ns::DISCO_INFO, ns::CHAT_STATES, ns::RECEIPTS, ns::ATTENTION]
        .iter()
        .map(|name| Element::new("feature", ns::DISCO_INFO).with("var", *name))
        .fold(
            Element::new("query", ns::DISCO_INFO).with_some("node", node).child(identity),
            Element::child,
        )
}

/// Presence that an available contact shows.
fn presence(stanza: &Element) -> Presence {
    let show = match stanza.text_of("show").as_deref() {
        Some("away") => Availability::Away,
        Some("xa") => Availability::ExtendedAway,
        Some("dnd") => Availability::Busy,
        Some("chat") => Availability::Chatty,
        _ => Availability::Available,
    };
    let text = RichText::plain(stanza.text_of("status").unwrap_or_default());
    Presence { show, text, idle_since: idle_since(stanza), online_since: None }
}

/// XEP-0319, or the seconds that older software puts into presence.
fn idle_since(stanza: &Element) -> Option<UnixMillis> {
    let since = stanza.get("idle", ns::IDLE).and_then(|idle| idle.attr("since"));
    if let Some(since) = since {
        return humantime::parse_rfc3339_weak(since).ok().map(Into::into);
    }
    let seconds: u64 = stanza.get("query", ns::LAST)?.attr("seconds")?.parse().ok()?;
    Some(UnixMillis::from(SystemTime::now()).minus(Duration::from_secs(seconds)))
}
