//! Presence (RFC 6121, 4) and the asking for it (RFC 6121, 3).

use crosstalk_networks::xmpp::ns;
use crosstalk_networks::xmpp::xml::Element;

use super::message;
use super::roster::update;
use super::world::World;
use crate::xmpp::bare;

/// `stanza` is from `jid`.
pub(super) fn handle(world: &mut World, jid: &str, stanza: &Element) {
    let me = bare(jid);
    match (stanza.attr("type"), stanza.attr("to")) {
        (Some(step @ ("subscribe" | "subscribed" | "unsubscribe" | "unsubscribed")), Some(to)) => {
            let contact = bare(to);
            ask(world, &me, &contact, step, stanza);
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
fn show(world: &World, of: &str, viewer: &str, only: Option<&str>) {
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

/// A step between `me` and `contact` that `me` took without a stanza of its own.
pub(super) fn subscription(world: &mut World, me: &str, contact: &str, step: &str) {
    let stanza = Element::new("presence", ns::CLIENT).with("type", step).with("to", contact);
    ask(world, me, contact, step, &stanza);
}

/// Takes a step of `me` towards `contact`, on both sides. Users of other servers do not exist.
fn ask(world: &mut World, me: &str, contact: &str, step: &str, stanza: &Element) {
    let stanza = stanza.clone().with("from", me).with("to", contact);
    if !world.users.contains_key(contact) {
        if step == "subscribe" {
            update(world, me, contact, true, |item| !std::mem::replace(&mut item.asks, true));
        }
        return message::refuse(world, me, &stanza);
    }
    match step {
        "subscribe" => {
            update(world, me, contact, true, |i| !i.to && !std::mem::replace(&mut i.asks, true));
            let granted = world.users.get(contact).and_then(|u| u.roster.get(me));
            if granted.is_some_and(|item| item.from) {
                return subscription(world, contact, me, "subscribed");
            }
            if let Some(user) = world.users.get_mut(contact) {
                user.requests.insert(me.to_owned(), stanza.clone());
            }
            pass_on(world, contact, &stanza);
        }
        "subscribed" => {
            let asked = world.users.get_mut(me).and_then(|u| u.requests.remove(contact)).is_some();
            update(world, me, contact, asked, |i| !std::mem::replace(&mut i.from, true));
            let seen = update(world, contact, me, false, |i| {
                i.asks = false;
                !std::mem::replace(&mut i.to, true)
            });
            if seen {
                pass_on(world, contact, &stanza);
                show(world, me, contact, None);
            }
        }
        "unsubscribe" => {
            update(world, me, contact, false, |i| {
                std::mem::replace(&mut i.to, false) | std::mem::replace(&mut i.asks, false)
            });
            if let Some(user) = world.users.get_mut(contact) {
                user.requests.remove(me);
            }
            if update(world, contact, me, false, |i| std::mem::replace(&mut i.from, false)) {
                pass_on(world, contact, &stanza);
                hide(world, contact, me);
            }
        }
        _ => {
            if let Some(user) = world.users.get_mut(me) {
                user.requests.remove(contact);
            }
            update(world, me, contact, false, |i| std::mem::replace(&mut i.from, false));
            let lost = update(world, contact, me, false, |i| {
                std::mem::replace(&mut i.to, false) | std::mem::replace(&mut i.asks, false)
            });
            if lost {
                pass_on(world, contact, &stanza);
                hide(world, me, contact);
            }
        }
    }
}

/// Shows every session of `of` as gone to `viewer`.
fn hide(world: &World, of: &str, viewer: &str) {
    for (from, _) in world.available(of) {
        let gone =
            Element::new("presence", ns::CLIENT).with("type", "unavailable").with("from", from);
        for (target, _) in world.available(viewer) {
            world.give(target, &gone);
        }
    }
}

fn pass_on(world: &World, to: &str, stanza: &Element) {
    for (target, _) in world.sessions_of(to).filter(|(_, session)| session.wants_roster) {
        // Requests stay addressed to the bare JID.
        let stanza = stanza.clone().with("to", to);
        if let Some(session) = world.sessions.get(target) {
            let _ = session.out.try_send(stanza);
        }
    }
}
