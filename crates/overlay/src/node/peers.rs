//! Members, the membership version of each peer, and the addresses at which gateways can be
//! dialled.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::HostPort;

use super::{COMPARE, Effect, MAX_CARDS, Node};
use crate::membership::signed_addresses::{BadCard, Card};
use crate::membership::{GatewayId, Members};
use crate::node::violations::Violation;
use crate::wire::frame::Frame;

impl<T, L> Node<T, L> {
    /// The members changed. Who is none any more, or has other rights, is as good as dead; with
    /// the others everything is exchanged again, since records have other homes now.
    pub(crate) fn set_members(&mut self, now: Instant, members: Arc<Members>) {
        let old = std::mem::replace(&mut self.members, members.clone());
        let changed = old.changed_in(&members);
        self.membership_versions.begin(members.era());
        self.cards.keep(&members);
        for peer in &changed {
            if self.leases.epoch(peer).is_some() {
                self.end(now, *peer);
            }
            if !members.contains(peer) {
                self.revoke(*peer);
            }
        }
        // After the ends above, which still need the old homes; before the syncs below, which need
        // the new ones.
        self.directory.rehome(members, &changed);
        let linked: Vec<_> = self.leases.links().collect();
        for peer in linked {
            self.queue(peer, &Frame::Era(self.members.era()));
            if self.membership_versions.is_shared(&peer) {
                self.sync(now, peer);
            }
        }
        self.ask_for_membership(now);
        self.spread_news(now);
    }

    /// Closes the link of a gateway that is no member any more.
    pub(super) fn revoke(&mut self, peer: GatewayId) {
        if let Some(link) = self.leases.link(&peer) {
            self.effects.push_back(Effect::Close(peer, link));
        }
        self.leases.forget(&peer);
        self.membership_versions.unlinked(&peer);
        self.queues.remove(&peer);
        self.said.remove(&peer);
    }

    /// Says to `peer` everything that it is home for, and compares rosters with it.
    pub(super) fn sync(&mut self, now: Instant, peer: GatewayId) {
        let Some(epoch) = self.leases.epoch(&peer) else { return };
        let (records, version) = self.directory.linked(peer, epoch);
        self.queue_records(peer, records);
        self.queue(peer, &Frame::Synced { version });
        self.queue_heard_out(peer, &self.directory.all_heard_out());
        self.effects.push_back(Effect::Compare(peer));
        self.spread_news(now);
    }

    /// Compares rosters with the next peer, if it is time.
    pub(super) fn compare_next(&mut self) {
        if !self.seq.is_multiple_of(COMPARE) {
            return;
        }
        let shared = |peer: &GatewayId| self.membership_versions.is_shared(peer);
        let peers: BTreeSet<_> = self.leases.links().filter(shared).collect();
        let next = peers.iter().find(|peer| Some(**peer) > self.compared).or(peers.first());
        self.compared = next.copied();
        self.effects.extend(self.compared.map(Effect::Compare));
    }

    pub(super) fn ask_for_membership(&mut self, now: Instant) {
        if let Some(peer) = self.membership_versions.ask(now) {
            self.queue(peer, &Frame::MembershipGet);
        }
    }

    /// This gateway's own card.
    pub(crate) fn set_card(&mut self, card: &Card) {
        let taken = self.cards.take(card, &self.members);
        debug_assert_eq!(taken, Ok(true), "it is this gateway's");
    }

    /// Addresses at which a gateway says that it can be dialled.
    pub(crate) fn addresses(&self, gateway: &GatewayId) -> Vec<HostPort> {
        self.cards.addresses(gateway)
    }

    /// Whether a link to `gateway` can ever come up: where a document says so of neither of the
    /// two, and neither says so itself, none knows where to call the other.
    pub(crate) fn may_link(&self, gateway: &GatewayId) -> bool {
        let is_callable =
            |id: &GatewayId| self.members.is_callable(id) || !self.cards.addresses(id).is_empty();
        self.members.document().is_none()
            || is_callable(gateway)
            || is_callable(&self.members.own())
    }

    /// Takes cards, and tells the others of those that are news.
    pub(super) fn pass_on(&mut self, now: Instant, from: GatewayId, cards: &[Card]) {
        let mut news = Vec::new();
        for card in cards {
            match self.cards.take(card, &self.members) {
                Ok(true) => news.push(card.clone()),
                Ok(false) => {}
                Err(BadCard) => {
                    let why = "addresses that their gateway did not sign";
                    self.violations.refuse(now, from, Violation::Stale, why);
                }
            }
        }
        let linked: Vec<_> = self.leases.links().filter(|peer| *peer != from).collect();
        for peer in linked {
            self.queue_cards(peer, &news);
        }
    }

    pub(super) fn queue_cards(&mut self, peer: GatewayId, cards: &[Card]) {
        for some in cards.chunks(MAX_CARDS) {
            self.queue(peer, &Frame::Cards(some.to_vec()));
        }
    }

    /// Time for which the lease of `peer` still holds.
    pub(crate) fn lease_of(&self, now: Instant, peer: &GatewayId) -> Duration {
        self.leases.until(peer).map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    /// The version of the membership that `peer` said it has.
    pub(crate) fn membership_of(&self, peer: &GatewayId) -> u64 {
        self.membership_versions.of(peer)
    }
}
