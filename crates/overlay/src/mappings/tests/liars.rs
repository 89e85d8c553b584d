//! Gateways that say what nobody signed.

use super::*;

/// The frame by which gateway `from` brings rows.
fn brings(world: &mut World, from: usize, to: usize, rows: Vec<Vouched>) -> Follows {
    let frame = put(namespace(1), rows, 0);
    let (now, peer) = (world.now, id(from));
    world.at(to).received(now, peer, frame).unwrap()
}

#[test]
fn nothing_is_kept_that_its_owner_did_not_sign() {
    let mut world = World::new(3);
    world.put(0, says("city", "Oslo", 5)).unwrap();
    let forged: [fn(&mut Mapping); 4] = [
        |m| m.value = Some("Atlantis".into()),
        |m| m.sequence = 7,
        |m| m.expires_at += 1,
        |m| m.key = "other".into(),
    ];
    for forge in forged {
        let mut bad = says("city", "Bergen", 6);
        forge(&mut bad);
        let follows = brings(&mut world, 1, 0, vec![vouched(1, bad)]);
        assert!(follows.refused.is_some() && follows.frames.is_empty());
    }
    let mut signed_by_another = mapping(2, "city", Some("Atlantis"), 6, LATER);
    signed_by_another.namespace = namespace(1);
    let follows = brings(&mut world, 1, 0, vec![vouched(1, signed_by_another)]);
    assert!(follows.refused.is_some());
    assert_eq!(world.read(2), pairs(&[("city", "Oslo")]));
}

#[test]
fn what_was_said_before_changes_nothing_when_it_is_said_again() {
    let mut world = World::new(3);
    let old = vouched(0, says("city", "Oslo", 1));
    world.put(0, says("city", "Oslo", 1)).unwrap();
    world.put(0, says("city", "Bergen", 2)).unwrap();
    let follows = brings(&mut world, 1, 0, vec![old.clone()]);
    assert!(follows.frames.is_empty() && follows.refused.is_none());
    assert_eq!(world.read(0), pairs(&[("city", "Bergen")]));
    world.put(0, mapping(1, "city", None, 3, LATER)).unwrap();
    brings(&mut world, 1, 0, vec![old]);
    assert_eq!(world.read(0), []);
}

#[test]
fn rows_of_another_namespace_or_too_many_are_the_peers_fault() {
    let mut world = World::new(3);
    let row = |n| vouched(1, mapping(n, "city", Some("Oslo"), 1, LATER));
    for frame in [
        put(namespace(1), vec![row(2)], 0),
        put(namespace(1), vec![row(1), row(1)], 7),
        put(namespace(1), vec![row(1); MAX_BATCH + 1], 0),
        Frame::MappingGot { ask: 1, rows: vec![row(1); MAX_PAGE + 1], more: false },
        Frame::MappingDigests(vec![(namespace(1), 0); MAX_BATCH + 1]),
        Frame::MappingWant(vec![namespace(1); MAX_BATCH + 1]),
    ] {
        let (now, peer) = (world.now, id(1));
        assert_eq!(
            world.at(0).received(now, peer, frame).unwrap_err().blame,
            crosstalk_core::Blame::Peer
        );
    }
}

#[test]
fn an_answer_is_believed_as_far_as_it_is_signed() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    let reader = others[0];
    world.put(homes[0], says("city", "Oslo", 5)).unwrap();
    let answer = |world: &mut World, rows: Vec<Vouched>, more| {
        let (now, linked) = (world.now, world.linked(reader));
        let asked = world.at(reader).get(now, namespace(1), ("b", 2), linked).unwrap();
        world.send(reader, asked.frames);
        let lie = Frame::MappingGot { ask: asked.ask, rows, more };
        let liar = homes[0];
        world.at(reader).received(now, id(liar), lie).unwrap();
        world.settle();
        world.at(reader).end_get(asked.ask).unwrap().mappings
    };
    let mut forged = says("city", "Atlantis", 9);
    forged.signature[5] ^= 1;
    let foreign = mapping(2, "city", Some("Atlantis"), 9, LATER);
    let [before, many, true_one] =
        [says("a", "x", 9), says("city", "x", 9), says("city", "Oslo", 5)];
    let over = mapping(1, "city", Some("Atlantis"), 9, NOW);
    for (rows, more) in [
        (vec![forged], false),
        (vec![foreign], false),
        (vec![before], false),
        (vec![many.clone(), many.clone(), many], false),
        (vec![over], false),
        (vec![], true),
    ] {
        let rows = rows.into_iter().map(|row| vouched(homes[0], row)).collect();
        assert_eq!(answer(&mut world, rows, more), std::slice::from_ref(&true_one));
    }
    // Somebody whom nobody asked is not heard, and nobody twice.
    let (now, linked) = (world.now, world.linked(reader));
    let asked = world.at(reader).get(now, namespace(1), ("", 2), linked).unwrap();
    let rows = vec![vouched(0, says("city", "Bergen", 9))];
    let said = Frame::MappingGot { ask: asked.ask, rows, more: false };
    world.at(reader).received(now, id(others[1]), said).unwrap();
    assert_eq!(world.at(reader).end_get(asked.ask), None);
}

#[test]
fn a_home_that_says_there_is_more_after_nothing_hides_nothing() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    let reader = others[0];
    world.put(homes[0], says("city", "Oslo", 5)).unwrap();
    let mut unsigned = says("a", "x", 9);
    unsigned.signature[5] ^= 1;
    let mut nothing = unsigned.clone();
    nothing.key = String::new();
    for lie in [nothing, unsigned] {
        let (now, linked) = (world.now, world.linked(reader));
        let asked = world.at(reader).get(now, namespace(1), ("", 9), linked).unwrap();
        world.send(reader, asked.frames);
        let rows = vec![vouched(homes[0], lie)];
        let lie = Frame::MappingGot { ask: asked.ask, rows, more: true };
        world.at(reader).received(now, id(homes[0]), lie).unwrap();
        world.settle();
        let mappings = vec![says("city", "Oslo", 5)];
        assert_eq!(world.at(reader).end_get(asked.ask), Some(Page { mappings, next: None }));
    }
}

#[test]
fn a_gateway_that_is_no_member_is_vouched_for_by_nobody() {
    let mut world = World::new(3);
    let stranger = vouched(50, says("city", "Oslo", 1));
    // Which may have been one when the peer took it.
    assert!(brings(&mut world, 1, 0, vec![stranger.clone()]).refused.is_none());
    let mut unsigned = stranger.clone();
    unsigned.mapping.signature[5] ^= 1;
    let mut as_a_stranger = stranger;
    as_a_stranger.by = id(51);
    for bad in [unsigned, as_a_stranger] {
        assert!(brings(&mut world, 1, 0, vec![bad]).refused.is_some());
    }
    let mut as_another = vouched(1, says("city", "Oslo", 1));
    as_another.by = id(2);
    assert!(brings(&mut world, 1, 0, vec![as_another]).refused.is_some());
    assert_eq!(world.keepers("city"), []);
}
