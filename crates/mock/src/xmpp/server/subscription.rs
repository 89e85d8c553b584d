//! Asking for presence, and the answers (RFC 6121, 3).

use std::mem::replace;

use crosstalk_networks::xmpp::ns;
use crosstalk_networks::xmpp::xml::Element;

use super::message;
use super::presence::{hide, show};
use super::roster::update;
use super::world::{Item, World};

/// A step of `me` towards `contact` that `me` took without a stanza of its own.
pub(super) fn implied(world: &mut World, me: &str, contact: &str, step: &str) {
    let stanza = Element::new("presence", ns::CLIENT).with("type", step).with("to", contact);
    take(world, me, contact, step, &stanza);
}

/// Takes a step of `me` towards `contact`, on both sides. Users of other servers do not exist.
pub(super) fn take(world: &mut World, me: &str, contact: &str, step: &str, stanza: &Element) {
    let stanza = stanza.clone().with("from", me).with("to", contact);
    match step {
        _ if !world.users.contains_key(contact) => {
            if step == "subscribe" {
                update(world, me, contact, true, |item| !replace(&mut item.asks, true));
            }
            message::refuse(world, me, &stanza);
        }
        "subscribe" => request(world, me, contact, &stanza),
        "subscribed" => grant(world, me, contact, &stanza),
        "unsubscribe" => cancel(world, me, contact, &stanza),
        _ => revoke(world, me, contact, &stanza),
    }
}

fn request(world: &mut World, me: &str, contact: &str, stanza: &Element) {
    update(world, me, contact, true, |item| !item.to && !replace(&mut item.asks, true));
    let granted = world.users.get(contact).and_then(|user| user.roster.get(me));
    if granted.is_some_and(|item| item.from) {
        return implied(world, contact, me, "subscribed");
    }
    if let Some(user) = world.users.get_mut(contact) {
        user.requests.insert(me.to_owned(), stanza.clone());
    }
    pass_on(world, contact, stanza);
}

fn grant(world: &mut World, me: &str, contact: &str, stanza: &Element) {
    let asked = forget_request(world, me, contact);
    update(world, me, contact, asked, |item| !replace(&mut item.from, true));
    let sees = update(world, contact, me, false, |item| {
        item.asks = false;
        !replace(&mut item.to, true)
    });
    if sees {
        pass_on(world, contact, stanza);
        show(world, me, contact, None);
    }
}

fn cancel(world: &mut World, me: &str, contact: &str, stanza: &Element) {
    update(world, me, contact, false, gives_up);
    forget_request(world, contact, me);
    if update(world, contact, me, false, |item| replace(&mut item.from, false)) {
        pass_on(world, contact, stanza);
        hide(world, contact, me);
    }
}

fn revoke(world: &mut World, me: &str, contact: &str, stanza: &Element) {
    forget_request(world, me, contact);
    update(world, me, contact, false, |item| replace(&mut item.from, false));
    if update(world, contact, me, false, gives_up) {
        pass_on(world, contact, stanza);
        hide(world, me, contact);
    }
}

/// Ends what the owner of an item sees or asked to see. Returns whether there was anything.
const fn gives_up(item: &mut Item) -> bool {
    replace(&mut item.to, false) | replace(&mut item.asks, false)
}

/// Forgets that `asker` waits for an answer of `asked`. Returns whether it did.
fn forget_request(world: &mut World, asked: &str, asker: &str) -> bool {
    world.users.get_mut(asked).and_then(|user| user.requests.remove(asker)).is_some()
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
