//! Mappings of gateways that are linked by hand.

mod exchange;
mod liars;
mod room;
mod seeds;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crosstalk_core::UnixMillis;

use super::*;
use crate::membership::{GatewayId, Member, REPLICAS};
use crate::wire::frame::NEWEST;
use crate::wire::mapping::Mapping;
pub(super) use crate::wire::mapping::tests::{mapping, namespace, owner};

/// The time at which tests begin, in seconds.
pub(super) const NOW: u64 = 1_800_000_000;
/// A usual end.
pub(super) const LATER: u64 = NOW + 24 * 60 * 60;

/// A store in memory.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    rows: BTreeMap<(Namespace, String), Held>,
    is_broken: bool,
}

impl MappingStore for Memory {
    fn is_ready(&self) -> bool {
        !self.is_broken
    }

    fn get(&self, namespace: &Namespace, key: &str) -> Option<Held> {
        self.rows.get(&(*namespace, key.to_owned())).cloned()
    }

    fn read(&self, namespace: &Namespace, from: &str) -> Option<Vec<Held>> {
        if self.is_broken {
            return None;
        }
        let rows = self.rows.range((*namespace, from.to_owned())..);
        let rows = rows.take_while(|((of, _), _)| of == namespace);
        Some(rows.map(|(_, held)| held.clone()).collect())
    }

    fn put(&mut self, held: Held) {
        let place = (held.row.mapping.namespace, held.row.mapping.key.clone());
        self.rows.insert(place, held);
    }

    fn put_back(&mut self, held: Held) {
        self.put(held);
    }

    fn remove(&mut self, namespace: &Namespace, key: &str) {
        self.rows.remove(&(*namespace, key.to_owned()));
    }

    fn each(&self, each: &mut dyn FnMut(Held)) {
        self.rows.values().cloned().for_each(each);
    }
}

/// The id of gateway `n`, whose key is that of owner `n`.
pub(super) fn id(n: usize) -> GatewayId {
    GatewayId::from_bytes(*namespace(100 + n as u8).as_bytes())
}

/// A mapping that gateway `n` vouches for.
pub(super) fn vouched(n: usize, mapping: Mapping) -> Vouched {
    Vouched::sign(&owner(100 + n as u8), id(n), mapping).unwrap()
}

/// A value of owner 1 that ends as usual.
pub(super) fn says(key: &str, value: &str, sequence: u64) -> Mapping {
    mapping(1, key, Some(value), sequence, LATER)
}

/// Gateways, and frames between them.
pub(super) struct World {
    pub(super) all: Vec<Option<Mappings<Memory>>>,
    disks: Vec<Memory>,
    pub(super) links: BTreeSet<(usize, usize)>,
    pub(super) under_way: VecDeque<(usize, usize, Frame)>,
    /// Answered questions.
    answered: Vec<(usize, u64)>,
    pub(super) now: Now,
    pub(super) frames: usize,
}

impl World {
    /// So many gateways, all of them linked.
    pub(super) fn new(count: usize) -> Self {
        let mut world = Self {
            all: (0..count).map(|_| None).collect(),
            disks: vec![Memory::default(); count],
            links: BTreeSet::new(),
            under_way: VecDeque::new(),
            answered: Vec::new(),
            now: Now { instant: Instant::now(), wall: UnixMillis(NOW * 1000) },
            frames: 0,
        };
        (0..count).for_each(|n| world.start(n));
        world
    }

    /// Starts a gateway from its disk, and links it with all that run.
    pub(super) fn start(&mut self, n: usize) {
        let member = |n| Member { id: id(n), addresses: Vec::new(), networks: Vec::new() };
        let others: Vec<_> = (0..self.all.len()).map(member).collect();
        let members = Members::new(id(n), Vec::new(), &others, REPLICAS);
        let disk = std::mem::take(&mut self.disks[n]);
        self.all[n] = Some(Mappings::new(Arc::new(members), disk));
        for other in 0..self.all.len() {
            if other != n && self.all[other].is_some() {
                self.link(n, other);
            }
        }
    }

    /// Ends a gateway, which keeps its disk.
    pub(super) fn crash(&mut self, n: usize) {
        for other in 0..self.all.len() {
            self.part(n, other);
        }
        self.disks[n] = self.all[n].take().unwrap().into_store();
    }

    /// A link comes up: both compare what they have.
    pub(super) fn link(&mut self, a: usize, b: usize) {
        self.links.extend([(a, b), (b, a)]);
        for (from, to) in [(a, b), (b, a)] {
            self.at(from).linked(&id(to));
            self.compare(from, to);
        }
    }

