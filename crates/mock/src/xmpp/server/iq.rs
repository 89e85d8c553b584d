//! Questions and commands.

use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;

use super::roster;
use super::state::ServerState;
use crate::xmpp::link::{error, result};
use crate::xmpp::{DOMAIN, bare};

/// XMPP Ping (XEP-0199).
const PING: &str = "urn:xmpp:ping";
/// The session request of old clients (RFC 3921).
const SESSION: &str = "urn:ietf:params:xml:ns:xmpp-session";

/// `iq` is from `jid`.
pub(super) fn handle(state: &mut ServerState, jid: &str, iq: &Element) {
    let me = bare(jid);
    let to = iq.attr("to").unwrap_or(&me).to_owned();
    if to.contains('/') && state.sessions.contains_key(&to) {
        return state.give(&to, iq);
    }
    if !matches!(iq.attr("type"), Some("get" | "set")) {
        return;
    }
    let reply = if bare(&to) == me || to == DOMAIN {
        own(state, jid, &me, iq)
    } else if bare(&to).ends_with(&format!("@{DOMAIN}")) {
        // Nobody here has published anything.
        Some(error(iq, "cancel", "service-unavailable"))
    } else {
        Some(error(iq, "cancel", "remote-server-not-found"))
    };
    if let Some(reply) = reply {
        state.give(jid, &reply);
    }
}

/// Responses to requests to the server itself.
fn own(state: &mut ServerState, jid: &str, me: &str, iq: &Element) -> Option<Element> {
    let payload = iq.elements().next()?;
    let set = iq.attr("type") == Some("set");
    let reply = match (payload.name(), payload.ns()) {
        ("query", ns::ROSTER) if set => roster::edit(state, me, iq),
        ("query", ns::ROSTER) => roster::list(state, jid, me, iq),
        ("query", ns::DISCO_INFO) => result(iq).child(features()),
        ("query", ns::DISCO_ITEMS) => result(iq).child(Element::new("query", ns::DISCO_ITEMS)),
        ("ping", PING) | ("session", SESSION) => result(iq),
        ("enable" | "disable", ns::CARBONS) => {
            if let Some(session) = state.sessions.get_mut(jid) {
                session.wants_carbons = payload.name() == "enable";
            }
            result(iq)
        }
        ("block" | "unblock", ns::BLOCKING) => block(state, me, iq, payload),
        ("vCard", ns::VCARD) => error(iq, "cancel", "item-not-found"),
        _ => error(iq, "cancel", "service-unavailable"),
    };
    Some(reply)
}

fn features() -> Element {
    let identity =
        Element::new("identity", ns::DISCO_INFO).with("category", "server").with("type", "im");
    [ns::DISCO_INFO, ns::DISCO_ITEMS, PING, ns::CARBONS, ns::BLOCKING]
        .iter()
        .map(|name| Element::new("feature", ns::DISCO_INFO).with("var", *name))
        .fold(Element::new("query", ns::DISCO_INFO).child(identity), Element::child)
}

fn block(state: &mut ServerState, me: &str, iq: &Element, list: &Element) -> Element {
    if let Some(user) = state.users.get_mut(me) {
        let names: Vec<String> = list.elements().filter_map(|i| i.attr("jid").map(bare)).collect();
        if list.name() == "block" {
            user.blocked.extend(names);
        } else if names.is_empty() {
            user.blocked.clear();
        } else {
            user.blocked.retain(|name| !names.contains(name));
        }
    }
    result(iq)
}
