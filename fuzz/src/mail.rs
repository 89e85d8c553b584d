//! Input of the gateway for an engine, made from a few bytes.

use std::sync::Arc;

use crosstalk_core::{
    Address, Availability, Body, Consent, Contact, Envelope, EnvelopeId, Failure, Input, Names,
    Network, Presence, RichText, Roster, Stamp, Style, Subscription, Typing, UnixMillis,
};
use crosstalk_networks::NETWORKS;

/// Every registered network under its usual name, and once more under another.
pub(crate) fn names() -> Arc<Names> {
    let named = |prefix: &str, network: &dyn Network| {
        format!("{prefix}{}", network.defaults().id).parse().expect("a legal name")
    };
    let usual = NETWORKS.iter().map(|network| (named("", *network), *network));
    let elsewhere = NETWORKS.iter().map(|network| (named("far-", *network), *network));
    Arc::new(Names::new("xt", usual.chain(elsewhere)))
}

/// Foreign people, as anybody's list may have them.
fn people(names: &Names) -> impl Iterator<Item = Address> {
    let names = names.networks().filter(|id| id.as_str().starts_with("far-")).map(|id| {
        let local = if id.as_str() == "far-yahoo" { "bob" } else { "bob@example.org" };
        names.address(local, id).or_else(|_| names.address("bob", id))
    });
    names.flatten()
}

/// One of the foreign people.
fn person(names: &Names, which: u8) -> Address {
    let mut people: Vec<_> = people(names).collect();
    people.push(Address::control());
    let at = usize::from(which) % people.len();
    people.swap_remove(at)
}

/// A list with foreign people of all kinds of standing.
pub(crate) fn roster(names: &Names) -> Roster {
    let mut roster = Roster::default();
    for (number, address) in people(names).enumerate() {
        roster.put(contact(names, address, b"\x07\x09Bob"[number % 2]), Stamp::default());
    }
    roster
}

fn contact(names: &Names, address: Address, flags: u8) -> Contact {
    let standing = |granted: bool, asked: bool| match (granted, asked) {
        (true, _) => Subscription::Granted,
        (_, true) => Subscription::Asked(RichText::plain("may I?")),
        _ => Subscription::None,
    };
    let spelling = names.universal(&address);
    Contact {
        listed: flags & 1 != 0,
        to: standing(flags & 2 != 0, flags & 16 != 0),
        from: standing(flags & 4 != 0, flags & 8 != 0),
        blocked: flags & 32 != 0,
        ..Contact::new(address, spelling)
    }
}

/// A contact that changed: who, how it stands, and what it is called.
pub(crate) fn changed(names: &Names, text: &[u8]) -> Contact {
    let [flags, who, label @ ..] = text else { return contact(names, person(names, 0), 0) };
    let label = String::from_utf8_lossy(label);
    let mut parts = label.split('\n').map(|part| {
        let end = part.floor_char_boundary(crosstalk_core::MAX_LABEL);
        part[..end].to_owned()
    });
    let mut contact = contact(names, person(names, *who), *flags);
    contact.alias = parts.next().filter(|alias| !alias.is_empty());
    contact.groups = parts.take(crosstalk_core::MAX_GROUPS).collect();
    contact
}

/// An envelope for `to`, or a presence: what it is, from whom, how old it is in 16 seconds, and its
/// words.
pub(crate) fn delivery(
    names: &Names,
    id: EnvelopeId,
    to: Address,
    now: UnixMillis,
    text: &[u8],
) -> Input<'static> {
    let [what, who, age, words @ ..] = text else {
        let (from, body) = (person(names, 0), Body::Attention);
        return Input::Deliver(Envelope { id, from, to, sent_at: now, body, details: None });
    };
    let sent_at = UnixMillis(now.0.saturating_sub(u64::from(*age) * 16_000));
    let words = styled(&String::from_utf8_lossy(words), *what);
    let from = person(names, *who);
    let body = match what % 16 {
        0..4 => Body::Text { text: words, auto: what & 64 != 0 },
        4 => Body::Typing(Typing::Active),
        5 => Body::Typing(Typing::Paused),
        6 => Body::Typing(Typing::Idle),
        7 => Body::Receipt { of: id, displayed: what & 64 != 0 },
        8 => Body::Attention,
        9 => Body::Contact(Consent::Request(words)),
        10 => Body::Contact(Consent::Grant),
        11 => Body::Contact(Consent::Revoke),
        12 => Body::Contact(Consent::Cancel),
        13 => Body::Undelivered { of: id, why: Failure::Busy },
        14 => return Input::Presence { of: from, presence: Presence::offline() },
        _ => return Input::Presence { of: from, presence: online(*what, words) },
    };
    Input::Deliver(Envelope { id, from, to, sent_at, body, details: None })
}

fn online(how: u8, text: RichText) -> Presence {
    Presence {
        show: if how & 64 != 0 { Availability::Away } else { Availability::Available },
        text,
        idle_since: (how & 128 != 0).then_some(UnixMillis(1_799_999_000_000)),
        online_since: None,
    }
}

/// Words with styles over parts of them.
fn styled(words: &str, how: u8) -> RichText {
    let mut text = RichText::plain(words);
    let end = text.text().len();
    let styles = [
        (16, Style::Bold),
        (32, Style::Colour(0xff_8000)),
        (128, Style::Link("https://example.org/?a=1&b=<2>".to_owned())),
    ];
    for (number, (flag, style)) in styles.into_iter().enumerate() {
        if how & flag != 0 {
            text.style(text.text().floor_char_boundary(end / (4 - number))..end, style);
        }
    }
    text
}