    /// A link breaks, with what is under way on it.
    pub(super) fn part(&mut self, a: usize, b: usize) {
        self.links.remove(&(a, b));
        self.links.remove(&(b, a));
        let ends = [(a, b), (b, a)];
        self.under_way.retain(|(from, to, _)| !ends.contains(&(*from, *to)));
    }

    pub(super) fn compare(&mut self, from: usize, to: usize) {
        let frames: Vec<_> = {
            let mappings = self.at(from);
            let digests = mappings.compare(&id(to)).into_iter().map(|frame| (id(to), frame));
            digests.chain(mappings.renew(|home| *home == id(to))).collect()
        };
        self.send(from, frames);
    }

    pub(super) fn at(&mut self, n: usize) -> &mut Mappings<Memory> {
        self.all[n].as_mut().unwrap()
    }

    pub(super) fn send(&mut self, from: usize, frames: Vec<(GatewayId, Frame)>) {
        for (to, frame) in frames {
            let to = (0..self.all.len()).find(|n| id(*n) == to).unwrap();
            if self.links.contains(&(from, to)) {
                // As it travels.
                let bytes = frame.encode(NEWEST).expect("a frame that fits");
                let frame = Frame::decode(NEWEST, &bytes).unwrap();
                self.under_way.push_back((from, to, frame));
            }
        }
    }

    /// The frame that is under way for longest arrives.
    pub(super) fn step(&mut self, which: usize) {
        let Some((from, to, frame)) = self.under_way.remove(which) else { return };
        self.frames += 1;
        let now = self.now;
        let follows = self.at(to).received(now, id(from), frame).unwrap();
        self.answered.extend(follows.answered.map(|ask| (to, ask)));
        self.send(to, follows.frames);
    }

    /// Lets everything arrive.
    pub(super) fn settle(&mut self) {
        let before = self.frames;
        while !self.under_way.is_empty() {
            self.step(0);
            assert!(self.frames < before + 10_000, "the exchange ends");
        }
    }

    pub(super) fn linked(&self, n: usize) -> impl Fn(&GatewayId) -> bool + Clone + use<> {
        let links: Vec<_> =
            self.links.iter().filter(|(a, _)| *a == n).map(|(_, b)| id(*b)).collect();
        move |peer| links.contains(peer)
    }

    /// Begins to say something at gateway `n`.
    pub(super) fn begin_put(&mut self, n: usize, mapping: Mapping) -> Result<u64, Offered> {
        let (now, linked) = (self.now, self.linked(n));
        let asked = self.at(n).put(now, &vouched(n, mapping), linked)?;
        self.send(n, asked.frames);
        Ok(asked.ask)
    }

    /// Says something at gateway `n`. Returns how many have it.
    pub(super) fn put(&mut self, n: usize, mapping: Mapping) -> Result<usize, Offered> {
        let ask = self.begin_put(n, mapping)?;
        self.settle();
        self.at(n).end_put(ask)
    }

    /// Reads at gateway `n`.
    pub(super) fn page(&mut self, n: usize, from: &str, most: usize) -> Option<Page> {
        let (now, linked) = (self.now, self.linked(n));
        let asked = self.at(n).get(now, namespace(1), (from, most), linked).unwrap();
        self.send(n, asked.frames);
        self.settle();
        if asked.homes > 0 && self.linked(n)(&id(n)) {
            assert!(self.answered.contains(&(n, asked.ask)));
        }
        self.at(n).end_get(asked.ask)
    }

    /// The values of owner 1, read at gateway `n`.
    pub(super) fn read(&mut self, n: usize) -> Vec<(String, String)> {
        let page = self.page(n, "", MAX_PAGE).expect("a home that answers");
        let values = page.mappings.into_iter();
        values.map(|mapping| (mapping.key, mapping.value.unwrap())).collect()
    }

    /// The gateways that keep a value of owner 1 under a key.
    pub(super) fn keepers(&mut self, key: &str) -> Vec<(usize, u64)> {
        let all = self.all.iter().enumerate();
        let kept = all.filter_map(|(n, mappings)| {
            let held = mappings.as_ref()?.keeping.store.get(&namespace(1), key)?;
            Some((n, held.row.mapping.sequence))
        });
        kept.collect()
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.wall.0 += u64::try_from(time.as_millis()).unwrap();
    }

    /// The gateways that are home of owner 1, and the others.
    pub(super) fn homes(&self) -> (Vec<usize>, Vec<usize>) {
        let members = &self.all.iter().flatten().next().unwrap().members;
        let homes = members.homes(&namespace(1).place());
        (0..self.all.len()).partition(|n| homes.contains(&id(*n)))
    }
}

pub(super) fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
