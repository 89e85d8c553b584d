//! The connections that there may be at once, and which of them make room when there are too many.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::abort::Abort;
use crate::client_origin::ClientOrigin;

/// Permits for connections: so many in all, and for each client. When all are taken, a connection
/// on which nobody signed on makes room, of whoever has the most of them.
pub(crate) struct ConnectionPermits {
    most: usize,
    most_per_client: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    clients: HashMap<IpAddr, Client>,
    /// Clients by how many of their connections nobody signed on.
    unsigned: BTreeSet<(usize, IpAddr)>,
    /// Ids of the connections that made room and are not gone yet.
    shed: HashSet<u64>,
    /// Number of permits ever taken; the last one's id.
    ever: u64,
    /// The operator was told that all are taken.
    told: bool,
}

/// The connections of one client, those that may be ended in the order in which they came.
#[derive(Default)]
struct Client {
    /// Connections of which it is not known yet what they are.
    fresh: BTreeMap<u64, Option<Abort>>,
    /// Connections that are known and on which nobody signed on.
    unsigned: BTreeMap<u64, Option<Abort>>,
    signed_on: usize,
}

impl Client {
    fn unsigned(&self) -> usize {
        self.fresh.len() + self.unsigned.len()
    }

    fn all(&self) -> usize {
        self.unsigned() + self.signed_on
    }
}

/// A permit taken by one connection.
pub(crate) struct ConnectionPermit {
    permits: Arc<ConnectionPermits>,
    id: u64,
    /// Origin of the connection that holds the permit; its address never changes.
    pub(crate) origin: ClientOrigin,
}

/// Key of a taken permit, for whoever learns more about its connection.
#[derive(Clone)]
pub(crate) struct PermitKey {
    permits: Arc<ConnectionPermits>,
    client: IpAddr,
    id: u64,
}

impl ConnectionPermits {
    pub(crate) fn new(most: usize, most_per_client: usize) -> Arc<Self> {
        Arc::new(Self { most, most_per_client, taken: Mutex::default() })
    }

    /// A permit for a connection of `origin`; `None` if it has to go.
    pub(crate) fn take(self: &Arc<Self>, origin: ClientOrigin) -> Option<ConnectionPermit> {
        self.take_within(origin, self.most_per_client)
    }

    /// A permit for a connection of a load balancer until it has said whose that is: there may be
    /// as many as many clients have.
    pub(crate) fn take_for_many(
        self: &Arc<Self>,
        balancer: ClientOrigin,
    ) -> Option<ConnectionPermit> {
        self.take_within(balancer, usize::MAX)
    }

    fn take_within(
        self: &Arc<Self>,
        origin: ClientOrigin,
        most: usize,
    ) -> Option<ConnectionPermit> {
        let client = origin.address;
        let mut taken = self.lock();
        let own = taken.clients.get(&client);
        let (all, unsigned) = own.map_or((0, 0), |own| (own.all(), own.unsigned()));
        if all >= most {
            tracing::debug!(%client, "turned away: too many connections of its own");
            return None;
        }
        // A newcomer displaces only a client that has more of them than it has itself, so that one
        // address cannot crowd out the others.
        if taken.all >= self.most && !taken.make_room(unsigned) {
            tracing::debug!(%client, "turned away: too many connections");
            return None;
        }
        taken.all += 1;
        taken.ever += 1;
        let id = taken.ever;
        taken.change(client, |own| own.fresh.insert(id, None));
        Some(ConnectionPermit { permits: Arc::clone(self), id, origin })
    }

