//! What is said is kept at three homes, and comes back from there.

use super::*;

#[test]
fn a_gateway_alone_keeps_replaces_and_removes() {
    let mut world = World::new(1);
    assert_eq!(world.put(0, says("city", "Oslo", 1)), Ok(1));
    assert_eq!(world.put(0, says("name", "weather", 1)), Ok(1));
    assert_eq!(world.put(0, says("city", "Bergen", 2)), Ok(1));
    assert_eq!(world.read(0), pairs(&[("city", "Bergen"), ("name", "weather")]));
    assert_eq!(world.put(0, mapping(1, "city", None, 3, LATER)), Ok(1));
    assert_eq!(world.read(0), pairs(&[("name", "weather")]));
    assert_eq!(world.put(0, says("city", "Oslo", 1)), Err(Offered::Stale), "it was removed");
    world.crash(0);
    world.start(0);
    assert_eq!(world.read(0), pairs(&[("name", "weather")]), "over a restart");
    assert_eq!(world.put(0, says("city", "Oslo", 1)), Err(Offered::Stale));
}

#[test]
fn what_is_said_twice_is_kept_once_and_what_is_said_otherwise_not_at_all() {
    let mut world = World::new(1);
    assert_eq!(world.put(0, says("city", "Oslo", 1)), Ok(1));
    assert_eq!(world.put(0, says("city", "Oslo", 1)), Ok(1));
    assert_eq!(world.put(0, says("city", "Bergen", 1)), Err(Offered::Stale));
    assert_eq!(world.read(0), pairs(&[("city", "Oslo")]));
}

#[test]
fn three_homes_keep_it_and_every_gateway_reads_it() {
    let mut world = World::new(6);
    let (homes, others) = world.homes();
    assert_eq!(homes.len(), REPLICAS);
    assert_eq!(
        world.put(others[0], says("city", "Oslo", 1)),
        Ok(4),
        "the homes, and where it was said"
    );
    let mut keepers = homes.clone();
    keepers.push(others[0]);
    keepers.sort_unstable();
    let kept: Vec<_> = world.keepers("city").into_iter().map(|(n, _)| n).collect();
    assert_eq!(kept, keepers);
    for n in 0..6 {
        assert_eq!(world.read(n), pairs(&[("city", "Oslo")]), "{n}");
    }
    assert_eq!(world.put(others[1], says("city", "Bergen", 1)), Err(Offered::Stale));
    assert_eq!(world.put(others[1], says("city", "Bergen", 2)), Ok(4));
    for n in 0..6 {
        assert_eq!(world.read(n), pairs(&[("city", "Bergen")]), "{n}");
    }
}

#[test]
fn a_home_that_was_down_is_told_when_it_is_back() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    world.crash(homes[0]);
    assert_eq!(world.put(others[0], says("city", "Oslo", 1)), Ok(3));
    // Where it was said is gone by then: a home tells the other.
    world.crash(others[0]);
    world.start(homes[0]);
    world.settle();
    assert!(world.keepers("city").contains(&(homes[0], 1)));
    for other in &homes[1..] {
        world.crash(*other);
    }
    assert_eq!(world.read(homes[0]), pairs(&[("city", "Oslo")]));
}

#[test]
fn what_was_said_when_no_home_could_be_reached_is_told_later() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    for home in &homes {
        world.part(others[0], *home);
    }
    assert_eq!(world.put(others[0], says("city", "Oslo", 1)), Ok(1), "here alone");
    assert_eq!(world.page(others[0], "", 10), None, "no home answers");
    for home in &homes {
        world.link(others[0], *home);
    }
    world.settle();
    assert_eq!(world.read(others[1]), pairs(&[("city", "Oslo")]));
}

#[test]
fn readers_get_the_latest_of_what_homes_say() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    world.put(others[0], says("city", "Oslo", 1)).unwrap();
    // Two homes miss the next one, and nobody tells them.
    for home in &homes[1..] {
        world.part(homes[0], *home);
        world.part(others[0], *home);
    }
    assert_eq!(world.put(others[0], says("city", "Bergen", 2)), Ok(2));
    assert_eq!(world.read(others[1]), pairs(&[("city", "Bergen")]));
}

#[test]
fn copies_that_are_the_same_cost_one_frame_to_compare() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    for n in 0..100 {
        world.put(others[0], says(&format!("key{n}"), "value", 1)).unwrap();
    }
    world.put(others[1], says("other", "value", 1)).unwrap();
    let frames = |world: &mut World, from, to| {
        let before = world.frames;
        world.compare(from, to);
        world.settle();
        world.frames - before
    };
    assert_eq!(frames(&mut world, homes[0], homes[1]), 1);
    // It has a part of the whole: that it has told once.
    frames(&mut world, others[0], homes[0]);
    assert_eq!(frames(&mut world, others[0], homes[0]), 0);
}

