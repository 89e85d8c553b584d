//! Passing on of what changed in a roster, to the gateways that it concerns.

use crosstalk_core::{Address, Roster};

use super::{LAST_TURN, Merged, RosterStore, Rosters, parts, size};
use crate::membership::{GatewayId, Key};
use crate::wire::frame::Frame;

/// A roster that changed by what another gateway said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) owner: Address,
    /// Entries that did.
    pub(crate) news: Roster,
    to_homes: ToHomes,
}

/// What the other homes of a roster are told of a change.
#[derive(Debug, PartialEq, Eq)]
enum ToHomes {
    /// The entries.
    News,
    /// The digest of the whole. Two homes that are compared may exchange very many lists, which
    /// each other home most likely has, or gets by comparison as well: passed on whole, they would
    /// fill its link.
    Digest(u64),
    /// Nothing yet, as more of it is on the way.
    Nothing,
}

impl<S: RosterStore> Rosters<S> {
    /// Frames that tell those whom `change` concerns.
    pub(crate) fn pass_on(
        &self,
        change: &Change,
        concerned: impl IntoIterator<Item = GatewayId>,
    ) -> Vec<(GatewayId, Frame)> {
        let key = Key::of(&change.owner);
        let news = parts(&change.owner, &change.news, None, LAST_TURN);
        let to_home = match change.to_homes {
            ToHomes::News => news.clone(),
            ToHomes::Digest(digest) => vec![Frame::RosterDigests(vec![(key, digest)])],
            ToHomes::Nothing => Vec::new(),
        };
        let frames = |to| if self.members.is_home(&to, &key) { &to_home } else { &news };
        let concerned = concerned.into_iter();
        concerned.flat_map(|to| frames(to).iter().map(move |frame| (to, frame.clone()))).collect()
    }

    /// The change by a part that `by` sent and that was merged; `whole` is what it said with it.
    pub(super) fn changed(
        &mut self,
        by: GatewayId,
        owner: Address,
        merged: Option<Merged>,
        (whole, turn): (Option<u64>, u8),
    ) -> Option<Change> {
        let key = Key::of(&owner);
        let is_home = self.members.is_home(&by, &key);
        // Of half a list a home that has all of it would want the whole.
        if is_home && whole.is_none() && turn < LAST_TURN {
            let news = merged?.news;
            self.begun.insert(by, key);
            return Some(Change { owner, news, to_homes: ToHomes::Nothing });
        }
        let is_rest = is_home && self.begun.get(&by) == Some(&key);
        if is_rest && whole.is_some() {
            self.begun.remove(&by);
            let digest = self.digest(&key)?;
            let news = merged.map(|merged| merged.news).unwrap_or_default();
            return Some(Change { owner, news, to_homes: ToHomes::Digest(digest) });
        }
        let Merged { news, digest, bytes } = merged?;
        // Of a small change who is behind, or ahead by the next one, had better not ask for the
        // whole.
        let is_most = size(&news) >= bytes / 2;
        let is_digest = is_home && whole.is_some() && is_most;
        let to_homes = if is_digest { ToHomes::Digest(digest) } else { ToHomes::News };
        Some(Change { owner, news, to_homes })
    }
}

#[cfg(test)]
mod tests;
