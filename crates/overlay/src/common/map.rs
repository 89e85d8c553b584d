//! The hash tables of the message path and of the parts that are simulated.

use std::collections::{HashMap, HashSet};

/// A hash map. In tests its order is the same in every run, so that a seed is a run.
pub(crate) type Map<K, V> = HashMap<K, V, State>;

/// A hash set of the same kind.
pub(crate) type Set<K> = HashSet<K, State>;

#[cfg(test)]
type State = foldhash::fast::FixedState;
#[cfg(not(test))]
type State = foldhash::fast::RandomState;
