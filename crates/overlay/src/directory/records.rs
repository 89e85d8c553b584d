//! Records: what gateways said about one person.

use super::subscriptions::Version;
use crate::membership::{GatewayId, Key};
use crate::wire::frame::Record;

/// Records, at most one of a gateway, in the order of their ids. Mostly there is one, for which a
/// tree would take the room of eleven; there are never more than members of a mesh.
#[derive(Debug)]
pub(super) struct Records<T>(Vec<(GatewayId, T)>);

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Records<T> {
    pub(super) fn get(&self, gateway: &GatewayId) -> Option<&T> {
        self.at(gateway).ok().and_then(|at| self.0.get(at)).map(|(_, record)| record)
    }

    pub(super) fn get_mut(&mut self, gateway: &GatewayId) -> Option<&mut T> {
        let at = self.at(gateway).ok()?;
        self.0.get_mut(at).map(|(_, record)| record)
    }

    /// Puts a record in the place of an older one of that gateway.
    pub(super) fn insert(&mut self, gateway: GatewayId, record: T) {
        match self.at(&gateway) {
            Ok(at) => self.0[at].1 = record,
            Err(at) => {
                if self.0.len() == self.0.capacity() {
                    self.0.reserve_exact(1 + self.0.len() / 2);
                }
                self.0.insert(at, (gateway, record));
            }
        }
    }

    pub(super) fn remove(&mut self, gateway: &GatewayId) -> Option<T> {
        let at = self.at(gateway).ok()?;
        let (_, record) = self.0.remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(record)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(GatewayId, T)> {
        self.0.iter()
    }

    pub(super) fn gateways(&self) -> impl Iterator<Item = GatewayId> {
        self.0.iter().map(|(gateway, _)| *gateway)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn at(&self, gateway: &GatewayId) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(gateway))
    }
}

impl Record {
    pub(super) const fn seen(key: Key, gateway: GatewayId, at: Version, present: bool) -> Self {
        Self::Seen { key, gateway, epoch: at.epoch, version: at.version, present }
    }

    /// Key of the person it is about.
    pub(crate) const fn key(&self) -> &Key {
        match self {
            Self::Here { key, .. }
            | Self::Gone { key, .. }
            | Self::Watch { key, .. }
            | Self::Unwatch { key }
            | Self::Seen { key, .. }
            | Self::Answered { key, .. } => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_has_one_record_and_all_are_in_order() {
        let id = |n| GatewayId::from_bytes([n; 32]);
        let mut records = Records::default();
        for (n, record) in [(3, "c"), (1, "a"), (2, "b"), (3, "d")] {
            records.insert(id(n), record);
        }
        assert!(records.gateways().eq([1, 2, 3].map(id)));
        assert_eq!((records.get(&id(3)), records.get(&id(4))), (Some(&"d"), None));
        assert_eq!((records.remove(&id(1)), records.remove(&id(1))), (Some("a"), None));
        assert!(records.iter().eq(&[(id(2), "b"), (id(3), "d")]));
    }
}
