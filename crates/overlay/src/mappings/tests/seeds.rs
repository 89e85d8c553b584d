//! Gateways that crash and are parted, by a seed: homes become the same, what was accepted is read
//! everywhere in its latest version, and watchers learn it.

use super::*;

/// A small generator (xorshift64*), so that a seed is a run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }
}

const GATEWAYS: usize = 6;
const STEPS: usize = 120;
/// Few, since signatures cost much where nothing is optimised.
const SEEDS: u64 = 6;

/// The latest version of each key that was accepted.
type Accepted = BTreeMap<String, (u64, Option<String>)>;

fn run(seed: u64) -> (usize, usize) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut world = World::new(GATEWAYS);
    let mut accepted = Accepted::new();
    let (mut sequence, mut crashes) = (0, 0);
    let reader = dice.roll(GATEWAYS);
    for _ in 0..STEPS {
        let (a, b) = (dice.roll(GATEWAYS), dice.roll(GATEWAYS));
        let (runs_a, runs_b) = (world.all[a].is_some(), world.all[b].is_some());
        match dice.roll(10) {
            0 if runs_a && a != reader => {
                world.crash(a);
                crashes += 1;
            }
            1 | 2 if !runs_a => world.start(a),
            3 if a != b => world.part(a, b),
            4 if a != b && runs_a && runs_b => world.link(a, b),
            5 | 6 if runs_a => {
                sequence += 1;
                say(&mut world, (a, sequence), &mut dice, &mut accepted);
            }
            _ => {
                for _ in 0..dice.roll(6) {
                    let most = world.under_way.len();
                    if most > 0 {
                        // Frames of different links overtake each other, and those of one do not.
                        let next = dice.roll(most);
                        let (from, to, _) = &world.under_way[next];
                        let first =
                            world.under_way.iter().position(|(f, t, _)| (f, t) == (from, to));
                        world.step(first.unwrap());
                    }
                }
            }
        }
        world.pass(Duration::from_millis(500));
    }
    heal(&mut world);
    check(&mut world, &accepted, reader);
    (accepted.len(), crashes)
}

/// Says something at a gateway; it counts where it was accepted.
fn say(world: &mut World, (at, sequence): (usize, u64), dice: &mut Dice, accepted: &mut Accepted) {
    let key = format!("key{}", dice.roll(8));
    let value = (dice.roll(5) > 0).then(|| format!("value {sequence}"));
    let said = mapping(1, &key, value.as_deref(), sequence, LATER);
    let Ok(ask) = world.begin_put(at, said) else { return };
    // Whoever it was told has time to answer, or is parted.
    world.settle();
    if world.at(at).end_put(ask).is_ok() {
        accepted.insert(key, (sequence, value));
    }
}

/// Everybody runs, is linked, and has compared with all others.
fn heal(world: &mut World) {
    for n in 0..GATEWAYS {
        if world.all[n].is_none() {
            world.start(n);
        }
    }
    for _ in 0..2 {
        for a in 0..GATEWAYS {
            for b in 0..a {
                world.link(a, b);
            }
        }
        world.settle();
    }
}

fn check(world: &mut World, accepted: &Accepted, reader: usize) {
    let (now, linked) = (world.now, world.linked(reader));
    let (homes, _) = world.homes();
    let digests: BTreeSet<_> =
        homes.iter().map(|home| world.at(*home).keeping.digest(&namespace(1))).collect();
    assert_eq!(digests.len(), 1, "the homes have the same");
    let live = accepted.iter().filter_map(|(key, (_, value))| Some((key.clone(), value.clone()?)));
    let live: Vec<_> = live.collect();
    for n in 0..GATEWAYS {
        assert_eq!(world.read(n), live, "gateway {n}");
    }
    let frames = world.at(reader).watch(namespace(1), linked).unwrap();
    world.send(reader, frames);
    world.settle();
    let told = world.at(reader).changes(now, &namespace(1), 0, 100).into_iter();
    let told: BTreeMap<_, _> = told
        .map(|held| held.row.mapping)
        .map(|mapping| (mapping.key, (mapping.sequence, mapping.value)))
        .collect();
    assert_eq!(&told, accepted);
}

#[test]
fn whatever_goes_wrong_homes_become_the_same_and_nothing_accepted_is_lost() {
    let (mut accepted, mut crashes) = (0, 0);
    for seed in 0..SEEDS {
        let (more, crashed) =
            std::panic::catch_unwind(|| run(seed)).unwrap_or_else(|_| panic!("seed {seed} fails"));
        accepted += more;
        crashes += crashed;
    }
    assert!(accepted > 20 && crashes > 8, "{accepted} accepted, {crashes} crashes");
}
