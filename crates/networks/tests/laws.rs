//! Laws that hold for every network, shown on captures of real sessions. A new network only adds
//! captures, in a directory of its name.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Capture, Gateway, Random, Shared, damage, worlds};
use crosstalk_core::{
    Address, Body, Envelope, EnvelopeId, Event, Input, MAX_PENDING, Network, RichText, Roster,
    Side, Sniff,
};
use crosstalk_networks::{NETWORKS, Verdict, sniff};

const SIDES: [Side; 2] = [Side::Client, Side::Server];
const MUTATIONS: usize = 10_000;
/// Number of bytes of sign-ons at which somebody says something, beside the start of each read.
const POINTS: usize = 1_000;
const SAID: &str = "said meanwhile";

/// Sizes of the pieces in which an engine gets the reads of a capture.
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
            let shared = Shared::default();
            for capture in &captures {
                let mut gateway = Gateway::new(network, &shared, Roster::default());
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

fn break_streams(network: &'static dyn Network, mut random: Random) {
    let worlds: Vec<_> = worlds().into_iter().filter(|(n, _)| n.name() == network.name()).collect();
    for _ in 0..MUTATIONS {
        let (_, world) = &worlds[random.below(worlds.len())];
        let which = random.below(world.len());
        damage::play(network, world, which, &mut random);
    }
}

#[test]
fn damaged_streams_neither_panic_nor_pile_up() {
    std::thread::scope(|threads| {
        for (i, network) in NETWORKS.iter().enumerate() {
            threads.spawn(move || break_streams(*network, Random(1863 + i as u64)));
        }
    });
}

/// The first to sign in while a capture is played, after those before it; what the client says goes
/// through `edit`. That a server named whoever signs in is checked by the gateway itself.
fn signs_in(
    network: &'static dyn Network,
    world: &[Capture],
    edit: impl Fn(usize, &mut Vec<u8>),
) -> Option<Address> {
    let shared = Shared::default();
    let (last, before) = world.split_last()?;
    for before in before {
        let mut gateway = Gateway::new(network, &shared, Roster::default());
        for (side, read) in &before.reads {
            gateway.bytes(*side, read).ok()?;
        }
    }
    let mut gateway = Gateway::new(network, &shared, Roster::default());
    for (i, (side, read)) in last.reads.iter().enumerate() {
        let mut read = read.clone();
        if *side == Side::Client {
            edit(i, &mut read);
        }
        if gateway.bytes(*side, &read).is_err() {
            break;
        }
    }
    gateway.events.iter().find_map(|event| match event {
        Event::SignedIn { user, .. } => Some(user.name().clone()),
        _ => None,
    })
}

#[test]
fn nobody_takes_texts_before_signing_on() {
    for network in NETWORKS {
        let mut took = 0;
        for (_, captures) in worlds().into_iter().filter(|(n, _)| n.name() == network.name()) {
            let shared = Shared::default();
            for capture in &captures {
                let mut gateway = Gateway::new(*network, &shared, Roster::default());
                for (side, read) in &capture.reads {
                    gateway.bytes(*side, read).unwrap();
                    let is_known = gateway.events.iter().any(|event| {
                        matches!(event, Event::SignedIn { .. } | Event::Converse { .. })
                    });
                    assert!(is_known || !gateway.takes_texts(), "{}", capture.name);
                }
                took += usize::from(gateway.takes_texts());
            }
        }
        assert!(took > 0, "nobody ever takes a text with {}", network.name());
    }
}

/// Points of a capture at which somebody may say something: the start of each read, and some bytes
/// within. Each is a read and the number of its bytes that came before.
fn points(capture: &Capture, count: usize, random: &mut Random) -> Vec<(usize, usize)> {
    let reads = capture.reads.iter().enumerate();
    let mut points: Vec<_> = reads.map(|(at, _)| (at, 0)).collect();
    for _ in 0..count {
        let at = random.below(capture.reads.len());
        points.push((at, random.below(capture.reads[at].1.len())));
    }
    points
}

/// Somebody says something when `point` has come, and it is given to the engine as soon as that
/// takes it. Returns whether it was.
fn say_at(gateway: &mut Gateway, capture: &Capture, point: (usize, usize)) -> bool {
    let mut given = false;
    for (at, (side, read)) in capture.reads.iter().enumerate() {
        let (before, after) = read.split_at(if at == point.0 { point.1 } else { 0 });
        for part in [before, after] {
            if !part.is_empty() {
                gateway.bytes(*side, part).unwrap();
            }
            if given || at < point.0 || !gateway.takes_texts() {
                continue;
            }
            let signed_in = gateway.events.iter().find_map(|event| match event {
                Event::SignedIn { user, .. } => Some(user.name().clone()),
                _ => None,
            });
            // A conversation beside a session hears its own people only.
            let Some(to) = signed_in else { return false };
            given = true;
            let text = RichText::plain(SAID);
            let from = Address::new("bob", "far-oscar".parse().unwrap()).unwrap();
            let body = Body::Text { text, auto: false };
            let sent_at = gateway.now.wall;
            let said = Envelope { id: EnvelopeId(7), from, to, sent_at, body, details: None };
            gateway.input(Input::Deliver(said)).unwrap();
            // Were the connection cut now, it would be lost unless it is on its way or given back.
            let shown = times_shown(gateway);
            let back = gateway.held.len() + unshown(gateway);
            assert_eq!(shown + back, 1, "{}, {point:?}", capture.name);
        }
    }
    if given {
        assert!(times_shown(gateway) <= 1, "{}, {point:?}: said twice", capture.name);
    }
    given
}

/// Number of times that the client was sent the text.
fn times_shown(gateway: &Gateway) -> usize {
    memchr::memmem::find_iter(gateway.sent(Side::Client), SAID).count()
}

fn unshown(gateway: &Gateway) -> usize {
    gateway.events.iter().filter(|event| matches!(event, Event::Unshown(_))).count()
}

#[test]
fn what_is_said_at_any_point_of_a_sign_on_is_shown_once_or_kept() {
    for network in NETWORKS {
        let mut random = Random(198);
        let worlds: Vec<_> =
            worlds().into_iter().filter(|(n, _)| n.name() == network.name()).collect();
        let captures = worlds.iter().map(|(_, captures)| captures.len()).sum::<usize>();
        let (mut tried, mut given) = (0, 0);
        for (_, world) in &worlds {
            for (at, capture) in world.iter().enumerate() {
                for point in points(capture, POINTS.div_ceil(captures.max(1)), &mut random) {
                    // The connection before may have left a ticket.
                    let shared = Shared::default();
                    for before in &world[at.saturating_sub(1)..at] {
                        let mut gateway = Gateway::new(*network, &shared, Roster::default());
                        for (side, read) in &before.reads {
                            gateway.bytes(*side, read).unwrap();
                        }
                    }
                    let mut gateway = Gateway::new(*network, &shared, Roster::default());
                    tried += 1;
                    given += usize::from(say_at(&mut gateway, capture, point));
                }
            }
        }
        assert!(tried >= POINTS && given > tried / 10, "{}: {given} of {tried}", network.name());
    }
}

#[test]
fn whoever_a_client_says_it_is_the_server_decides() {
    for network in NETWORKS {
        let mut signed_in = 0;
        let worlds = worlds().into_iter().filter(|(n, _)| n.name() == network.name());
        for (_, world) in worlds {
            for end in 1..=world.len() {
                // The connection before may have left a ticket, or the client lies on it too.
                let world = &world[end.saturating_sub(2)..end];
                let Some(user) = signs_in(*network, world, |_, _| ()) else { continue };
                signed_in += 1;
                let name = user.local().split('@').next().unwrap_or_default();
                let liar: String = name.chars().rev().collect();
                for from in [0, 2, 4, 8, 16, 32] {
                    let lie = |at: usize, read: &mut Vec<u8>| {
                        if at >= from {
                            damage::lie(read, name, &liar);
                        }
                    };
                    for world in [world, &world[world.len() - 1..]] {
                        let who = signs_in(*network, world, lie);
                        assert!(who.is_none_or(|who| who == user), "{}", world[0].name);
                    }
                }
            }
        }
        assert!(signed_in > 0, "nobody signs in with {}", network.name());
    }
}

#[test]
fn noise_neither_panics_nor_piles_up() {
    for network in NETWORKS {
        let mut random = Random(5190);
        for _ in 0..1_000 {
            let shared = Shared::default();
            let mut gateway = Gateway::new(*network, &shared, Roster::default());
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
