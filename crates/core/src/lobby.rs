//! A place for what all connections of a network share.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// State that the connections of a network share. One for each configured network.
#[derive(Default)]
pub struct Lobby {
    common: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

impl Lobby {
    /// The value of this type that all connections of the network share, such as an `Arc` with
    /// bounds of its own; made when it is first asked for, and kept as long as the gateway runs.
    pub fn common<T: Clone + Default + Send + 'static>(&self) -> T {
        let mut common = self.common.lock().unwrap_or_else(PoisonError::into_inner);
        let common = common.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(T::default()));
        common.downcast_ref::<T>().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_is_the_same_for_all() {
        let lobby = Lobby::default();
        let count = || lobby.common::<std::sync::Arc<Mutex<u8>>>();
        *count().lock().unwrap() += 1;
        assert_eq!(*count().lock().unwrap(), 1);
    }
}
