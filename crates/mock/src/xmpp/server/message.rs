//! Messages (RFC 6121, 8.5).

use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;

use super::state::ServerState;
use crate::xmpp::link::error;
use crate::xmpp::{DOMAIN, bare};

/// The most messages stored for one user.
const MOST_STORED: usize = 100;

/// `stanza` is from `jid`.
pub(super) fn handle(state: &mut ServerState, jid: &str, stanza: &Element) {
    let me = bare(jid);
    let to = stanza.attr("to").unwrap_or(&me).to_owned();
    let receiver = bare(&to);
    if !state.users.contains_key(&receiver) || state.blocks(&receiver, &me) {
        return refuse(state, jid, stanza);
    }
    copy_to_others(state, jid, &me, stanza);
    if state.sessions.contains_key(&to) {
        return state.give(&to, stanza);
    }
    let targets: Vec<String> = state.available(&receiver).map(|(jid, _)| jid.clone()).collect();
    for target in &targets {
        state.give(target, stanza);
    }
    let worth_storing = stanza.text_of("body").is_some() && stanza.attr("type") != Some("error");
    if targets.is_empty()
        && worth_storing
        && let Some(user) = state.users.get_mut(&receiver)
        && user.stored.len() < MOST_STORED
    {
        user.stored.push(stanza.clone());
    }
}

/// Tells the sessions of `to` that a stanza of theirs went nowhere.
pub(super) fn refuse(state: &ServerState, to: &str, stanza: &Element) {
    if stanza.attr("type") == Some("error") {
        return;
    }
    let local = stanza.attr("to").is_some_and(|to| bare(to).ends_with(&format!("@{DOMAIN}")));
    let condition = if local { "service-unavailable" } else { "remote-server-not-found" };
    let error = error(stanza, "cancel", condition);
    if state.sessions.contains_key(to) {
        return state.give(to, &error);
    }
    for (session, _) in state.sessions_of(to) {
        state.give(session, &error);
    }
}

/// Carbons of what one session says, for the others that want them (XEP-0280).
fn copy_to_others(state: &ServerState, jid: &str, me: &str, stanza: &Element) {
    if stanza.attr("type") != Some("chat") {
        return;
    }
    let others = state.available(me).filter(|(other, s)| *other != jid && s.wants_carbons);
    for (other, _) in others {
        let forwarded = Element::new("forwarded", ns::FORWARD).child(stanza.clone());
        let copy = Element::new("message", ns::CLIENT)
            .with("type", "chat")
            .with("from", me)
            .child(Element::new("sent", ns::CARBONS).child(forwarded));
        state.give(other, &copy);
    }
}
