//! The hash map of the parts that are simulated.

use std::collections::HashMap;

/// A hash map. In tests its order is the same in every run, so that a seed is a run.
pub(crate) type Map<K, V> = HashMap<K, V, State>;

#[cfg(test)]
type State = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;
#[cfg(not(test))]
type State = std::hash::RandomState;
