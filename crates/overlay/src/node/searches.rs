//! Searches: where somebody is, as far as is known here and at the homes.

use std::time::Instant;

use crosstalk_core::Address;

use super::{Effect, Node, Ticket};
use crate::membership::{GatewayId, Key};
use crate::wire::frame::Frame;

impl<T, L> Node<T, L> {
    /// Looks for `user`; the answer comes as [`Effect::Found`], at once where it is known here.
    pub(crate) fn locate(&mut self, now: Instant, user: &Address, ticket: L) {
        self.find(now, user, Ticket::Owner(ticket));
    }

    pub(super) fn find(&mut self, now: Instant, user: &Address, ticket: Ticket<L>) {
        let key = Key::of(user);
        let known = self.directory.locate(user);
        let homes = self.members.homes(&key);
        let asked: Vec<_> =
            homes.iter().copied().filter(|home| self.leases.link(home).is_some()).collect();
        if !known.is_empty() || homes.contains(&self.members.own()) || asked.is_empty() {
            return self.found(now, ticket, known);
        }
        let ask = self.searches.begin(now, user.network().clone(), asked.clone(), ticket);
        for home in asked {
            self.queue(home, &Frame::Locate { ask, key });
        }
    }

    pub(super) fn found(&mut self, now: Instant, ticket: Ticket<L>, at: Vec<GatewayId>) {
        let (at, beyond): (Vec<_>, Vec<_>) =
            at.into_iter().partition(|gateway| self.directory.is_living(gateway));
        match ticket {
            Ticket::Owner(ticket) => self.effects.push_back(Effect::Found(ticket, at)),
            Ticket::Post(number) => {
                if at.is_empty() && !beyond.is_empty() {
                    self.outbox.out_of_reach(now, number);
                } else {
                    self.outbox.located(now, number, &at);
                }
                self.work_off(now);
            }
        }
    }

    /// A home answered a search.
    pub(super) fn located(
        &mut self,
        now: Instant,
        peer: GatewayId,
        ask: u64,
        at: Vec<(GatewayId, u64)>,
    ) {
        let gateways = at.iter().map(|(gateway, _)| *gateway);
        let beyond: Vec<_> = gateways.filter(|g| !self.may_link(g)).collect();
        let stands = |(gateway, epoch): &(GatewayId, u64), network: &_| {
            (self.directory.lives(gateway, *epoch) || beyond.contains(gateway))
                && self.members.may_speak(gateway, network)
        };
        if let Some((ticket, at)) = self.searches.found(&peer, ask, at, stands) {
            self.found(now, ticket, at);
        }
    }
}