#[test]
fn a_home_that_lost_its_disk_gets_everything_once_from_each_and_passes_nothing_on() {
    let mut world = World::new(3);
    for n in 0..10 {
        world.put(0, says(&format!("key{n}"), "value", 1)).unwrap();
    }
    world.crash(2);
    world.disks[2] = Memory::default();
    world.start(2);
    let mut brought = [0; 3];
    while let Some((_, to, frame)) = world.under_way.front() {
        if let Frame::MappingPut { rows, .. } = frame {
            brought[*to] += rows.len();
        }
        world.step(0);
    }
    assert_eq!(world.read(2).len(), 10);
    assert_eq!(brought, [0, 0, 20], "two links came up at once");
}

#[test]
fn a_long_namespace_is_read_in_parts_that_miss_nothing() {
    let mut world = World::new(5);
    let (homes, others) = world.homes();
    let value = "v".repeat(3000);
    let keys: Vec<_> = (0..100).map(|n| format!("key{n:03}")).collect();
    for (n, key) in keys.iter().enumerate() {
        // Each home misses some, and is not told of them.
        let missing = homes[n % 3];
        let whole = world.links.clone();
        world.links.retain(|(a, b)| *a != missing && *b != missing);
        assert_eq!(world.put(others[0], says(key, &value, 1)), Ok(3));
        world.links = whole;
    }
    let (mut read, mut from, mut parts) = (Vec::new(), String::new(), 0);
    loop {
        let page = world.page(others[1], &from, 1000).unwrap();
        read.extend(page.mappings.into_iter().map(|mapping| mapping.key));
        parts += 1;
        let Some(next) = page.next else { break };
        from = next + "\0";
    }
    assert_eq!(read, keys);
    assert!((2..5).contains(&parts), "{parts}");
}

#[test]
fn a_watcher_is_told_of_every_change_and_goes_on_where_it_was() {
    let mut world = World::new(5);
    let (_, others) = world.homes();
    let reader = others[1];
    world.put(others[0], says("city", "Oslo", 1)).unwrap();
    let (now, linked) = (world.now, world.linked(reader));
    let frames = world.at(reader).watch(namespace(1), linked).unwrap();
    world.send(reader, frames);
    world.settle();
    let changes = |world: &mut World, after| {
        let news = world.at(reader).changes(now, &namespace(1), after, 10).into_iter();
        news.map(|held| (held.change, held.row.mapping.value)).collect::<Vec<_>>()
    };
    let [(first, Some(city))] = &changes(&mut world, 0)[..] else { panic!("it is told") };
    assert_eq!(city, "Oslo");
    world.put(others[0], says("city", "Bergen", 2)).unwrap();
    world.put(others[0], mapping(1, "city", None, 3, LATER)).unwrap();
    world.put(others[0], says("name", "weather", 1)).unwrap();
    let news = changes(&mut world, *first);
    let values: Vec<_> = news.iter().map(|(_, value)| value.as_deref()).collect();
    assert_eq!(values, [None, Some("weather")], "the last of each");
    assert_eq!(changes(&mut world, news[1].0), []);
    // Nobody is told for ever.
    world.at(reader).unwatch(&namespace(1));
    world.pass(Duration::from_secs(31));
    world.put(others[0], says("name", "again", 2)).unwrap();
    assert_eq!(changes(&mut world, news[1].0), []);
}

#[test]
fn what_has_ended_is_gone_and_cannot_come_back() {
    let mut world = World::new(3);
    let ends = |value, sequence, at| mapping(1, "city", Some(value), sequence, at);
    assert_eq!(world.put(0, ends("Oslo", 1, NOW + 60)), Ok(3));
    assert_eq!(world.put(1, ends("Bergen", 2, NOW + 59)), Err(Offered::Outlived));
    assert_eq!(world.put(1, ends("Bergen", 2, NOW + 60)), Ok(3));
    world.pass(Duration::from_mins(1));
    assert_eq!(world.read(2), []);
    for n in 0..3 {
        let now = world.now;
        world.at(n).sweep(now);
    }
    assert_eq!(world.keepers("city"), []);
    assert_eq!(world.put(0, ends("Oslo", 1, NOW + 60)), Err(Offered::Refused));
    let long = ends("Oslo", 3, NOW + 60 + 30 * 24 * 60 * 60 + 1);
    assert_eq!(world.put(0, long), Err(Offered::Refused), "longer than 30 days");
}
