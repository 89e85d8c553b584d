//! Questions to the homes of a namespace, until they have answered.

use std::collections::BTreeMap;

use super::keeping::{Keeping, MappingStore, Replaced};
use super::limits::MAX_ASKS;
use crate::common::map::Map;
use crate::membership::GatewayId;
use crate::wire::mapping::{Mapping, Namespace, Offered, Vouched};

/// Questions that wait for answers.
#[derive(Default)]
pub(super) struct Asking {
    last: u64,
    open: Map<u64, Ask>,
}

struct Ask {
    waits_for: Vec<GatewayId>,
    about: About,
}

enum About {
    Page(Merged),
    Put {
        row: Box<Vouched>,
        /// None where it was known before.
        replaced: Option<Box<Replaced>>,
        is_home: bool,
        said: Vec<Offered>,
    },
}

/// Part of a namespace, merged from the answers of its homes.
pub(super) struct Merged {
    pub(super) namespace: Namespace,
    pub(super) from: String,
    pub(super) most: usize,
    rows: BTreeMap<String, Mapping>,
    /// The last key up to which every answer was complete; none where they all were.
    until: Option<String>,
    /// Number of homes that have answered.
    heard: usize,
}

/// Part of a namespace, in order of key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The mappings that hold.
    pub mappings: Vec<Mapping>,
    /// Where there may be more: the key after which to go on.
    pub next: Option<String>,
}

impl Merged {
    pub(super) fn new(namespace: Namespace, from: &str, most: usize) -> Self {
        let (rows, until) = (BTreeMap::new(), None);
        Self { namespace, from: from.to_owned(), most, rows, until, heard: 0 }
    }

    /// Adds the answer of a home. One that says what cannot be is passed over.
    pub(super) fn add(&mut self, rows: Vec<Vouched>, more: bool, now: u64) {
        let is_asked_for =
            |row: &Vouched| row.mapping.namespace == self.namespace && row.mapping.key >= self.from;
        if rows.len() > self.most || more && rows.is_empty() || !rows.iter().all(is_asked_for) {
            return;
        }
        // Neither may what nobody signed say how far the answer goes.
        let is_signed = |Vouched { mapping, .. }: &Vouched| {
            self.rows.get(&mapping.key) == Some(mapping) || mapping.verify().is_ok()
        };
        if !rows.iter().all(is_signed) {
            return;
        }
        self.heard += 1;
        let last = rows.iter().map(|row| &row.mapping.key).max().filter(|_| more);
        if let Some(last) = last
            && self.until.as_ref().is_none_or(|until| last < until)
        {
            self.until = Some(last.clone());
        }
        for Vouched { mapping, .. } in rows {
            let known = self.rows.get(&mapping.key);
            let is_newer = known.is_none_or(|known| mapping.order(known).is_gt());
            // Homes are believed in nothing but that they have heard of it.
            if is_newer && mapping.holds_at(now) {
                self.rows.insert(mapping.key.clone(), mapping);
            }
        }
    }

    /// What is known; none where no home has answered.
    fn page(self) -> Option<Page> {
        let Self { rows, from, until, heard, .. } = self;
        let is_whole = |key: &String| until.as_ref().is_none_or(|until| key <= until);
        let rows =
            rows.into_iter().filter(|(key, mapping)| is_whole(key) && mapping.value.is_some());
        let mappings = rows.map(|(_, mapping)| mapping).collect();
        // Who goes on gets further.
        let next = until.as_ref().filter(|until| !until.is_empty() && **until >= from);
        (heard > 0).then_some(Page { mappings, next: next.cloned() })
    }
}

impl Asking {
    /// Whether one more question can begin.
    pub(super) fn has_room(&self) -> bool {
        self.open.len() < MAX_ASKS
    }

    /// Begins a question; none where there are too many.
    fn begin(&mut self, waits_for: Vec<GatewayId>, about: About) -> Option<u64> {
        if !self.has_room() {
            return None;
        }
        self.last += 1;
        self.open.insert(self.last, Ask { waits_for, about });
        Some(self.last)
    }

    pub(super) fn begin_page(&mut self, homes: Vec<GatewayId>, merged: Merged) -> Option<u64> {
        self.begin(homes, About::Page(merged))
    }

    pub(super) fn begin_put(
        &mut self,
        homes: Vec<GatewayId>,
        (row, replaced): (Vouched, Option<Replaced>),
        is_home: bool,
    ) -> Option<u64> {
        let (row, replaced) = (Box::new(row), replaced.map(Box::new));
        self.begin(homes, About::Put { row, replaced, is_home, said: Vec::new() })
    }

    /// Takes the answer of a home. Returns whether it was the last one.
    pub(super) fn got(
        &mut self,
        peer: &GatewayId,
        ask: u64,
        (rows, more): (Vec<Vouched>, bool),
        now: u64,
    ) -> bool {
        self.answered(peer, ask, |about| {
            if let About::Page(merged) = about {
                merged.add(rows, more, now);
            }
        })
    }

    /// Takes what a home says of a mapping that it was offered. Returns whether it was the last
    /// one.
    pub(super) fn offered(&mut self, peer: &GatewayId, ask: u64, outcome: Offered) -> bool {
        self.answered(peer, ask, |about| {
            if let About::Put { said, .. } = about {
                said.push(outcome);
            }
        })
    }

    fn answered(&mut self, peer: &GatewayId, ask: u64, take: impl FnOnce(&mut About)) -> bool {
        let Some(open) = self.open.get_mut(&ask) else { return false };
        // Each home is heard once, and nobody else.
        let Some(at) = open.waits_for.iter().position(|home| home == peer) else { return false };
        open.waits_for.swap_remove(at);
        take(&mut open.about);
        open.waits_for.is_empty()
    }

    /// A question is over.
    pub(super) fn forget(&mut self, ask: u64) {
        self.open.remove(&ask);
    }

    /// Ends a question about a part of a namespace.
    pub(super) fn page(&mut self, ask: u64) -> Option<Page> {
        match self.open.remove(&ask)?.about {
            About::Page(merged) => merged.page(),
            About::Put { .. } => None,
        }
    }

    /// Ends a question about a mapping. Returns the number of gateways that have it, or why it is
    /// not to be.
    pub(super) fn put<S: MappingStore>(
        &mut self,
        ask: u64,
        keeping: &mut Keeping<S>,
    ) -> Result<usize, Offered> {
        let open = self.open.remove(&ask).map(|open| open.about);
        let Some(About::Put { row, replaced, is_home, said }) = open else {
            return Err(Offered::Refused);
        };
        let kept = said.iter().filter(|outcome| **outcome == Offered::Kept).count();
        let is_old = |outcome: &&Offered| matches!(outcome, Offered::Stale | Offered::Outlived);
        let refused = said.iter().find(is_old).or_else(|| {
            // Where nobody has answered it is kept here and told when somebody can be reached.
            said.first().filter(|_| !is_home && kept == 0)
        });
        match refused {
            None => Ok(kept + 1),
            Some(refused) => {
                // Known before, it is another's to take back.
                if let Some(replaced) = replaced {
                    keeping.revert(&row, *replaced);
                }
                Err(*refused)
            }
        }
    }
}
