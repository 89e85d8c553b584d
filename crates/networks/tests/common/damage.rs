//! Captures that something damaged on the way.

use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Event, Input, MAX_PENDING, Network, Presence,
    RichText, Roster, Side, Stamp, UnixMillis,
};

use super::{Capture, Gateway, Random, Shared, names};

const SIDES: [Side; 2] = [Side::Client, Side::Server];

/// Somebody elsewhere, as an address that the network itself could have.
pub fn stranger(network: &dyn Network) -> Address {
    let elsewhere = format!("far-{}", network.name()).parse().unwrap();
    names().address("bob@example.org", &elsewhere).unwrap()
}

pub fn roster(network: &dyn Network) -> Roster {
    let address = stranger(network);
    let spelling = names().universal(&address);
    let bob = Contact { listed: true, ..Contact::new(address, spelling) };
    let mut roster = Roster::default();
    roster.put(bob, Stamp::default());
    roster
}

pub fn letter(network: &dyn Network, to: &Address, body: Body) -> Envelope {
    let sent_at = UnixMillis(1_800_000_000_000);
    Envelope {
        id: EnvelopeId(7),
        from: stranger(network),
        to: to.clone(),
        sent_at,
        body,
        details: None,
    }
}

/// Damages a stream in one of the ways that networks, tools and enemies do.
pub fn mutate(bytes: &mut Vec<u8>, spare: &[u8], foreign: &str, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    let end = bytes.len().min(at + 1 + random.below(64));
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(at..end)),
        3 => bytes[at..end].fill_with(|| random.next() as u8),
        4 => bytes[at..end].fill(0xff),
        5 => drop(bytes.splice(at..at, foreign.bytes())),
        6 => {
            let from = random.below(spare.len().max(1)).min(spare.len());
            let to = spare.len().min(from + random.below(512));
            drop(bytes.splice(at..end, spare[from..to].iter().copied()));
        }
        _ => {
            let copy = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, copy));
        }
    }
}

/// Puts the name of somebody else, as long, wherever `name` stands, in any case.
pub fn lie(bytes: &mut [u8], name: &str, liar: &str) {
    let mut at = 0;
    while let Some(place) = bytes.get_mut(at..at + name.len()) {
        if place.eq_ignore_ascii_case(name.as_bytes()) {
            place.copy_from_slice(liar.as_bytes());
        }
        at += 1;
    }
}

/// Plays a damaged capture, with deliveries in between. Faults end it, as in the gateway.
pub fn play(network: &'static dyn Network, world: &[Capture], which: usize, random: &mut Random) {
    let shared = Shared::default();
    let foreign = names().universal(&stranger(network));
    // A short connection that comes before may have left a ticket for this one.
    let ticket = world[..which].last().filter(|before| before.reads.len() < 20);
    if let Some(before) = ticket {
        let mut gateway = Gateway::new(network, &shared, Roster::default());
        for (side, read) in &before.reads {
            gateway.bytes(*side, read).unwrap();
        }
    }
    let capture = &world[which];
    let damaged = SIDES[random.below(2)];
    let mut gateway = Gateway::new(network, &shared, roster(network));
    // Most rules are at work early, and what comes before the damage costs time.
    let spoilt = (0..3).fold(capture.reads.len(), |end, _| random.below(end.max(1)));
    let last = capture.reads.len().min(spoilt + 12);
    for (i, (side, read)) in capture.reads[..last].iter().enumerate() {
        let mut read = read.clone();
        if i >= spoilt && *side == damaged {
            mutate(&mut read, &capture.reads[random.below(i + 1)].1, &foreign, random);
        }
        if gateway.bytes(*side, &read).is_err() {
            break;
        }
        let left = gateway.pending(*side).len();
        assert!(left <= MAX_PENDING, "{}: {left} bytes wait", capture.name);
    }
    let user = gateway.events.iter().find_map(|event| match event {
        Event::SignedIn { user, .. } => Some(user.name().clone()),
        _ => None,
    });
    if let Some(user) = user {
        let text = Body::Text { text: RichText::plain("<hi> & é"), auto: false };
        let text = letter(network, &user, text);
        let presence = Input::Presence { of: text.from.clone(), presence: Presence::available() };
        let attention = Input::Deliver(letter(network, &user, Body::Attention));
        for input in [Input::Deliver(text), presence, attention] {
            let _ = gateway.input(input);
        }
        for input in [Input::Tick, Input::Closed(damaged)] {
            let _ = gateway.input(input);
        }
    }
}
