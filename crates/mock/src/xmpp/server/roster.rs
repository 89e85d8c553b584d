//! Rosters (RFC 6121, 2) and the subscriptions in them (RFC 6121, 3).

use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;

use super::state::{Item, ServerState};
use super::subscription;
use crate::xmpp::bare;
use crate::xmpp::link::{error, result};

/// The whole roster of `me`, for the session at `jid`.
pub(super) fn list(state: &mut ServerState, jid: &str, me: &str, iq: &Element) -> Element {
    if let Some(session) = state.sessions.get_mut(jid) {
        session.wants_roster = true;
    }
    let roster = state.users.get(me).map(|user| &user.roster);
    let query = roster
        .into_iter()
        .flatten()
        .map(|(jid, item)| item.element(jid))
        .fold(Element::new("query", ns::ROSTER), Element::child);
    result(iq).child(query)
}

/// Adds, changes or removes the one item of `iq`.
pub(super) fn edit(state: &mut ServerState, me: &str, iq: &Element) -> Element {
    let item = iq.get("query", ns::ROSTER).and_then(|q| q.get("item", ns::ROSTER));
    let Some((item, contact)) = item.and_then(|i| Some((i, bare(i.attr("jid")?)))) else {
        return error(iq, "modify", "bad-request");
    };
    let Some(user) = state.users.get_mut(me) else { return error(iq, "cancel", "item-not-found") };
    if item.attr("subscription") == Some("remove") {
        let Some(removed) = user.roster.remove(&contact) else {
            return error(iq, "cancel", "item-not-found");
        };
        push(state, me, &contact);
        if removed.to || removed.asks {
            subscription::implied(state, me, &contact, "unsubscribe");
        }
        if removed.from {
            subscription::implied(state, me, &contact, "unsubscribed");
        }
        return result(iq);
    }
    let entry = user.roster.entry(contact.clone()).or_default();
    entry.name = item.attr("name").map(ToOwned::to_owned);
    entry.groups =
        item.elements().filter(|e| e.is("group", ns::ROSTER)).map(Element::text).collect();
    push(state, me, &contact);
    result(iq)
}

/// Tells the sessions of `me` what became of an entry.
fn push(state: &ServerState, me: &str, contact: &str) {
    let entry = state.users.get(me).and_then(|user| user.roster.get(contact));
    let item = entry.map_or_else(
        || Element::new("item", ns::ROSTER).with("jid", contact).with("subscription", "remove"),
        |entry| entry.element(contact),
    );
    for (jid, _) in state.sessions_of(me).filter(|(_, session)| session.wants_roster) {
        let push = Element::new("iq", ns::CLIENT)
            .with("type", "set")
            .with("id", format!("push-{:x}", fastrand::u64(..)))
            .child(Element::new("query", ns::ROSTER).child(item.clone()));
        state.give(jid, &push);
    }
}

/// Changes an entry and tells the user's sessions, where something changed.
/// A new entry is made only where `create` says so.
pub(super) fn update(
    state: &mut ServerState,
    me: &str,
    contact: &str,
    create: bool,
    change: impl FnOnce(&mut Item) -> bool,
) -> bool {
    let Some(user) = state.users.get_mut(me) else { return false };
    if create {
        user.roster.entry(contact.to_owned()).or_default();
    }
    let changed = user.roster.get_mut(contact).is_some_and(change);
    if changed {
        push(state, me, contact);
    }
    changed
}
