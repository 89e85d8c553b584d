//! Presence (RFC 6121, 4).

use crosstalk_networks::xmpp::ns;
use crosstalk_networks::xmpp::xml::Element;

use super::subscription;
use super::world::World;
use crate::xmpp::bare;

/// `stanza` is from `jid`.
pub(super) fn handle(world: &mut World, jid: &str, stanza: &Element) {
    let me = bare(jid);
    match (stanza.attr("type"), stanza.attr("to")) {
        (Some(step @ ("subscribe" | "subscribed" | "unsubscribe" | "unsubscribed")), Some(to)) => {
            let contact = bare(to);
            subscription::take(world, &me, &contact, step, stanza);
        }
        (None, None) => available(world, jid, stanza),
        (Some("unavailable"), None) => leave_with(world, jid, stanza),
        (None | Some("unavailable"), Some(to)) => {
            let targets: Vec<String> =
                world.sessions_of(&bare(to)).map(|(jid, _)| jid.clone()).collect();
            for target in targets {
                world.give(&target, stanza);
            }
        }
        _ => {}
    }
}

/// The connection ended.
pub(super) fn leave(world: &mut World, jid: &str) {
    let gone = Element::new("presence", ns::CLIENT).with("type", "unavailable").with("from", jid);
    leave_with(world, jid, &gone);
    world.sessions.remove(jid);
}

fn leave_with(world: &mut World, jid: &str, stanza: &Element) {
    let was_there = world.sessions.get_mut(jid).and_then(|s| s.presence.take()).is_some();
    if was_there {
        broadcast(world, jid, stanza);
    }
}

fn available(world: &mut World, jid: &str, stanza: &Element) {
    let me = bare(jid);
    let Some(session) = world.sessions.get_mut(jid) else { return };
    let first = session.presence.replace(stanza.clone()).is_none();
    broadcast(world, jid, stanza);
    if !first {
        return;
    }
    let seen: Vec<String> = world.users.get(&me).map_or_else(Vec::new, |user| {
        user.roster.iter().filter(|(_, i)| i.to).map(|(contact, _)| contact.clone()).collect()
    });
    for contact in seen.iter().chain([&me]) {
        show(world, contact, &me, Some(jid));
    }
    if let Some(user) = world.users.get_mut(&me) {
        let requests: Vec<Element> = user.requests.values().cloned().collect();
        let stored = std::mem::take(&mut user.stored);
        for waiting in requests.iter().chain(&stored) {
            world.give(jid, waiting);
        }
    }
}

/// Sends a presence of the session at `jid` to those who may see it, the user's own sessions
/// included.
fn broadcast(world: &World, jid: &str, stanza: &Element) {
    let me = bare(jid);
    let Some(user) = world.users.get(&me) else { return };
    let watchers = user.roster.iter().filter(|(_, i)| i.from).map(|(contact, _)| contact);
    for watcher in watchers.chain([&me]) {
        if user.blocked.contains(watcher) {
            continue;
        }
        for (target, _) in world.available(watcher).filter(|(target, _)| *target != jid) {
            world.give(target, stanza);
        }
    }
}

/// Shows the presences of all sessions of `of` to `viewer`: to one session or to all.
pub(super) fn show(world: &World, of: &str, viewer: &str, only: Option<&str>) {
    if world.blocks(of, viewer) {
        return;
    }
    for (from, session) in world.available(of) {
        let Some(presence) = &session.presence else { continue };
        let targets = world.available(viewer).map(|(jid, _)| jid);
        for target in targets.filter(|t| only.is_none_or(|only| *t == only) && *t != from) {
            world.give(target, presence);
        }
    }
}

/// Shows every session of `of` as gone to `viewer`.
pub(super) fn hide(world: &World, of: &str, viewer: &str) {
    for (from, _) in world.available(of) {
        let gone =
            Element::new("presence", ns::CLIENT).with("type", "unavailable").with("from", from);
        for (target, _) in world.available(viewer) {
            world.give(target, &gone);
        }
    }
}
