//! Asking for presence, and the answers (RFC 6121, 3).

use std::mem::replace;

use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;

use super::message;
use super::presence::{hide, show};
use super::roster::update;
use super::state::{Item, ServerState};

/// A step of `me` towards `contact` that `me` took without a stanza of its own.
pub(super) fn implied(state: &mut ServerState, me: &str, contact: &str, step: &str) {
    let stanza = Element::new("presence", ns::CLIENT).with("type", step).with("to", contact);
    take(state, me, contact, step, &stanza);
}

/// Takes a step of `me` towards `contact`, on both sides. Users of other servers do not exist.
pub(super) fn take(state: &mut ServerState, me: &str, contact: &str, step: &str, stanza: &Element) {
    let stanza = stanza.clone().with("from", me).with("to", contact);
    match step {
        _ if !state.users.contains_key(contact) => {
            if step == "subscribe" {
                update(state, me, contact, true, |item| !replace(&mut item.asks, true));
            }
            message::refuse(state, me, &stanza);
        }
        "subscribe" => request(state, me, contact, &stanza),
        "subscribed" => grant(state, me, contact, &stanza),
        "unsubscribe" => cancel(state, me, contact, &stanza),
        _ => revoke(state, me, contact, &stanza),
    }
}

fn request(state: &mut ServerState, me: &str, contact: &str, stanza: &Element) {
    update(state, me, contact, true, |item| !item.to && !replace(&mut item.asks, true));
    let granted = state.users.get(contact).and_then(|user| user.roster.get(me));
    if granted.is_some_and(|item| item.from) {
        return implied(state, contact, me, "subscribed");
    }
    if let Some(user) = state.users.get_mut(contact) {
        user.requests.insert(me.to_owned(), stanza.clone());
    }
    pass_on(state, contact, stanza);
}

fn grant(state: &mut ServerState, me: &str, contact: &str, stanza: &Element) {
    let asked = forget_request(state, me, contact);
    update(state, me, contact, asked, |item| !replace(&mut item.from, true));
    let sees = update(state, contact, me, false, |item| {
        item.asks = false;
        !replace(&mut item.to, true)
    });
    if sees {
        pass_on(state, contact, stanza);
        show(state, me, contact, None);
    }
}

fn cancel(state: &mut ServerState, me: &str, contact: &str, stanza: &Element) {
    update(state, me, contact, false, gives_up);
    forget_request(state, contact, me);
    if update(state, contact, me, false, |item| replace(&mut item.from, false)) {
        pass_on(state, contact, stanza);
        hide(state, contact, me);
    }
}

fn revoke(state: &mut ServerState, me: &str, contact: &str, stanza: &Element) {
    forget_request(state, me, contact);
    update(state, me, contact, false, |item| replace(&mut item.from, false));
    if update(state, contact, me, false, gives_up) {
        pass_on(state, contact, stanza);
        hide(state, me, contact);
    }
}

/// Ends what the owner of an item sees or asked to see. Returns whether there was anything.
const fn gives_up(item: &mut Item) -> bool {
    replace(&mut item.to, false) | replace(&mut item.asks, false)
}

/// Forgets that `asker` waits for an answer of `asked`. Returns whether it did.
fn forget_request(state: &mut ServerState, asked: &str, asker: &str) -> bool {
    state.users.get_mut(asked).and_then(|user| user.requests.remove(asker)).is_some()
}

fn pass_on(state: &ServerState, to: &str, stanza: &Element) {
    for (target, _) in state.sessions_of(to).filter(|(_, session)| session.wants_roster) {
        // Requests stay addressed to the bare JID.
        let stanza = stanza.clone().with("to", to);
        if let Some(session) = state.sessions.get(target) {
            let _ = session.out.try_send(stanza);
        }
    }
}
