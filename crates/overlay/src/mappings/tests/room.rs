//! Bounds of what is kept.

use super::*;
use crate::mappings::limits::{MAX_ASKS, MAX_KEYS, MAX_NAMESPACE, MAX_WATCHED};

fn large(n: u8, key: usize) -> Mapping {
    mapping(n, &format!("key{key:04}"), Some(&"v".repeat(4096)), 1, LATER)
}

/// A gateway that has so many mappings of owner 1, as its disk says.
fn with(count: usize, mapping: &Mapping) -> World {
    let mut world = World::new(1);
    world.crash(0);
    let row = vouched(0, mapping.clone());
    for n in 0..count {
        let mut row = row.clone();
        row.mapping.key = format!("key{n:04}");
        world.disks[0].put(Held { row, change: 1 });
    }
    world.start(0);
    world
}

#[test]
fn a_namespace_has_so_many_keys_and_bytes_and_no_more() {
    let fit = MAX_NAMESPACE / large(1, 0).weight();
    let mut world = with(fit, &large(1, 0));
    assert_eq!(world.put(0, large(1, fit)), Err(Offered::Full));
    assert_eq!(world.put(0, large(2, 0)), Ok(1), "another has room of its own");
    assert_eq!(world.put(0, mapping(1, "key0000", None, 2, LATER)), Ok(1));
    assert_eq!(world.put(0, says("one more", "has room", 1)), Ok(1));
    let mut world = with(MAX_KEYS - 1, &says("key0000", "", 1));
    assert_eq!(world.put(0, says("the last", "", 1)), Ok(1));
    assert_eq!(world.put(0, says("one more", "", 1)), Err(Offered::Full));
    assert_eq!(world.put(0, says("key0007", "again", 2)), Ok(1));
}

#[test]
fn another_gateway_fills_its_share_and_no_more() {
    let mut world = World::new(3);
    let per = large(1, 0).weight();
    // Room for ten of one gateway, and for sixteen in all, of which twelve of others.
    let limits = MappingLimits { bytes: 16 * per, of_gateway: 10 * per };
    world.at(0).limit(limits);
    let mut kept = [0; 3];
    for key in 0..12 {
        for by in [1, 2] {
            let row = vouched(by, large(1 + by as u8, key));
            let frame = put(row.mapping.namespace, vec![row.clone()], 0);
            let now = world.now;
            // All come by gateway 1, which passes on what gateway 2 vouches for.
            world.at(0).received(now, id(1), frame).unwrap();
            let has = world.at(0).keeping.store.get(&row.mapping.namespace, &row.mapping.key);
            kept[by] += usize::from(has.is_some());
        }
        if key == 9 {
            assert_eq!(kept, [0, 6, 6], "of both together so much");
        }
    }
    assert_eq!(kept, [0, 6, 6]);
    for key in 0..4 {
        let row = vouched(0, large(4, key));
        let now = world.now;
        assert!(world.at(0).put(now, &row, |_| false).is_ok(), "the rest is its own");
    }
    let (now, row) = (world.now, vouched(0, large(4, 5)));
    assert_eq!(world.at(0).put(now, &row, |_| false).unwrap_err(), Offered::Full);
}

#[test]
fn what_one_gateway_vouches_for_is_counted_over_a_restart_and_given_back() {
    let mut world = World::new(3);
    let per = large(1, 0).weight();
    let fill = |world: &mut World| {
        world.at(0).limit(MappingLimits { bytes: 100 * per, of_gateway: 2 * per });
        let rows: Vec<_> = (0..4).map(|key| vouched(1, large(1, key))).collect();
        let now = world.now;
        world.at(0).received(now, id(1), put(namespace(1), rows, 0)).unwrap();
        world.at(0).keeping.store.rows(&namespace(1), "").len()
    };
    assert_eq!(fill(&mut world), 2);
    world.crash(0);
    world.start(0);
    world.under_way.clear();
    assert_eq!(fill(&mut world), 2);
    world.pass(Duration::from_hours(24));
    let now = world.now;
    world.at(0).sweep(now);
    assert_eq!(world.at(0).keeping.digests().count(), 0);
    let rows = (0..4).map(|key| {
        let late = mapping(1, &key.to_string(), Some(&"v".repeat(4096)), 1, LATER + 60);
        vouched(1, late)
    });
    let frame = put(namespace(1), rows.collect(), 0);
    world.at(0).received(now, id(1), frame).unwrap();
    assert_eq!(world.at(0).keeping.store.rows(&namespace(1), "").len(), 2);
}

