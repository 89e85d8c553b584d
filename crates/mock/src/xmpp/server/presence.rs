//! Presence (RFC 6121, 4).

use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;

use super::state::ServerState;
use super::subscription;
use crate::xmpp::bare;

/// `stanza` is from `jid`.
pub(super) fn handle(state: &mut ServerState, jid: &str, stanza: &Element) {
    let me = bare(jid);
    match (stanza.attr("type"), stanza.attr("to")) {
        (Some(step @ ("subscribe" | "subscribed" | "unsubscribe" | "unsubscribed")), Some(to)) => {
            let contact = bare(to);
            subscription::take(state, &me, &contact, step, stanza);
        }
        (None, None) => available(state, jid, stanza),
        (Some("unavailable"), None) => leave_with(state, jid, stanza),
        (None | Some("unavailable"), Some(to)) => {
            let targets: Vec<String> =
                state.sessions_of(&bare(to)).map(|(jid, _)| jid.clone()).collect();
            for target in targets {
                state.give(&target, stanza);
            }
        }
        _ => {}
    }
}

/// The connection ended.
pub(super) fn leave(state: &mut ServerState, jid: &str) {
    let gone = Element::new("presence", ns::CLIENT).with("type", "unavailable").with("from", jid);
    leave_with(state, jid, &gone);
    state.sessions.remove(jid);
}

fn leave_with(state: &mut ServerState, jid: &str, stanza: &Element) {
    let was_there = state.sessions.get_mut(jid).and_then(|s| s.presence.take()).is_some();
    if was_there {
        broadcast(state, jid, stanza);
    }
}

fn available(state: &mut ServerState, jid: &str, stanza: &Element) {
    let me = bare(jid);
    let Some(session) = state.sessions.get_mut(jid) else { return };
    let first = session.presence.replace(stanza.clone()).is_none();
    broadcast(state, jid, stanza);
    if !first {
        return;
    }
    let seen: Vec<String> = state.users.get(&me).map_or_else(Vec::new, |user| {
        user.roster.iter().filter(|(_, i)| i.to).map(|(contact, _)| contact.clone()).collect()
    });
    for contact in seen.iter().chain([&me]) {
        show(state, contact, &me, Some(jid));
    }
    if let Some(user) = state.users.get_mut(&me) {
        let requests: Vec<Element> = user.requests.values().cloned().collect();
        let stored = std::mem::take(&mut user.stored);
        for waiting in requests.iter().chain(&stored) {
            state.give(jid, waiting);
        }
    }
}

/// Sends a presence of the session at `jid` to those who may see it, the user's own sessions
/// included.
fn broadcast(state: &ServerState, jid: &str, stanza: &Element) {
    let me = bare(jid);
    let Some(user) = state.users.get(&me) else { return };
    let watchers = user.roster.iter().filter(|(_, i)| i.from).map(|(contact, _)| contact);
    for watcher in watchers.chain([&me]) {
        if user.blocked.contains(watcher) {
            continue;
        }
        for (target, _) in state.available(watcher).filter(|(target, _)| *target != jid) {
            state.give(target, stanza);
        }
    }
}

/// Shows the presences of all sessions of `of` to `viewer`: to one session or to all.
pub(super) fn show(state: &ServerState, of: &str, viewer: &str, only: Option<&str>) {
    if state.blocks(of, viewer) {
        return;
    }
    for (from, session) in state.available(of) {
        let Some(presence) = &session.presence else { continue };
        let targets = state.available(viewer).map(|(jid, _)| jid);
        for target in targets.filter(|t| only.is_none_or(|only| *t == only) && *t != from) {
            state.give(target, presence);
        }
    }
}

/// Shows every session of `of` as gone to `viewer`.
pub(super) fn hide(state: &ServerState, of: &str, viewer: &str) {
    for (from, _) in state.available(of) {
        let gone =
            Element::new("presence", ns::CLIENT).with("type", "unavailable").with("from", from);
        for (target, _) in state.available(viewer) {
            state.give(target, &gone);
        }
    }
}
