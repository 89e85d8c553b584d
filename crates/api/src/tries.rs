//! Tries: how often passwords that are wrong may be tried.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Bucket, Rate};

/// Wrong tries of one client for one name, of one client for any, and of all for one name.
const OF_BOTH: Rate = Rate::new(10, Duration::from_mins(1));
const OF_CLIENT: Rate = Rate::new(30, Duration::from_secs(20));
/// More than the others, so that no client alone keeps somebody out.
const OF_NAME: Rate = Rate::new(100, Duration::from_secs(10));
/// Number of places of each.
const PLACES: usize = 4096;

/// Wrong tries lately. It takes the same memory whoever tries: names and clients that chance puts in
/// the same place share it, and nobody can choose with whom.
pub(crate) struct Tries {
    chance: RandomState,
    both: Box<[Bucket]>,
    clients: Box<[Bucket]>,
    names: Box<[Bucket]>,
}

impl Tries {
    pub(crate) fn new(now: Instant) -> Self {
        let places = || vec![Bucket::full(now); PLACES].into_boxed_slice();
        let chance = RandomState::new();
        Self { chance, both: places(), clients: places(), names: places() }
    }

    /// For how long a client has to wait before it may try again, if it has to.
    pub(crate) fn wait(&mut self, now: Instant, client: IpAddr, who: &Address) -> Option<Duration> {
        let of = self.of(client, who);
        // One more has to fit, so that the last one that is allowed is not one too many.
        of.into_iter().filter_map(|(tries, rate)| (*tries).clone().owe(now, rate, 1)).max()
    }

    /// Counts a wrong try.
    pub(crate) fn failed(&mut self, now: Instant, client: IpAddr, who: &Address) {
        for (tries, rate) in self.of(client, who) {
            tries.owe(now, rate, 1);
        }
    }

    fn of(&mut self, client: IpAddr, who: &Address) -> [(&mut Bucket, Rate); 3] {
        let chance = &self.chance;
        let both = place(chance, &mut self.both, &(client, who));
        let clients = place(chance, &mut self.clients, &client);
        let names = place(chance, &mut self.names, who);
        [(both, OF_BOTH), (clients, OF_CLIENT), (names, OF_NAME)]
    }
}

fn place<'a>(chance: &RandomState, places: &'a mut [Bucket], of: &impl Hash) -> &'a mut Bucket {
    let at = chance.hash_one(of) as usize % places.len();
    &mut places[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> Address {
        name.parse().unwrap()
    }

    /// The number of wrong tries that a client has before it has to wait.
    fn until_refused(tries: &mut Tries, now: Instant, client: IpAddr, names: &[Address]) -> usize {
        for (done, name) in names.iter().cycle().enumerate() {
            if tries.wait(now, client, name).is_some() {
                return done;
            }
            tries.failed(now, client, name);
        }
        0
    }

    #[test]
    fn guesses_are_few_and_one_client_keeps_nobody_else_out() {
        let now = Instant::now();
        let mut tries = Tries::new(now);
        let [ann, ben] = ["ann@web", "ben@web"].map(address);
        let [thief, home]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        assert_eq!(until_refused(&mut tries, now, thief, std::slice::from_ref(&ann)), 10);
        assert_eq!(tries.wait(now, thief, &ann), Some(Duration::from_mins(1)));
        assert_eq!(tries.wait(now, home, &ann), None, "she signs in at home");
        let later = now + Duration::from_mins(1);
        assert_eq!(until_refused(&mut tries, later, thief, &[ann]), 1);
        assert!(until_refused(&mut tries, later, thief, &[ben]) <= 10);
    }

    #[test]
    fn many_names_of_one_client_and_many_clients_of_one_name_are_limited_too() {
        let now = Instant::now();
        let client: IpAddr = "192.0.2.1".parse().unwrap();
        let names: Vec<_> = (0..200).map(|n| address(&format!("ann{n}@web"))).collect();
        assert_eq!(until_refused(&mut Tries::new(now), now, client, &names), 30);
        let (mut tries, ann) = (Tries::new(now), address("ann@web"));
        let clients = (0..200_u8).map(|n| IpAddr::from([192, 0, 2, n]));
        for client in clients.clone() {
            tries.failed(now, client, &ann);
        }
        assert!(clients.clone().all(|client| tries.wait(now, client, &ann).is_some()));
    }
}