    /// Ends a connection of which nothing is known yet, or on which nobody signed on, since the
    /// system has no room for another one.
    pub(crate) fn shed(&self) {
        self.lock().make_room(0);
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Ends a connection on which nobody signed on, of the client that has the most of them, if it
    /// has more than `unsigned`.
    fn make_room(&mut self, unsigned: usize) -> bool {
        let Some((most, client)) = self.unsigned.last().copied() else { return false };
        if most <= unsigned {
            return false;
        }
        let first = |own: &mut Client| own.fresh.pop_first().or_else(|| own.unsigned.pop_first());
        let Some((id, task)) = self.change(client, first) else { return false };
        self.shed.insert(id);
        self.all = self.all.saturating_sub(1);
        if let Some(task) = task {
            task.abort();
        }
        if !std::mem::replace(&mut self.told, true) {
            tracing::warn!(
                connections = self.all,
                "as many connections as there may be: those on which nobody signed on make room"
            );
        }
        true
    }

    /// Changes what is known of a client's connections.
    fn change<T>(&mut self, client: IpAddr, change: impl FnOnce(&mut Client) -> T) -> T {
        let own = self.clients.entry(client).or_default();
        let before = own.unsigned();
        let changed = change(own);
        let (after, is_gone) = (own.unsigned(), own.all() == 0);
        if is_gone {
            self.clients.remove(&client);
        }
        if before != after {
            self.unsigned.remove(&(before, client));
        }
        if before != after && after > 0 {
            self.unsigned.insert((after, client));
        }
        changed
    }
}

impl ConnectionPermit {
    /// Key of this permit, for whoever learns what the connection is.
    pub(crate) fn key(&self) -> PermitKey {
        let (permits, client) = (Arc::clone(&self.permits), self.origin.address);
        PermitKey { permits, client, id: self.id }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let Self { permits, id, origin } = self;
        let mut taken = permits.lock();
        if taken.shed.remove(id) {
            return;
        }
        taken.all = taken.all.saturating_sub(1);
        taken.change(origin.address, |own| {
            if own.fresh.remove(id).or_else(|| own.unsigned.remove(id)).is_none() {
                own.signed_on = own.signed_on.saturating_sub(1);
            }
        });
    }
}

impl PermitKey {
    /// Sets what ends the connection when it makes room.
    pub(crate) fn is_served_by(&self, task: Abort) {
        let mut taken = self.permits.lock();
        if taken.shed.contains(&self.id) {
            task.abort();
            return;
        }
        let Some(own) = taken.clients.get_mut(&self.client) else { return };
        let of = own.fresh.get_mut(&self.id).or_else(|| own.unsigned.get_mut(&self.id));
        if let Some(of) = of {
            *of = Some(task);
        }
    }

    /// Records that it is known what the connection is.
    pub(crate) fn is_known(&self) {
        self.change(|own, id| {
            if let Some(task) = own.fresh.remove(&id) {
                own.unsigned.insert(id, task);
            }
        });
    }

    /// Records that somebody signed on, so that the connection makes room for nobody any more.
    pub(crate) fn has_signed_on(&self) {
        self.change(|own, id| {
            if own.fresh.remove(&id).or_else(|| own.unsigned.remove(&id)).is_some() {
                own.signed_on += 1;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Client, u64)) {
        self.permits.lock().change(self.client, |own| change(own, self.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(ip: &str) -> ClientOrigin {
        ClientOrigin::of(ip.parse().unwrap())
    }

    #[test]
    fn places_are_limited_per_client_and_in_all_and_come_back() {
        let permits = ConnectionPermits::new(3, 2);
        let take = |ip: &str| permits.take(origin(ip)).inspect(|place| place.key().has_signed_on());
        let (first, second) = (take("2001:db8::1"), take("2001:db8::2"));
        assert!(first.is_some() && second.is_some());
        assert!(take("2001:db8::3").is_none(), "one network is one client");
        let third = take("10.0.0.1");
        assert!(third.is_some() && take("10.0.0.2").is_none());
        drop(first);
        assert!(take("2001:db8::3").is_some());
        drop((second, third));
        let taken = permits.lock();
        assert_eq!((taken.all, taken.clients.len(), taken.unsigned.len()), (0, 0, 0));
    }

    #[tokio::test]
    async fn whoever_has_the_most_that_nobody_signed_on_makes_room() {
        let permits = ConnectionPermits::new(4, 4);
        let served = |ip: &str| {
            let place = permits.take(origin(ip))?;
            let task = tokio::spawn(std::future::pending::<()>());
            place.key().is_served_by(Abort::Task(task.abort_handle()));
            Some((place, task))
        };
        let (greedy, honest) = ("192.0.2.1", "192.0.2.2");
        let signed_on = served(greedy).unwrap();
        signed_on.0.key().has_signed_on();
        let known = served(greedy).unwrap();
        known.0.key().is_known();
        let fresh = served(greedy).unwrap();
        let first = served(honest).unwrap();
        assert!(served(greedy).is_none(), "the one with the most gets no more");
        let second = served(honest).unwrap();
        assert!(fresh.1.await.unwrap_err().is_cancelled(), "what is not known yet goes first");
        assert!(served(honest).is_none(), "nobody has more than it now");
        let third = served("192.0.2.3").unwrap();
        assert!(first.1.await.unwrap_err().is_cancelled());
        drop((fresh.0, first.0, second.0, third.0, known.0));
        assert!(!signed_on.1.is_finished() && permits.lock().all == 1);
        drop(signed_on.0);
        let taken = permits.lock();
        assert!(taken.clients.is_empty() && taken.unsigned.is_empty() && taken.shed.is_empty());
    }
}