#[test]
fn what_a_home_has_no_room_for_is_not_accepted_and_not_asked_for_again_and_again() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    for home in &homes {
        world.at(*home).limit(MappingLimits { bytes: 1 << 20, of_gateway: 100 });
    }
    assert_eq!(world.put(others[0], says("city", "Oslo", 1)), Err(Offered::Full));
    assert_eq!(world.keepers("city"), [], "nor is it left here");
    let full = homes[1];
    for home in [homes[0], homes[2]] {
        world.at(home).limit(MappingLimits::default());
    }
    assert_eq!(world.put(others[0], says("city", "Oslo", 1)), Ok(3));
    let frames = |world: &mut World| {
        let before = world.frames;
        world.compare(homes[0], full);
        world.settle();
        world.frames - before
    };
    assert!(frames(&mut world) > 1, "it is wanted");
    assert_eq!(frames(&mut world), 1, "it is offered, and not wanted");
    world.at(full).limit(MappingLimits::default());
    world.at(full).forget_refused();
    frames(&mut world);
    assert!(world.keepers("city").contains(&(full, 1)));
}

#[test]
fn a_store_that_cannot_be_written_takes_nothing() {
    let mut world = World::new(1);
    world.at(0).keeping.store.is_broken = true;
    assert_eq!(world.put(0, says("city", "Oslo", 1)), Err(Offered::Full));
}

#[test]
fn questions_and_watches_are_bounded() {
    let mut world = World::new(2);
    let now = world.now;
    for _ in 0..MAX_ASKS {
        assert!(world.at(0).get(now, namespace(1), ("", 1), |_| true).is_some());
    }
    assert!(world.at(0).get(now, namespace(1), ("", 1), |_| true).is_none());
    world.at(0).forget(1);
    assert!(world.at(0).get(now, namespace(1), ("", 1), |_| true).is_some());
    let watched = |n: usize| Namespace::from_bytes([n as u8; 32]);
    for n in 0..MAX_WATCHED {
        assert!(world.at(0).watch(watched(n), |_| true).is_some());
    }
    assert!(world.at(0).watch(watched(MAX_WATCHED), |_| true).is_none());
    assert!(world.at(0).watch(watched(0), |_| true).is_some(), "it is watched already");
    for _ in 0..2 {
        world.at(0).unwatch(&watched(0));
    }
    assert!(world.at(0).watch(watched(MAX_WATCHED), |_| true).is_some());
}

#[test]
fn a_refused_update_leaves_what_was_accepted_before() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    let teller = others[0];
    world.put(teller, says("city", "Oslo", 1)).unwrap();
    let bytes = world.at(teller).keeping.digest(&namespace(1));
    // No question may begin.
    let (now, linked) = (world.now, world.linked(teller));
    let mut open = Vec::new();
    for _ in 0..MAX_ASKS {
        let asked = world.at(teller).get(now, namespace(1), ("", 1), &linked).unwrap();
        open.push(asked.ask);
    }
    for sequence in [1, 2] {
        assert_eq!(world.put(teller, says("city", "Oslo", sequence)), Err(Offered::Full));
    }
    for ask in open {
        world.at(teller).forget(ask);
    }
    // The homes have no room.
    for home in &homes {
        world.at(*home).limit(MappingLimits { bytes: 0, of_gateway: 0 });
    }
    let before = world.keepers("city");
    assert_eq!(world.put(teller, says("city", "Bergen", 2)), Err(Offered::Full));
    assert_eq!(world.keepers("city"), before);
    assert_eq!(world.at(teller).keeping.digest(&namespace(1)), bytes);
    assert_eq!(world.read(teller), pairs(&[("city", "Oslo")]));
    assert_eq!(world.put(teller, says("town", "Bergen", 1)), Err(Offered::Full));
    assert_eq!(world.keepers("town"), []);
}

#[test]
fn a_store_that_cannot_be_read_does_not_say_that_there_is_none() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    world.put(homes[0], says("city", "Oslo", 1)).unwrap();
    world.at(homes[0]).keeping.store.is_broken = true;
    for reader in [others[0], homes[0]] {
        assert_eq!(world.read(reader), pairs(&[("city", "Oslo")]));
    }
    for home in &homes {
        world.at(*home).keeping.store.is_broken = true;
    }
    for reader in [others[0], homes[0]] {
        assert_eq!(world.page(reader, "", 1), None);
    }
}
