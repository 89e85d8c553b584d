//! Everything that is stored about one person: told, and forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Address, Roster, Stamp};

use super::Hub;
use crate::common::clock;
use crate::hub::inbound::Inbound;
use crate::membership::{GatewayId, Key};
use crate::outbox::Waiting;

/// Time by which what was said before another gateway forgot somebody may seem to be younger than that:
/// clocks differ, and ages lose what a start takes. What is said so soon after it is reported too.
const SLACK: Duration = Duration::from_secs(10);

/// Everything that the gateways store about a person.
#[derive(Clone, Debug)]
pub struct Records {
    /// The list and the settings.
    pub roster: Roster,
    /// The gateways that keep them for the person, besides those where the person signs on.
    pub homes: Vec<Home>,
    /// Messages by and for the person, and reports for the person, that wait at this gateway.
    pub waiting: Vec<Waiting>,
}

/// A gateway that keeps a person's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// Which.
    pub id: GatewayId,
    /// Whether it can be reached now. This gateway itself always can.
    pub is_reached: bool,
}

/// Consequences of forgetting a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wiped {
    /// Number of texts of the person that waited at this gateway, by their receivers.
    pub taken_back: BTreeMap<Address, usize>,
    /// The gateways that forget the list: those that cannot be reached now, when they can.
    pub homes: Vec<Home>,
}

impl Hub {
    /// Everything that is stored about `user`, as far as it is known here.
    pub(crate) async fn records(self: &Arc<Self>, user: &Address) -> Records {
        let roster = self.load(user).await;
        let waiting = self.with(|node, now| node.waiting(now, user));
        Records { roster, homes: self.homes(user), waiting }
    }

    /// Forgets the roster of `user`, with what may be saved later and is no newer than `newest`, and
    /// the messages that wait by or for `user`. Resolves when that is on this gateway's disk.
    pub(crate) async fn wipe(self: &Arc<Self>, user: &Address, newest: Stamp) -> Wiped {
        let mut roster = self.load(user).await;
        // Two writers within a millisecond are told apart by their numbers: only the next one is
        // newer for certain.
        roster.wipe(roster.stamp().max(newest).next(self.wall.read(), self.epoch));
        let taken_back = self.with(|node, now| node.wipe_posts(now, user));
        self.save(user, &roster).await;
        if self.with(|node, _| node.is_here(user)) {
            self.hand_over(Inbound::Roster(user.clone()));
        }
        Wiped { taken_back, homes: self.homes(user) }
    }

    /// Another gateway brought `news` of the list of `owner`. Where the list was wiped, so is what
    /// waits here of what `owner` had said before.
    pub(super) fn wiped_elsewhere(self: &Arc<Self>, owner: &Address, news: &Roster) {
        let Some(at) = news.wiped_at() else { return };
        let since = Duration::from_millis(self.wall.read().0.saturating_sub(at.0));
        let since = since.saturating_sub(SLACK);
        self.with(|node, _| node.take_back_posts(clock::now(), owner, since));
    }

    fn homes(self: &Arc<Self>, user: &Address) -> Vec<Home> {
        let linked = self.linked();
        let home = |id| Home { id, is_reached: id == self.own || linked.contains(&id) };
        let homes = self.members.borrow().homes(&Key::of(user));
        homes.into_iter().map(home).collect()
    }
}
