//! Limits on what people may do: each alone, and those of one origin together towards people who do
//! not know them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Bucket, Contact, Origin, Rate, Subscription};

use crate::ids::GatewayKey;
use crate::pace::{EDITS, REQUESTS};

/// Rate of one stranger's messages to people who do not know him.
const SPEECH: Rate = Rate::new(50, Duration::from_millis(50));

/// As how many people all those of a domain count, who may be one with as many names.
const OF_DOMAIN: u32 = 8;
/// The same for a network whose own servers give names out.
const OF_NETWORK: u32 = 256;
/// The most origins that are counted apart from the others.
const MAX_ORIGINS: usize = 8192;

/// Kind of act that is counted for an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Asking somebody to be seen.
    Request,
    /// Saying something to somebody who does not know the sender.
    Message,
    /// Changing a list.
    Edit,
}

/// Use of the rates by each origin. All accounts of a gateway have it in common.
#[derive(Default)]
pub struct Strangers {
    origins: HashMap<Source, [Bucket; 3]>,
    /// Those for whom there is no room, together.
    rest: Option<[Bucket; 3]>,
    /// Time of the last search for origins that need no room.
    pruned: Option<Instant>,
}

/// An origin; where that is a network, by the gateway that speaks for it.
#[derive(PartialEq, Eq, Hash)]
struct Source(Origin, Option<GatewayKey>);

impl Strangers {
    /// Takes a deed of somebody at `gateway`, if those of the same origin have not done too much.
    pub fn may(&mut self, now: Instant, who: &Address, at: GatewayKey, deed: Deed) -> bool {
        let origin = Origin::of(who);
        let is_domain = origin.domain().is_some();
        let rate = match deed {
            Deed::Request => REQUESTS,
            Deed::Message => SPEECH,
            Deed::Edit => EDITS,
        };
        let rate = rate.of(if is_domain { OF_DOMAIN } else { OF_NETWORK });
        let source = Source(origin, (!is_domain).then_some(at));
        self.buckets(now, source)[deed as usize].take(now, rate, 1)
    }

    fn buckets(&mut self, now: Instant, source: Source) -> &mut [Bucket; 3] {
        let full = || [Bucket::full(now); 3];
        if !self.origins.contains_key(&source) && self.origins.len() >= MAX_ORIGINS {
            self.prune(now);
            if self.origins.len() >= MAX_ORIGINS {
                return self.rest.get_or_insert_with(full);
            }
        }
        self.origins.entry(source).or_insert_with(full)
    }

    /// Forgets who has used up nothing; once a second at most.
    fn prune(&mut self, now: Instant) {
        let is_due = |last: Instant| now.saturating_duration_since(last) >= Duration::from_secs(1);
        if self.pruned.is_none_or(is_due) {
            self.pruned = Some(now);
            self.origins.retain(|_, buckets| !buckets.iter().all(|bucket| bucket.is_full(now)));
        }
    }
}

/// Whether one of the two lets the other see him: what strangers do is not theirs to pay for.
pub(crate) fn is_friend(contact: Option<&Contact>) -> bool {
    contact.is_some_and(|c| c.to == Subscription::Granted || c.from == Subscription::Granted)
}

/// Act of a stranger who sends this; `None` where it is an answer.
pub(crate) const fn deed(body: &Body) -> Option<Deed> {
    match body {
        Body::Contact(crosstalk_core::Consent::Request(_)) => Some(Deed::Request),
        Body::Contact(_) => None,
        _ => Some(Deed::Message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: GatewayKey = GatewayKey([0; 32]);

    fn done(strangers: &mut Strangers, now: Instant, names: impl Iterator<Item = String>) -> usize {
        let mut may =
            |name: String| strangers.may(now, &name.parse().unwrap(), HERE, Deed::Message);
        names.filter(|name| may(name.clone())).count()
    }

    #[test]
    fn any_number_of_names_and_hosts_of_a_domain_count_as_a_few_people() {
        let (mut strangers, now) = (Strangers::default(), Instant::now());
        let evil = (0..10_000).map(|n| format!("u{n}@h{n}.evil.example@jabber"));
        assert_eq!(done(&mut strangers, now, evil), 8 * 50);
        let honest = (0..50).map(|_| "bob@honest.example@jabber".to_owned());
        assert_eq!(done(&mut strangers, now, honest), 50);
    }

    #[test]
    fn origins_without_number_take_no_memory_without_end() {
        let (mut strangers, now) = (Strangers::default(), Instant::now());
        let all = (0..3 * MAX_ORIGINS).map(|n| format!("u@d{n}.example@jabber"));
        assert!(done(&mut strangers, now, all) > MAX_ORIGINS);
        assert_eq!(strangers.origins.len(), MAX_ORIGINS);
        let later = now + Duration::from_secs(10);
        assert_eq!(done(&mut strangers, later, std::iter::once("u@late.example@jabber".into())), 1);
        assert_eq!(strangers.origins.len(), 1);
    }
}
