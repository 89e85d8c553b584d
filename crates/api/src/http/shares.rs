//! Shares of a door: so many connections in all, and so many of one client.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use tokio::task::Id;

/// Connections to a door, and whose they are.
pub(super) struct Shares {
    most: usize,
    of_client: usize,
    /// The client of the connection that a task serves.
    tasks: HashMap<Id, IpAddr>,
    /// How many each client has. Only those who have some are in it.
    clients: HashMap<IpAddr, usize>,
}

impl Shares {
    /// A door that nobody came to yet, with room for `most` connections, `of_client` of one client.
    pub(super) fn new(most: usize, of_client: usize) -> Self {
        Self { most, of_client, tasks: HashMap::new(), clients: HashMap::new() }
    }

    /// Whether a client may have one more connection.
    pub(super) fn has_room(&self, client: IpAddr) -> bool {
        // Whoever is turned away leaves nothing behind here.
        let own = self.clients.get(&client).copied().unwrap_or_default();
        self.tasks.len() < self.most && own < self.of_client
    }

    /// A client has a connection, which a task serves.
    pub(super) fn enter(&mut self, task: Id, client: IpAddr) {
        if self.tasks.insert(task, client).is_none() {
            *self.clients.entry(client).or_default() += 1;
        }
    }

    /// The connection that a task served has ended, however that came about.
    pub(super) fn leave(&mut self, task: Id) {
        let Some(client) = self.tasks.remove(&task) else { return };
        if let Entry::Occupied(mut count) = self.clients.entry(client) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_has_its_share_and_who_is_turned_away_leaves_nothing() {
        let mut tasks = tokio::task::JoinSet::new();
        let mut task = || tasks.spawn(async {}).id();
        let [ann, ben]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        let mut shares = Shares::new(3, 2);
        let first = task();
        shares.enter(first, ann);
        shares.enter(task(), ann);
        assert!(!shares.has_room(ann), "two are one client's");
        shares.enter(task(), ben);
        for last in 0..=255 {
            assert!(!shares.has_room([198, 51, 100, last].into()), "three are all");
        }
        assert_eq!((shares.clients.len(), shares.tasks.len()), (2, 3));
        shares.leave(first);
        shares.leave(first);
        assert!(shares.has_room(ann) && shares.has_room(ben));
        assert_eq!(shares.clients.get(&ann), Some(&1));
    }
}
