//! What holds for every network, shown on captures of real sessions. A new network only adds
//! captures, in a directory of its name.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{Capture, Gateway, Random, names, worlds};
use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Input, Lobby, MAX_PENDING, Network, Presence,
    RichText, Roster, Side, Sniff, Stamp,
};
use crosstalk_networks::{NETWORKS, Verdict, sniff};

const SIDES: [Side; 2] = [Side::Client, Side::Server];
const MUTATIONS: usize = 10_000;

/// How the reads of a capture are cut before an engine gets them.
#[derive(Clone, Copy, Debug)]
enum Chunks {
    AsCaptured,
    ByteByByte,
    AtRandom,
}

impl Chunks {
    fn of(self, read: &[u8], random: &mut Random) -> Vec<Vec<u8>> {
        let mut rest = read;
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let length = match self {
                Self::AsCaptured => rest.len(),
                Self::ByteByByte => 1,
                Self::AtRandom => 1 + random.below(rest.len().min(40)),
            };
            let (chunk, after) = rest.split_at(length);
            chunks.push(chunk.to_vec());
            rest = after;
        }
        chunks
    }
}

#[test]
fn own_traffic_passes_byte_for_byte() {
    for (network, captures) in worlds() {
        for cut in [Chunks::AsCaptured, Chunks::ByteByByte, Chunks::AtRandom] {
            let mut random = Random(2005);
            let lobby = Arc::new(Lobby::default());
            for capture in &captures {
                let mut gateway = Gateway::new(network, &lobby, Roster::default());
                let mut passed = [Vec::new(), Vec::new()];
                for (side, read) in &capture.reads {
                    for chunk in cut.of(read, &mut random) {
                        gateway.bytes(*side, &chunk).unwrap();
                    }
                }
                for side in SIDES {
                    let passed = &mut passed[side as usize];
                    passed.extend(gateway.take(side.other()));
                    passed.extend(gateway.pending(side));
                    let same = *passed == capture.sent_by(side);
                    assert!(same, "{}, {cut:?}: what the {side:?} sent was changed", capture.name);
                }
                assert!(!gateway.altered(), "{}, {cut:?}", capture.name);
            }
        }
    }
}

#[test]
fn exactly_one_network_recognises_each_capture() {
    for (network, captures) in worlds() {
        for capture in captures {
            let first = |side| {
                let sent = capture.sent_by(side);
                sent[..sent.len().min(64)].to_vec()
            };
            let (client, server) = (first(Side::Client), first(Side::Server));
            let verdict = sniff(&client, &server);
            let Verdict::Known(known) = verdict else { panic!("{} is unknown", capture.name) };
            assert_eq!(known.name(), network.name(), "{}", capture.name);
            for (side, first) in [(Side::Client, &client), (Side::Server, &server)] {
                let sure = NETWORKS.iter().filter(|n| n.sniff(side, first) == Sniff::Yes).count();
                assert!(sure <= 1, "{}: {sure} networks claim the {side:?}", capture.name);
            }
        }
    }
}

#[test]
fn every_network_decides_within_64_bytes() {
    let mut random = Random(64);
    for _ in 0..10_000 {
        let mut bytes = [0; 64];
        bytes.fill_with(|| random.next() as u8);
        for network in NETWORKS {
            for side in SIDES {
                assert_ne!(network.sniff(side, &bytes), Sniff::More, "{}", network.name());
            }
        }
    }
}

/// Somebody elsewhere, as an address that the network itself could have.
fn stranger(network: &dyn Network) -> Address {
    let elsewhere = format!("far-{}", network.name()).parse().unwrap();
    names().address("bob@example.org", &elsewhere).unwrap()
}

fn roster(network: &dyn Network) -> Roster {
    let address = stranger(network);
    let spelling = names().universal(&address);
    let bob = Contact { listed: true, ..Contact::new(address, spelling) };
    let mut roster = Roster::default();
    roster.put(bob, Stamp::default());
    roster
}

fn letter(network: &dyn Network, to: &Address, body: Body) -> Envelope {
    let sent_at = crosstalk_core::UnixMillis(1_800_000_000_000);
    Envelope { id: EnvelopeId(7), from: stranger(network), to: to.clone(), sent_at, body }
}

/// Damages a stream in one of the ways that networks, tools and enemies do.
fn mutate(bytes: &mut Vec<u8>, spare: &[u8], foreign: &str, random: &mut Random) {
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

/// Plays a damaged capture, with deliveries in between. Faults end it, as in the gateway.
fn play(network: &'static dyn Network, world: &[Capture], which: usize, random: &mut Random) {
    let lobby = Arc::new(Lobby::default());
    let foreign = names().universal(&stranger(network));
    // A short connection that comes before may have left a ticket for this one.
    let ticket = world[..which].last().filter(|before| before.reads.len() < 20);
    if let Some(before) = ticket {
        let mut gateway = Gateway::new(network, &lobby, Roster::default());
        for (side, read) in &before.reads {
            gateway.bytes(*side, read).unwrap();
        }
    }
    let capture = &world[which];
    let damaged = SIDES[random.below(2)];
    let mut gateway = Gateway::new(network, &lobby, roster(network));
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
        crosstalk_core::Event::SignedIn { user, .. } => Some(user.name().clone()),
        _ => None,
    });
    if let Some(user) = user {
        let text = Body::Text { text: RichText::plain("<hi> & é"), auto: false };
        for body in [text, Body::Presence(Presence::available()), Body::Attention] {
            let _ = gateway.input(Input::Deliver(letter(network, &user, body)));
        }
        for input in [Input::Tick, Input::Rung, Input::Closed(damaged)] {
            let _ = gateway.input(input);
        }
    }
}

fn damage(network: &'static dyn Network, mut random: Random) {
    let worlds: Vec<_> = worlds().into_iter().filter(|(n, _)| n.name() == network.name()).collect();
    for _ in 0..MUTATIONS {
        let (_, world) = &worlds[random.below(worlds.len())];
        let which = random.below(world.len());
        play(network, world, which, &mut random);
    }
}

#[test]
fn damaged_streams_neither_panic_nor_pile_up() {
    std::thread::scope(|threads| {
        for (i, network) in NETWORKS.iter().enumerate() {
            threads.spawn(move || damage(*network, Random(1863 + i as u64)));
        }
    });
}

#[test]
fn noise_neither_panics_nor_piles_up() {
    for network in NETWORKS {
        let mut random = Random(5190);
        for _ in 0..1_000 {
            let lobby = Arc::new(Lobby::default());
            let mut gateway = Gateway::new(*network, &lobby, Roster::default());
            for _ in 0..8 {
                let mut noise = vec![0; random.below(300)];
                noise.fill_with(|| random.next() as u8);
                let side = SIDES[random.below(2)];
                if gateway.bytes(side, &noise).is_err() {
                    break;
                }
                assert!(gateway.pending(side).len() <= MAX_PENDING);
            }
        }
    }
}
